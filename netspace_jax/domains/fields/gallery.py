"""Pictures, or meshes, side by side: rows with a label each, columns with a title each."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import LightSource
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from netspace_jax.domains.fields.geometry import is_empty
from netspace_jax.report import figures

_BLUE = (0.40, 0.66, 0.92)
_HALF = 0.72  # half the side of the cube that a picture of a mesh shows, whose shapes have radius 0.9
_LAMP = LightSource(azdeg=72, altdeg=60)


def gallery(
    rows: Sequence[Float[np.ndarray, "picture h w c"]], labels: Sequence[str], titles: Sequence[str] = ()
) -> Figure:
    """Rows of pictures, whose pixels are from 0 to 1."""

    def draw(ax: Axes, picture: np.ndarray) -> None:
        grey = picture[..., 0] if picture.shape[-1] == 1 else picture
        ax.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest")

    return _grid([[*pictures] for pictures in rows], labels, titles, draw, inches=0.9)


def mesh_gallery(
    rows: Sequence[Sequence[trimesh.Trimesh]], labels: Sequence[str], titles: Sequence[str] = ()
) -> Figure:
    """Rows of shaded meshes, all by one light, one scale and one parallel projection, so that they compare.

    They are seen from the front, above and to the right; an empty mesh is shown as having no surface.
    """
    return _grid(rows, labels, titles, _draw_mesh, inches=1.5, projection="3d")


def _draw_mesh(ax: Any, mesh: trimesh.Trimesh) -> None:
    ax.view_init(elev=20, azim=29)
    ax.set_proj_type("ortho")
    ax.set_box_aspect((1, 1, 1), zoom=1.35)
    ax.set(xlim=(-_HALF, _HALF), ylim=(-_HALF, _HALF), zlim=(-_HALF, _HALF))
    if is_empty(mesh):
        ax.text2D(0.5, 0.5, "no surface", ha="center", va="center", color="0.35", transform=ax.transAxes)
        return
    corners = mesh.triangles[..., [2, 0, 1]]  # Matplotlib's third axis points up; here that is the second
    ax.add_collection3d(
        Poly3DCollection(corners, facecolors=_BLUE, shade=True, lightsource=_LAMP, linewidths=0, antialiaseds=False)
    )


def _grid(
    rows: Sequence[Sequence[Any]],
    labels: Sequence[str],
    titles: Sequence[str],
    draw: Callable[[Any, Any], None],
    *,
    inches: float,
    projection: str | None = None,
) -> Figure:
    columns = max(len(row) for row in rows)
    margin = 0.1 * max(len(label) for label in labels) + 0.2
    figure, axes = figures.plt.subplots(
        len(rows),
        columns,
        squeeze=False,
        figsize=(margin + inches * columns, 0.3 + inches * len(rows)),
        subplot_kw={"projection": projection},
    )
    for row, label, line in zip(rows, labels, axes, strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, item in zip(line, row, strict=False):
            draw(ax, item)
        line[0].annotate(label, (-0.05, 0.5), xycoords="axes fraction", ha="right", va="center")
    for ax, title in zip(axes[0], titles, strict=False):
        ax.set_title(title, fontsize=9)
    return figure
