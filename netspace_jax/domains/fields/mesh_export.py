"""Shapes of a run as files of meshes."""

import dataclasses
import logging
from pathlib import Path
from typing import Annotated, Literal

from annotated_types import Interval

from netspace_jax.domains.fields.geometry import is_empty
from netspace_jax.domains.fields.shapes import mesh_of
from netspace_jax.files import write_bytes
from netspace_jax.memory import refuse_beyond
from netspace_jax.rules import MOST, Count
from netspace_jax.runs import Run


@dataclasses.dataclass(frozen=True)
class MeshOptions:
    """Flags of `meshes`."""

    out: Path = Path("meshes")
    """Directory for the meshes."""
    format: Literal["ply", "obj", "glb"] = "ply"
    """Format of the files."""
    resolution: Annotated[int, Interval(ge=8, le=MOST)] = 128
    """Grid points along each axis; 256 needs some 100 MB."""
    count: Count = 8
    """Test shapes to write, each as its SIREN and as the network generated from its embedding."""


def meshes(run: Run, options: MeshOptions) -> list[str]:
    """Meshes as files: shapes of test members and of the networks generated from them, as .ply, .obj or .glb.

    A network without a surface has no file; a warning names it.

    Raises:
      InputError: the grid would not fit into memory.
    """
    refuse_beyond(6 * options.resolution**3, "a grid of this resolution", "lower --resolution")
    networks, generated = run.networks(0, "test"), run.reconstruction(0, "test").generated
    written = []
    for row, member in enumerate(networks.members[: options.count]):
        for label, flat in (("siren", networks.parameters[row]), ("generated", generated[row])):
            mesh = mesh_of(run.space.architectures[0], flat, options.resolution)
            path = options.out / f"{Path(member.item).stem}-{label}.{options.format}"
            if is_empty(mesh):
                logging.warning("%s: no surface, so no file", path)
                continue
            content = mesh.export(file_type=options.format)
            write_bytes(path, content.encode() if isinstance(content, str) else bytes(content))
            written.append(str(path))
    return written
