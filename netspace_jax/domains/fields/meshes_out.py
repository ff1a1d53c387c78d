"""Shapes of a run as files of meshes."""

import dataclasses
import logging
from pathlib import Path
from typing import Literal

from netspace_jax.domains.fields.geometry import is_empty, write_mesh
from netspace_jax.domains.fields.shapes import mesh_of
from netspace_jax.errors import InputError
from netspace_jax.runs import Run


@dataclasses.dataclass(frozen=True)
class MeshOptions:
    """Where meshes go, and how they are made."""

    out: Path = Path("meshes")
    """Directory for the meshes."""
    format: Literal["ply", "obj", "glb"] = "ply"
    """Format of the files."""
    resolution: int = 128
    """Grid points along each axis; 256 needs some 100 MB."""
    count: int = 8
    """Test shapes to write, each as its SIREN and as the network generated from its embedding."""


def meshes(run: Run, options: MeshOptions) -> list[str]:
    """Meshes as files: shapes of test members and of the networks generated from them, as .ply, .obj or .glb.

    A network without a surface has no file; a warning names it.

    Raises:
      InputError: the resolution is too small.
    """
    if options.resolution < 8:
        raise InputError(f"--resolution must be at least 8, not {options.resolution}")
    networks, generated = run.networks(0, "test"), run.reconstruction(0, "test").generated
    options.out.mkdir(parents=True, exist_ok=True)
    written = []
    for row, member in enumerate(networks.members[: options.count]):
        for label, flat in (("siren", networks.parameters[row]), ("generated", generated[row])):
            mesh = mesh_of(run.space.architectures[0], flat, options.resolution)
            path = options.out / f"{Path(member.item).stem}-{label}.{options.format}"
            if is_empty(mesh):
                logging.warning("%s: no surface, so no file", path)
                continue
            write_mesh(path, mesh)
            written.append(str(path))
    return written
