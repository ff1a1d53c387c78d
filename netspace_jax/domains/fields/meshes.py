"""Real meshes as solids: read, made to fit, and their signed distance although they are rarely watertight.

What is inside is what the mesh winds around more than half way (generalised winding number: Jacobson et al. 2013; fast
evaluation: Barill et al. 2018, both in libigl), which holes, overlaps and inner faces hardly disturb.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from netspace_jax.domains.fields.geometry import Mesh, require

SUFFIXES = (".obj", ".off", ".ply", ".stl", ".glb")
RADIUS = 0.9  # as that of procedural chairs


class UnusableMesh(ValueError):
    """Why a mesh cannot serve as a solid."""


def load_mesh(path: Path) -> Mesh:
    """A mesh file's triangles, all its objects joined, centred on its bounding box, its farthest vertex at `RADIUS`.

    Raises:
      UnusableMesh: it cannot be read, has no triangles, has vertices that are not finite, or no extent.
      InputError: trimesh is not installed.
    """
    trimesh = require("trimesh")
    try:
        loaded = trimesh.load_mesh(path, process=False, skip_materials=True)
    except Exception as error:  # each format's reader fails in its own way, and one broken file must not end the job
        raise UnusableMesh(f"it cannot be read ({type(error).__name__}: {_one_line(error)})") from error
    return normalise(Mesh(np.asarray(loaded.vertices, np.float32), np.asarray(loaded.faces, np.int32)))


def normalise(mesh: Mesh) -> Mesh:
    """The mesh, centred on its bounding box and scaled until its farthest vertex has radius `RADIUS`.

    Only vertices that a triangle uses count.

    Raises:
      UnusableMesh: no triangles, a triangle without its vertex, vertices that are not finite, or no extent.
    """
    if mesh.empty:
        raise UnusableMesh("it has no triangles")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise UnusableMesh(f"a triangle names vertex {mesh.faces.max()} of {len(mesh.vertices)}")
    used, faces = np.unique(mesh.faces, return_inverse=True)
    vertices = mesh.vertices[used].astype(np.float64)
    if not np.isfinite(vertices).all():
        raise UnusableMesh(f"{np.count_nonzero(~np.isfinite(vertices).all(1))} of its vertices are not finite")
    vertices -= (vertices.min(0) + vertices.max(0)) / 2
    radius = np.linalg.norm(vertices, axis=1).max()
    if not radius > 0:
        raise UnusableMesh("all its vertices are one point")
    scaled = Mesh((vertices * (RADIUS / radius)).astype(np.float32), faces.reshape(-1, 3).astype(np.int32))
    if not scaled.face_areas.sum() > 0:
        raise UnusableMesh("its triangles have no area")
    return scaled


def signed_distance(mesh: Mesh, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
    """Distance to the nearest triangle, negative where the mesh's winding number is beyond ±1/2; float32.

    A mesh turned inside out has the same inside. libigl's own signed distance by the fast winding number w multiplies
    the distance by 1 - 2|w|, which shortens it wherever a mesh has holes; so the two are combined here.

    Raises:
      InputError: libigl is not installed.
    """
    igl = require("igl")
    vertices, faces = mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64)
    points = np.ascontiguousarray(points, np.float64)
    square, _, _ = igl.point_mesh_squared_distance(points, vertices, faces)
    inside = np.abs(igl.fast_winding_number(vertices, faces, points)) > 0.5
    return (np.where(inside, -1, 1) * np.sqrt(square)).astype(np.float32)


def usable_meshes(folder: Path, paths: list[Path]) -> Iterator[tuple[str, Mesh]]:
    """Name (path within the folder) and normalised mesh of each file; one that is unusable is logged and left out."""
    for path in paths:
        name = str(path.relative_to(folder))
        try:
            yield name, load_mesh(path)
        except UnusableMesh as error:
            skip(name, error)


def skip(name: str, reason: UnusableMesh) -> None:
    """Log that a mesh is left out, and why."""
    logging.warning("mesh %s left out: %s", name, reason)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
