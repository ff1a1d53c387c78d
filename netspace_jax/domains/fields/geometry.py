"""Surfaces of signed distance fields: marching cubes, how connected a mesh is, and how far two shapes are apart."""

import dataclasses
import functools
import importlib
import math
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from netspace_jax.errors import InputError

Field = Callable[[PyTree, Float[Array, "n 3"]], Float[Array, "n"]]
_OUTSIDE = 1e3  # around the grid; far above any distance, so that the surface lies at the cube's walls
MESH_FORMATS = (".ply", ".obj", ".glb")


@dataclasses.dataclass(frozen=True)
class Mesh:
    """A triangle mesh; triangles turn counter-clockwise seen from outside. Without triangles it is empty."""

    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]

    @property
    def empty(self) -> bool:
        return len(self.faces) == 0

    @property
    def face_normals(self) -> Float[np.ndarray, "f 3"]:
        """Normal of each triangle, as long as twice its area."""
        a, b, c = np.moveaxis(self.vertices[self.faces], 1, 0)
        return np.cross(b - a, c - a)

    @property
    def face_areas(self) -> Float[np.ndarray, "f"]:
        return np.linalg.norm(self.face_normals, axis=-1) / 2


def require(module: str) -> ModuleType:
    """A module of the extra `shapes`, imported when it is first needed.

    Raises:
      InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed; pip install 'netspace-jax[shapes]' brings it") from error


def extract_mesh(field: Field, params: PyTree, resolution: int = 128, bounds: float = 1.0,
                 chunk: int = 2 ** 17) -> Mesh:
    """The zero level of a field by marching cubes (scikit-image) on a grid over [-bounds, bounds]³.

    The values, 4 bytes for each of resolution³ points, are computed in jitted chunks, whose points are made from their
    indices on the device. A shape that reaches out of the cube is cut and closed at its walls.

    Args:
      field: called as `field(params, points)`, negative inside. It is compiled once for each function object, so give
        the same one for all networks of an architecture, and what differs between them in `params`.
      params: whatever `field` takes.
      resolution: grid points along each axis, walls included.
      bounds: half the cube's side.
      chunk: points evaluated at once.

    Returns:
      The mesh, or an empty one where the field has no zero level in the cube or is not finite.
    """
    measure = require("skimage.measure")
    count = resolution ** 3
    chunk = min(chunk, count)
    values = np.empty(count, np.float32)
    for start in range(0, count, chunk):
        piece = _grid_values(field, resolution, chunk, params, jnp.int32(start), jnp.float32(bounds))
        values[start:start + chunk] = np.asarray(piece)[:count - start]
    if not (np.isfinite(values).all() and values.min() < 0):
        return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    spacing = 2 * bounds / (resolution - 1)
    grid = np.pad(values.reshape((resolution,) * 3), 1, constant_values=_OUTSIDE)
    vertices, faces, _, _ = measure.marching_cubes(grid, 0.0, spacing=(spacing,) * 3, gradient_direction="descent",
                                                   allow_degenerate=False)
    return Mesh((vertices - spacing - bounds).astype(np.float32), faces.astype(np.int32))


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _grid_values(field, resolution, chunk, params, start, bounds):
    index = start + jnp.arange(chunk)
    steps = jnp.stack([index // resolution ** 2, index // resolution % resolution, index % resolution], -1)
    return field(params, bounds * (2 * steps / (resolution - 1) - 1))


def largest_component_share(mesh: Mesh) -> float:
    """Share of a mesh's area in its largest connected component; 0 for an empty mesh."""
    areas = mesh.face_areas
    if mesh.empty or areas.sum() == 0:
        return 0.0
    ends = np.concatenate([mesh.faces[:, :2], mesh.faces[:, 1:]])
    graph = coo_array((np.ones(len(ends), bool), tuple(ends.T)), shape=(len(mesh.vertices),) * 2)
    _, labels = connected_components(graph, directed=False)
    return float(np.bincount(labels[mesh.faces[:, 0]], areas).max() / areas.sum())


def sample_surface(mesh: Mesh, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3"]:
    """Points uniform in area on a mesh, float32.

    Raises:
      ValueError: the mesh has no area.
    """
    areas = mesh.face_areas.astype(np.float64)
    if not areas.sum() > 0:
        raise ValueError(f"a mesh of {len(mesh.faces)} triangles has no area to draw points from")
    corners = mesh.vertices[mesh.faces[rng.choice(len(areas), count, p=areas / areas.sum())]]
    u, v = rng.random((2, count, 1))
    root = np.sqrt(u)
    points = (1 - root) * corners[:, 0] + root * (1 - v) * corners[:, 1] + root * v * corners[:, 2]
    return points.astype(np.float32)


def chamfer(points_a: Float[np.ndarray, "a 3"], points_b: Float[np.ndarray, "b 3"]) -> float:
    """Symmetric Chamfer distance: the mean distance to the nearest point of the other set, averaged over both ways.

    In units of length, not squared; nan where a set is empty, since there is nothing to be near to.
    """
    if not len(points_a) or not len(points_b):
        return math.nan
    to_b, to_a = cKDTree(points_b).query(points_a)[0], cKDTree(points_a).query(points_b)[0]
    return float((to_b.mean() + to_a.mean()) / 2)


def iou(values_a: Float[np.ndarray, "n"], values_b: Float[np.ndarray, "n"]) -> float:
    """Intersection over union of two shapes, given as signed distances (negative inside) at the same points.

    1 where neither has a point inside.
    """
    inside_a, inside_b = values_a < 0, values_b < 0
    union = np.count_nonzero(inside_a | inside_b)
    return np.count_nonzero(inside_a & inside_b) / union if union else 1.0


def write_mesh(path: str | Path, mesh: Mesh) -> None:
    """Write a mesh as .ply, .obj or .glb (through trimesh), whole or not at all.

    Raises:
      InputError: another format is asked for, or the mesh is empty, which these formats cannot say.
    """
    path = Path(path)
    if path.suffix.lower() not in MESH_FORMATS:
        raise InputError(f"{path}: meshes are written as {', '.join(MESH_FORMATS)}; give a name that ends so")
    if mesh.empty:
        raise InputError(f"{path}: the mesh is empty, its field has no zero level; there is nothing to write")
    solid = require("trimesh").Trimesh(mesh.vertices, mesh.faces, process=False)
    data = solid.export(file_type=path.suffix[1:].lower())
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.partial")
    temporary.write_bytes(data.encode() if isinstance(data, str) else data)
    os.replace(temporary, path)
