"""Plots: each takes what was computed and returns (figure, axes). Colours are safe for colour-blind readers."""

import itertools
from collections.abc import Callable, Sequence

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from netspace_jax.behaviour import Metric

# Okabe and Ito's palette, without its yellow, which fades on paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def styles(count: int) -> list[tuple[str, str]]:
    """Colour and marker of each of `count` groups; beyond seven, other pairs of the same."""
    return [(COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]) for i in range(count)]


plt.rcParams.update(
    {
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "figure.dpi": 110,
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
    }
)


def score_limits(metric: Metric, scores: Float[np.ndarray, "n"]) -> tuple[float, float]:
    """Ends of an axis of scores: the metric's bounds, or those of some scores where it has none, and a margin above."""
    low = metric.low if np.isfinite(metric.low) else float(np.min(scores))
    high = metric.high if np.isfinite(metric.high) else float(np.max(scores))
    return low, high + 0.02 * (high - low)


def input_against_generated(
    groups: Sequence[tuple[str, Float[np.ndarray, "n"], Float[np.ndarray, "n"]]], metric: Metric
) -> tuple[Figure, Axes]:
    """Score of each generated network over that of its input; one (label, inputs, generated) for each colour."""
    fig, ax = plt.subplots(figsize=(5, 4.6))
    scores = np.concatenate([np.concatenate(both) for _, *both in groups])
    bottom, high = score_limits(metric, scores)
    ax.axline((bottom, bottom), slope=1, color="0.5", lw=1, zorder=1)
    tenth = (high - bottom) / 10.2
    # From the tenth below the lowest score, so that points do not crowd into one corner.
    low = max(bottom + tenth * np.floor((scores.min() - bottom) / tenth - 0.2), bottom) - 0.2 * tenth
    for (label, inputs, generated), (colour, marker) in zip(groups, styles(len(groups)), strict=True):
        ax.scatter(inputs, generated, s=16, alpha=0.7, color=colour, marker=marker, label=label, lw=0)
    ax.set(
        xlabel=f"{metric.title} of the input network (test)",
        ylabel=f"{metric.title} of the generated network (test)",
        xlim=(low, high),
        ylim=(low, high),
        aspect="equal",
    )
    ax.legend(loc="upper left")
    return fig, ax


def along_a_line(
    share: Float[np.ndarray, "step"], lines: Sequence[tuple[str, Float[np.ndarray, "step"]]], metric: Metric
) -> tuple[Figure, Axes]:
    """Scores on the way from one network to another, one (label, scores) for each way."""
    fig, ax = plt.subplots(figsize=(6, 3.6))
    for (label, scores), (colour, _), style in zip(lines, styles(len(lines)), itertools.cycle(("-", "--", "-.", ":"))):
        ax.plot(share, scores, style, color=colour, lw=2, label=label)
    ax.set(
        xlabel="share of the way from the first network to the second",
        ylabel=f"{metric.title} (test)",
        ylim=score_limits(metric, np.concatenate([scores for _, scores in lines])),
        xlim=(0, 1),
    )
    ax.legend()
    return fig, ax


def across_architectures(
    share: Float[np.ndarray, "step"],
    scores: Float[np.ndarray, "step"],
    predicted: Int[np.ndarray, "step"],
    names: Sequence[str],
    metric: Metric,
) -> tuple[Figure, Axes]:
    """Scores on the way from one architecture to another, marked by the architecture that each embedding is read as."""
    fig, ax = plt.subplots(figsize=(6, 3.6))
    for architecture_id, (name, (colour, marker)) in enumerate(zip(names, styles(len(names)), strict=True)):
        here = predicted == architecture_id
        if here.any():
            ax.scatter(share[here], scores[here], s=18, color=colour, marker=marker, label=name, lw=0)
    ax.set(
        xlabel="share of the way between the two embeddings",
        ylabel=f"{metric.title} (test)",
        ylim=score_limits(metric, scores),
        xlim=(-0.01, 1.01),
    )
    ax.legend(title="read as", loc="lower center", ncols=len(names))
    return fig, ax


def plane_of_embeddings(
    points: Float[np.ndarray, "n 2"],
    scores: Float[np.ndarray, "n"],
    title: str,
    explained: Float[np.ndarray, "2"],
    groups: Sequence[tuple[str, np.ndarray]] = (),
) -> tuple[Figure, Axes]:
    """Embeddings on their first two principal components, coloured by score; groups of indices get markers."""
    fig, ax = plt.subplots(figsize=(6, 4.6))
    groups = groups or [("", np.arange(len(points)))]
    for (label, indices), (_, marker) in zip(groups, styles(len(groups)), strict=True):
        ax.scatter(
            *points[indices].T,
            c=scores[indices],
            cmap="cividis",
            vmin=float(np.min(scores)),
            vmax=float(np.max(scores)),
            s=18,
            marker=marker,
            lw=0.2,
            edgecolors="white",
            label=label or None,
        )
    if np.ptp(scores) > 0:
        fig.colorbar(ax.collections[-1], label=f"{title} of the network (test)")
    ax.set(
        xlabel=f"principal component 1 ({explained[0]:.0%} of the variance)",
        ylabel=f"principal component 2 ({explained[1]:.0%} of the variance)",
    )
    if len(groups) > 1:
        for mark in ax.legend().legend_handles:  # shapes tell the groups, colours the scores
            mark.set_array(None)  # type: ignore[union-attr]
            mark.set_facecolor("0.4")  # type: ignore[union-attr]
    return fig, ax


def groups_on_a_plane(
    places: Sequence[tuple[str, Float[np.ndarray, "_n 2"]]],
    agreements: Sequence[tuple[str, Float[np.ndarray, "_n"], Float[np.ndarray, "_n"]]],
) -> tuple[Figure, Sequence[Axes]]:
    """Where groups of networks lie on a plane; and agreement over distance, of the last of these groups."""
    fig, axes = plt.subplots(1, 2, figsize=(9, 4))
    looks = [("0.7", "."), *styles(len(places) - 1)]
    for (label, points), (colour, marker) in zip(places, looks, strict=True):
        axes[0].scatter(*points.T, s=22, color=colour, marker=marker, label=label, lw=0, alpha=0.8)
    for (label, distance, agreement), (colour, marker) in zip(agreements, looks[-len(agreements) :], strict=True):
        axes[1].scatter(distance, agreement, s=22, color=colour, marker=marker, label=label, lw=0, alpha=0.8)
    axes[0].set(xlabel="principal component 1 of training embeddings", ylabel="principal component 2")
    axes[1].set(
        xlabel="distance from the centre (standard deviations)",
        ylabel="agreement with the generated network (test)",
        ylim=(0, 1.02),
    )
    axes[0].legend()
    return fig, list(axes)


def preps(pairs: Sequence[tuple[str, Float[np.ndarray, "h w"]]]) -> tuple[Figure, Sequence[Axes]]:
    """PReps side by side on one colour scale that is linear near zero and logarithmic beyond."""
    tall = pairs[0][1].shape[0] * 3 >= pairs[0][1].shape[1]
    shape = (1, len(pairs)) if tall else (len(pairs), 1)
    fig, axes = plt.subplots(*shape, figsize=(4.2 * len(pairs), 3.8) if tall else (9, 1.6 * len(pairs)), squeeze=False)
    largest = max(float(np.abs(values).max()) for _, values in pairs)
    norm = SymLogNorm(linthresh=largest / 30, vmin=-largest, vmax=largest)
    for ax, (label, values) in zip(axes.flat, pairs, strict=True):
        ax.imshow(values, cmap="RdBu_r", norm=norm, aspect="auto", interpolation="nearest")
        ax.set(title=label, xlabel="column of the PRep", ylabel="row")
        ax.grid(False)
    fig.colorbar(axes.flat[-1].images[0], ax=axes, label="value of the parameter")
    return fig, list(axes.flat)


def training_curve(
    steps: Sequence[float | int], losses: Sequence[float | int], checks: Sequence[tuple[float | int, float]], label: str
) -> tuple[Figure, Axes]:
    """Loss over steps, and what the checkpoint is chosen by on a second axis."""
    fig, ax = plt.subplots(figsize=(6, 3.6))
    ax.plot(steps, losses, color=COLOURS[0], lw=1.2)
    ax.set(xlabel="training step", ylabel="loss", yscale="log")
    ax.yaxis.label.set_color(COLOURS[0])
    other = ax.twinx()
    other.plot(*zip(*checks, strict=True), "s--", color=COLOURS[1], ms=4, lw=1)
    other.set_ylabel(label, color=COLOURS[1])
    other.grid(False)
    other.spines["right"].set_visible(True)
    return fig, ax


def against_size(
    curves: Sequence[tuple[str, Int[np.ndarray, "_n"], Float[np.ndarray, "_n 2"]]],
) -> tuple[Figure, Sequence[Axes]]:
    """Gap and agreement over sizes on a logarithmic axis; a panel for each (label, sizes, gap and agreement rows)."""
    fig, grid = plt.subplots(1, len(curves), figsize=(4.6 * len(curves), 3.6), sharey=True, squeeze=False)
    axes = list(grid[0])
    for ax, (label, sizes, rows) in zip(axes, curves, strict=True):
        for column, (name, style) in enumerate((("gap", "s--"), ("agreement", "o-"))):
            ax.plot(sizes, rows[:, column], style, color=COLOURS[1 - column], ms=4, lw=1.5, label=name)
        ax.set(xlabel=label, xscale="log", ylim=(0, 1.02))
        ax.set_xticks(sizes, [str(size) for size in sizes], rotation=60, fontsize=8)
        ax.minorticks_off()
    axes[0].set_ylabel("gap, agreement (on test inputs)")
    axes[0].legend(loc="center right")
    return fig, axes


def against_examples(
    counts: Sequence[int],
    lines: Sequence[tuple[str, Float[np.ndarray, "count task"]]],
    metric: Metric,
    interval: Callable[[Float[np.ndarray, "task"]], tuple[float, float]],
) -> tuple[Figure, Axes]:
    """Mean score on new tasks over numbers of examples, with intervals; the first line stands out."""
    fig, ax = plt.subplots(figsize=(7.2, 4.2))
    dashes = ("-", "--", "-.", ":")
    for number, ((label, scores), (colour, marker)) in enumerate(zip(lines, styles(len(lines)), strict=True)):
        ends = np.array([interval(row) for row in scores])
        style, width = dashes[(number // len(COLOURS)) % len(dashes)], 2.4 if number == 0 else 1.4
        ax.plot(counts, scores.mean(1), style, marker=marker, color=colour, ms=5, lw=width, label=label)
        ax.fill_between(counts, *ends.T, color=colour, alpha=0.15, lw=0)
    ax.set(xlabel="examples of the new task, in all", ylabel=f"{metric.title} on the new task (test)", xscale="log")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig, ax
