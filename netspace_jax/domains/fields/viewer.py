"""A 3-D viewer in one piece of HTML: sequences of meshes, such as an interpolation, with a slider.

Plain WebGL, no library and no network. `viewer.html` beside this module is the template.
"""

import base64
import dataclasses
import json
import zlib
from collections.abc import Sequence

import numpy as np
import trimesh

from netspace_jax.domains.fields.geometry import is_empty
from netspace_jax.files import packaged

EXTENT = 1.25  # positions are stored as whole steps from -EXTENT to EXTENT
STEPS = 2**13 - 1


@dataclasses.dataclass(frozen=True)
class MeshSequence:
    """A sequence of meshes, such as an interpolation.

    Attributes:
      name: what the viewer calls it, such as "embedding" or "weights".
      meshes: its steps; an empty mesh is shown as having no surface.
    """

    name: str
    meshes: tuple[trimesh.Trimesh, ...]
    labels: tuple[str, ...] = ()


def viewer_html(sequences: Sequence[MeshSequence]) -> str:
    """A fragment of HTML that shows the sequences; a page may hold several, since they name nothing outside themselves.

    Raises:
      ValueError: no sequence, one without steps, or one whose labels are not as many as its steps.
    """
    if not sequences:
        raise ValueError("a viewer needs at least one sequence")
    packed = []
    for sequence in sequences:
        if not sequence.meshes or len(sequence.labels) not in (0, len(sequence.meshes)):
            raise ValueError(
                f"sequence {sequence.name!r} has {len(sequence.meshes)} meshes and {len(sequence.labels)} labels"
            )
        labels = sequence.labels or ("",) * len(sequence.meshes)
        steps = [
            {"label": label, "mesh": None if is_empty(mesh) else _pack(mesh)}
            for label, mesh in zip(labels, sequence.meshes, strict=True)
        ]
        packed.append({"name": sequence.name, "steps": steps})
    data = json.dumps({"extent": EXTENT, "positions": STEPS, "sequences": packed}).replace("<", "\\u003c")
    return packaged("netspace_jax.domains.fields", "viewer.html").replace("__DATA__", data)


def _pack(mesh: trimesh.Trimesh) -> dict[str, int | str]:
    """A mesh as the viewer reads it: its two counts, and base64 of deflated bytes.

    The bytes are first the vertices in `STEPS` steps, each less the one before, as 16 bits; then the faces, their first
    corner less that of the face before and the other two less the first, as 32 bits. In each of the two, the lowest
    bytes of all numbers come first, then the next higher ones.
    """
    steps = np.rint((np.clip(np.asarray(mesh.vertices), -EXTENT, EXTENT) / EXTENT + 1) * (STEPS / 2)).astype(np.int64)
    vertices = np.diff(steps, axis=0, prepend=0).astype("<u2")
    faces = np.asarray(mesh.faces)
    first = np.diff(faces[:, 0], prepend=0)
    faces = np.stack([first, faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0]], 1).astype("<i4")
    planes = b"".join(values.reshape(-1, 1).view(np.uint8).T.tobytes() for values in (vertices, faces))
    return {
        "vertices": len(mesh.vertices),
        "faces": len(mesh.faces),
        "data": base64.b64encode(zlib.compress(planes, 9)).decode(),
    }
