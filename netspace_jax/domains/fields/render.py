"""Shaded pictures of meshes, computed with NumPy alone: no display, no GPU, one camera and one scale for all.

A picture is rasterised at twice its size. Light comes from a lamp that casts soft shadows and from the sky, whose share
at a point is how many of a few directions are free; the ground below catches both. Visibility from a direction is a
depth map rendered from there, so one rasteriser does everything.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import trimesh
from jaxtyping import Bool, Float, Int, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from scipy import ndimage

from netspace_jax.domains.fields.geometry import is_empty

_BLUE = (0.34, 0.56, 0.78)
_VIEW = np.array([0.55, 0.42, 1.0], np.float32)  # from the shape to the camera, y up and z to the front
_LAMP = np.array([0.5, 1.0, 0.45], np.float32)
_EXTENT = 1.12  # half the width of what a picture shows, in the units of the shapes
_SHADOW_SIZE = 192
_CANDIDATES = 4_000_000  # pixels weighed at once, which bounds the memory


def picture(mesh: trimesh.Trimesh, size: int = 320) -> UInt8[np.ndarray, "size size 3"]:
    """A shaded picture of a mesh inside the unit sphere, on white, seen from the front, above and to the right.

    The camera is orthographic and never moves, so pictures of different meshes compare. An empty mesh stays white.
    """
    fine = 2 * size
    light = np.ones((fine, fine, 3), np.float32)
    if is_empty(mesh):
        return _shrink(light)
    vertices, faces = np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces)
    axes = _axes(_VIEW)
    triangle, weights = _rasterise(vertices @ axes.T, faces, fine, _EXTENT)[:2]
    rows, columns = np.nonzero(triangle >= 0)
    hit, w = triangle[rows, columns], weights[rows, columns][..., None]
    points = (vertices[faces[hit]] * w).sum(1)
    normals = _normals(mesh, hit, w, axes[2])
    ground = _ground(vertices[:, 1].min(), axes, size // 2)
    n = len(points)
    up = np.broadcast_to(np.array([0, 1, 0], np.float32), ground.shape)
    lamp, sky = _illumination(vertices, faces, np.concatenate([points, ground]), np.concatenate([normals, up]))

    shade = 1 - (0.34 * (1 - sky[n:]) + 0.2 * (1 - lamp[n:])) * _fade(ground)
    shade = ndimage.zoom(ndimage.gaussian_filter(shade.reshape(size // 2, size // 2), 1.2), fine / (size // 2), order=1)
    light[:] = shade[..., None]
    direction = _unit(_LAMP)
    diffuse = lamp[:n] * np.maximum(normals @ direction, 0)
    shine = lamp[:n] * np.maximum(normals @ _unit(direction + axes[2]), 0) ** 40
    brightness = 0.16 + 0.44 * sky[:n] * (0.75 + 0.25 * normals[:, 1]) + 0.62 * diffuse
    light[rows, columns] = np.array(_BLUE, np.float32) * brightness[:, None] + 0.12 * shine[:, None]
    return _shrink(light)


def picture_grid(
    meshes: Sequence[Sequence[trimesh.Trimesh | None]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    size: int = 320,
) -> tuple[Figure, np.ndarray]:
    """A figure of pictures in rows and columns, all with one camera and scale.

    Args:
      meshes: rows of meshes; None leaves a place free, an empty mesh is shown as having no surface.
      row_labels: one for each row; they may be empty.
      column_labels: one for each column; they may be empty.
      size: pixels along a picture's side.

    Returns:
      The figure and its axes, of shape (rows, columns).
    """
    rows, columns = len(row_labels), len(column_labels)
    layout = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.5 * columns + 0.3, 1.5 * rows + 0.3), squeeze=False, layout=layout, dpi=200
    )
    for i, row in enumerate(meshes):
        for j, mesh in enumerate(row):
            _show(axes[i, j], mesh, size)
    for j, label in enumerate(column_labels):
        axes[0, j].set_title(label, fontsize=10)
    for i, label in enumerate(row_labels):
        axes[i, 0].set_ylabel(label, fontsize=10)
    return figure, axes


def _show(ax: Axes, mesh: trimesh.Trimesh | None, size: int) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    if mesh is None:
        return
    ax.imshow(picture(mesh, size), interpolation="antialiased")
    if is_empty(mesh):
        ax.text(0.5, 0.5, "no surface", ha="center", va="center", fontsize=10, color="0.35", transform=ax.transAxes)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _axes(toward: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """Rows: right, up and toward the viewer, for a viewer in direction `toward`."""
    back = _unit(toward)
    up = np.array([0, 1, 0] if abs(back[1]) < 0.99 else [0, 0, -1], np.float32)
    right = _unit(np.cross(up, back))
    return np.stack([right, np.cross(back, right), back]).astype(np.float32)


def _dome(count: int) -> Float[np.ndarray, "count 3"]:
    """Directions spread evenly over the upper hemisphere, on a spiral."""
    y = (np.arange(count) + 0.5) / count
    angle = np.arange(count) * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - y**2)
    return np.stack([radius * np.cos(angle), y, radius * np.sin(angle)], -1).astype(np.float32)


def _around(direction: Float[np.ndarray, "3"], count: int, spread: float) -> list[np.ndarray]:
    right, up, back = _axes(direction)
    angles = 2 * np.pi * np.arange(count) / count
    return [_unit(back + spread * (np.cos(a) * right + np.sin(a) * up)) for a in angles]


def _normals(
    mesh: trimesh.Trimesh, triangle: Int[np.ndarray, "n"], weights: Float[np.ndarray, "n 3 1"], viewer: np.ndarray
) -> Float[np.ndarray, "n 3"]:
    """Smooth normals, but the triangle's own beside a sharp edge; turned to the viewer where a back side is seen."""
    flat = np.asarray(mesh.face_normals)[triangle]
    smooth = _unit((np.asarray(mesh.vertex_normals)[mesh.faces[triangle]] * weights).sum(1))
    normals = np.where(((smooth * flat).sum(-1) > 0.75)[:, None], smooth, flat).astype(np.float32)
    return normals * np.where(flat @ viewer < 0, -1, 1).astype(np.float32)[:, None]


def _rasterise(view: Float[np.ndarray, "v 3"], faces: Int[np.ndarray, "f 3"], size: int, extent: float):
    """Nearest triangle of each pixel (-1: none), barycentric weights there, and depth (larger is nearer).

    Every pixel in a triangle's bounding box becomes a candidate; those inside it compete by depth.
    """
    triangle = np.full(size * size, -1, np.int32)
    depth = np.full(size * size, -np.inf, np.float32)
    weights = np.zeros((size * size, 3), np.float32)
    scale = size / (2 * extent)
    x, y = (view[:, 0] + extent) * scale - 0.5, (extent - view[:, 1]) * scale - 0.5
    (ax, bx, cx), (ay, by, cy), (az, bz, cz) = (values[faces.T] for values in (x, y, view[:, 2]))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    left = np.ceil(np.minimum(np.minimum(ax, bx), cx)).clip(0).astype(int)
    right = np.floor(np.maximum(np.maximum(ax, bx), cx)).clip(max=size - 1).astype(int)
    top = np.ceil(np.minimum(np.minimum(ay, by), cy)).clip(0).astype(int)
    bottom = np.floor(np.maximum(np.maximum(ay, by), cy)).clip(max=size - 1).astype(int)
    wide = (right - left + 1).clip(0)
    boxes = np.where(np.abs(area) > 1e-9, wide * (bottom - top + 1).clip(0), 0)
    ends = np.cumsum(boxes)
    start = done = 0
    while start < len(faces):
        stop = max(start + 1, int(np.searchsorted(ends, done + _CANDIDATES)))
        chosen = np.arange(start, min(stop, len(faces)))
        of = np.repeat(chosen, boxes[chosen])
        within = np.arange(len(of)) - np.repeat(ends[chosen] - boxes[chosen] - done, boxes[chosen])
        px, py = left[of] + within % wide[of], top[of] + within // wide[of]
        ox, oy = px - ax[of], py - ay[of]
        b = (ox * (cy - ay)[of] - oy * (cx - ax)[of]) / area[of]
        c = (oy * (bx - ax)[of] - ox * (by - ay)[of]) / area[of]
        z = az[of] + b * (bz - az)[of] + c * (cz - az)[of]
        pixel = py * size + px
        hit = np.flatnonzero((b >= -1e-6) & (c >= -1e-6) & (b + c <= 1 + 1e-6) & (z > depth[pixel]))
        hit = hit[np.argsort(z[hit])]  # of those that share a pixel, the last and nearest stays
        depth[pixel[hit]], triangle[pixel[hit]] = z[hit], of[hit]
        weights[pixel[hit]] = np.stack([1 - b[hit] - c[hit], b[hit], c[hit]], -1)
        start, done = int(chosen[-1]) + 1, ends[chosen[-1]]
    return triangle.reshape(size, size), weights.reshape(size, size, 3), depth.reshape(size, size)


def _illumination(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray, normals: np.ndarray):
    """Share of the lamp and of the sky that points see, each 0 to 1."""
    lamp = np.mean([_visible(vertices, faces, direction, points, normals) for direction in _around(_LAMP, 8, 0.1)], 0)
    sky, most = np.zeros((2, len(points)), np.float32)
    for direction in _dome(24):
        cosine = np.maximum(normals @ direction, 0)
        sky += cosine * _visible(vertices, faces, direction, points, normals)
        most += cosine
    return lamp, sky / np.maximum(most, 1e-6)


def _visible(
    vertices: np.ndarray, faces: np.ndarray, direction: np.ndarray, points: np.ndarray, normals: np.ndarray
) -> Bool[np.ndarray, "n"]:
    """Whether points can be seen from a direction, by a depth map from there."""
    axes, extent = _axes(direction), 1.05
    depth = _rasterise(vertices @ axes.T, faces, _SHADOW_SIZE, extent)[2]
    pixel = 2 * extent / _SHADOW_SIZE
    x, y, z = axes @ (points + 1.5 * pixel * normals).T  # off the surface, so that it does not shade itself
    column, row = np.floor((x + extent) / pixel).astype(int), np.floor((extent - y) / pixel).astype(int)
    inside = (np.minimum(row, column) >= 0) & (np.maximum(row, column) < _SHADOW_SIZE)
    return ~inside | (depth[np.where(inside, row, 0), np.where(inside, column, 0)] <= z)


def _ground(floor: float | np.float32, axes: np.ndarray, size: int) -> Float[np.ndarray, "n 3"]:
    """The points of the ground at height `floor` that the pixels of a picture of size × size look at."""
    centres = (2 * (np.arange(size) + 0.5) / size - 1) * _EXTENT
    up, right = np.meshgrid(-centres, centres, indexing="ij")
    points = right.reshape(-1, 1) * axes[0] + up.reshape(-1, 1) * axes[1]
    return (points + ((floor - points[:, 1]) / axes[2, 1])[:, None] * axes[2]).astype(np.float32)


def _fade(ground: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n"]:
    """1 near the shape, 0 from a distance of 1.6: shadows end softly, inside the picture."""
    return np.clip((1.6 - np.hypot(ground[:, 0], ground[:, 2])) / 0.8, 0, 1)


def _shrink(image: Float[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Half the size by averaging, in display values."""
    h, w = image.shape[0] // 2, image.shape[1] // 2
    image = image.clip(0, 1).reshape(h, 2, w, 2, 3).mean((1, 3))
    return np.rint(255 * image ** (1 / 1.15)).astype(np.uint8)
