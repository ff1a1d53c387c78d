"""Surfaces of signed distance fields: meshes by marching cubes, how connected they are, how far two shapes are apart.

Meshes are `trimesh.Trimesh` objects made with `process=False`, which leaves vertices and triangles as they are given.
Triangles turn counter-clockwise seen from outside.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import trimesh
from jaxtyping import Array, Float, PyTree
from scipy.spatial import KDTree
from skimage import measure

RADIUS = 0.9  # of the farthest corner of a shape that is brought to size
_OUTSIDE = 1e3  # around the grid; far above any distance, so that the surface lies at the cube's walls
_TOGETHER = 2**17  # points evaluated at once


def is_empty(mesh: trimesh.Trimesh) -> bool:
    """True for a mesh without triangles; `Trimesh.is_empty` is false if it still has vertices."""
    return len(mesh.faces) == 0


def extract_mesh(
    field: Callable[[PyTree, Float[Array, "n 3"]], Float[Array, "n 1"]], params: PyTree, resolution: int = 128
) -> trimesh.Trimesh:
    """The zero level of a field by marching cubes (scikit-image) on a grid over [-1, 1]³.

    The values, 4 bytes for each of resolution³ points, are computed in jitted chunks, whose points are made from their
    indices on the device. A shape that reaches out of the cube is cut and closed at its walls.

    Args:
      field: called as `field(params, points)`, negative inside. It is compiled once for each function object, so give
        the same one for all networks of an architecture, and what differs between them in `params`.
      resolution: grid points along each axis, walls included.

    Returns:
      The mesh, or an empty one where the field has no zero level in the cube or is not finite.
    """
    chunks = -(-(resolution**3) // _TOGETHER)
    values = [np.asarray(_grid_values(field, resolution, params, jnp.int32(chunk))) for chunk in range(chunks)]
    values = np.concatenate(values)[: resolution**3]
    if not (np.isfinite(values).all() and values.min() < 0):
        return trimesh.Trimesh(np.zeros((0, 3)), np.zeros((0, 3), int), process=False)
    spacing = 2 / (resolution - 1)
    grid = np.pad(values.reshape((resolution,) * 3), 1, constant_values=_OUTSIDE)
    vertices, faces, _, _ = measure.marching_cubes(
        grid, 0.0, spacing=(spacing,) * 3, gradient_direction="descent", allow_degenerate=False
    )
    return trimesh.Trimesh((vertices - spacing - 1).astype(np.float32), faces, process=False)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _grid_values(field, resolution, params, chunk):
    size = min(_TOGETHER, resolution**3)
    index = chunk * size + jnp.arange(size)
    steps = jnp.stack([index // resolution**2, index // resolution % resolution, index % resolution], -1)
    return field(params, 2 * steps / (resolution - 1) - 1)[:, 0]


def largest_component_share(mesh: trimesh.Trimesh) -> float:
    """Share of a mesh's area in its largest connected component; 0 for an empty mesh."""
    if is_empty(mesh) or mesh.area == 0:
        return 0.0
    labels = trimesh.graph.connected_component_labels(mesh.edges, len(mesh.vertices))
    return float(np.bincount(labels[mesh.faces[:, 0]], mesh.area_faces).max() / mesh.area)


def triangle_areas(corners: Float[np.ndarray, "f 3 3"]) -> Float[np.ndarray, "f"]:
    """Area of each triangle, in the precision of its corners."""
    a, b, c = np.moveaxis(corners, 1, 0)
    return np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2


def sample_surface(mesh: trimesh.Trimesh, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count 3"]:
    """Points uniform in area on a mesh, float32.

    Raises:
      ValueError: the mesh has no area.
    """
    # trimesh.sample draws in another order: the same seed would give other points than those behind measured figures.
    triangles = np.asarray(mesh.triangles, np.float32)
    areas = triangle_areas(triangles).astype(np.float64)
    if not areas.sum() > 0:
        raise ValueError(f"a mesh of {len(areas)} triangles has no area to draw points from")
    corners = triangles[rng.choice(len(areas), count, p=areas / areas.sum())]
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
    to_b, to_a = KDTree(points_b).query(points_a)[0], KDTree(points_a).query(points_b)[0]
    return float((np.mean(to_b) + np.mean(to_a)) / 2)


def iou(values_a: Float[np.ndarray, "n"], values_b: Float[np.ndarray, "n"]) -> float:
    """Intersection over union of two shapes, given as signed distances (negative inside) at the same points.

    1 where neither has a point inside.
    """
    inside_a, inside_b = values_a < 0, values_b < 0
    union = np.count_nonzero(inside_a | inside_b)
    return np.count_nonzero(inside_a & inside_b) / union if union else 1.0
