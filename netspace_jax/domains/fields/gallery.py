"""Small pictures side by side."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure


def gallery(
    rows: Sequence[Float[np.ndarray, "picture h w c"]],
    labels: Sequence[str],
    titles: Sequence[str] = (),
    *,
    inches: float = 0.9,
) -> Figure:
    """Rows of pictures, whose pixels are from 0 to 1; each row has a label, each column may have a title.

    Args:
      inches: side of a picture.
    """
    columns = max(len(row) for row in rows)
    margin = 0.1 * max(len(label) for label in labels) + 0.2
    figure, axes = plt.subplots(
        len(rows), columns, squeeze=False, figsize=(margin + inches * columns, 0.3 + inches * len(rows))
    )
    for row, label, line in zip(rows, labels, axes, strict=True):
        for ax, picture in zip(line, row, strict=False):
            grey = picture[..., 0] if picture.shape[-1] == 1 else picture
            ax.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        for ax in line:
            ax.set_xticks([])
            ax.set_yticks([])
            ax.grid(False)
            for spine in ax.spines.values():
                spine.set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=10)
    for ax, title in zip(axes[0], titles, strict=False):
        ax.set_title(title, fontsize=9)
    return figure
