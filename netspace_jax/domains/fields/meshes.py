"""Real meshes as solids: read, made to fit, and their signed distance although they are rarely watertight.

What is inside is what the mesh winds around more than half way (generalised winding number: Jacobson et al. 2013; fast
evaluation: Barill et al. 2018, both in libigl), which holes, overlaps and inner faces hardly disturb.
"""

import re
from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float

from netspace_jax.data.splits import reason
from netspace_jax.domains.fields.geometry import RADIUS, is_empty, triangle_areas
from netspace_jax.errors import InputError

SUFFIXES = (".obj", ".off", ".ply", ".stl", ".glb")
# A face line of an .obj file with vertex index 0. Counting starts at 1 there, but trimesh takes 0 as the first vertex.
_INDEX_ZERO = re.compile(rb"^f[^\n]*[ \t]-?0+(?=[\s/]|\Z)", re.MULTILINE)


class UnusableMesh(ValueError):
    """Why a mesh cannot serve as a solid."""


def load_mesh(path: Path) -> trimesh.Trimesh:
    """A mesh file's triangles, all its objects joined, centred on its bounding box, its farthest vertex at `RADIUS`.

    Raises:
      UnusableMesh: it cannot be read, has no triangles, has vertices that are not finite, or no extent.
    """
    try:
        text = path.read_bytes() if path.suffix.lower() == ".obj" else b""
        # A backslash continues a line.
        if _INDEX_ZERO.search(text.replace(b"\r\n", b"\n").replace(b"\\\n", b"")):
            raise UnusableMesh("a triangle names vertex 0, but vertices of .obj files are counted from 1")
        mesh = trimesh.load_mesh(path, process=False, skip_materials=True)
    except UnusableMesh:
        raise
    except Exception as error:  # each format's reader fails in its own way, and one broken file must not end the job
        raise UnusableMesh(f"it cannot be read ({type(error).__name__}: {reason(error)[:120]})") from error
    return normalise(mesh)


def normalise(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """The mesh, centred on its bounding box and scaled until its farthest vertex has radius `RADIUS`.

    Only vertices that a triangle uses count. The result is rounded to float32, but only once it is centred.

    Raises:
      UnusableMesh: no triangles, vertices that are not of 3 coordinates or not finite, a triangle without its vertex,
        or no extent.
    """
    if is_empty(mesh):
        raise UnusableMesh("it has no triangles")
    if mesh.vertices.shape[1:] != (3,):
        raise UnusableMesh(f"its vertices have {mesh.vertices.shape[-1]} coordinates, not 3")
    faces, count = np.asarray(mesh.faces), len(mesh.vertices)
    if faces.min() < 0 or faces.max() >= count:
        wrong = faces.min() if faces.min() < 0 else faces.max()
        raise UnusableMesh(f"a triangle names vertex {wrong} of {count}")
    used, faces = np.unique(faces, return_inverse=True)
    vertices = np.asarray(mesh.vertices, np.float64)[used]
    if not np.isfinite(vertices).all():
        raise UnusableMesh(f"{np.count_nonzero(~np.isfinite(vertices).all(1))} of its vertices are not finite")
    vertices -= (vertices.min(0) + vertices.max(0)) / 2
    radius = np.linalg.norm(vertices, axis=1).max()
    if not radius > 0:
        raise UnusableMesh("all its vertices are one point")
    vertices, faces = (vertices * (RADIUS / radius)).astype(np.float32), faces.reshape(-1, 3)
    if not triangle_areas(vertices[faces]).sum() > 0:
        raise UnusableMesh("its triangles have no area")
    return trimesh.Trimesh(vertices, faces, process=False)


def signed_distance(mesh: trimesh.Trimesh, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
    """Distance to the nearest triangle, negative where the mesh's winding number is beyond ±1/2; float32.

    A mesh turned inside out has the same inside. libigl's own signed distance by the fast winding number w multiplies
    the distance by 1 - 2|w|, which shortens it wherever a mesh has holes; so the two are combined here.

    Raises:
      InputError: libigl is not installed.
    """
    try:
        import igl
    except ModuleNotFoundError as error:
        raise InputError("igl is not installed; pip install 'netspace-jax[shapes]' brings it") from error
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    points = np.ascontiguousarray(points, np.float64)
    square, _, _ = igl.point_mesh_squared_distance(points, vertices, faces)
    inside = np.abs(igl.fast_winding_number(vertices, faces, points)) > 0.5
    return (np.where(inside, -1, 1) * np.sqrt(square)).astype(np.float32)
