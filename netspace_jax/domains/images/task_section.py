"""What members with tasks of their own learned: images of new tasks, as they are seen there."""

import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.figure import Figure

from netspace_jax.domains.images.task_data import TaskImages
from netspace_jax.report import Section, figures
from netspace_jax.runs import Run

SHOWN, IMAGES = 8, 12  # tasks, and images of each


def tasks(run: Run[TaskImages]) -> Section:
    """The tasks of test members, which no member that trained the space has."""
    architecture_id, title = run.trained_ids[0], run.metric.title
    networks, found = run.networks(architecture_id, "test"), run.reconstruction(architecture_id, "test")
    counts = {
        split: len({member.item for member in run.networks(architecture_id, split).members})
        for split in ("train", "validation", "test")
    }
    items = [member.item for member in networks.members]
    rows = sorted({item: row for row, item in reversed([*enumerate(items)])}.values())[:SHOWN]
    table = [
        (items[row], f"{found.score[row]:.3f}", f"{found.generated_score[row]:.3f}", f"{found.agreement[row]:.3f}")
        for row in rows
    ]
    text = (
        f"{counts['train']} tasks are those of networks that train the space, {counts['validation']} of networks that "
        f"choose its checkpoint, and {counts['test']} are new: networks that test it have them, and no other. All are "
        f"scored on images that no network trained on. Shown are new ones: the first test images of each with their "
        f"classes there, and {title} of a network that learned the task and of the one generated from it."
    )
    tasks = [run.dataset.of(int(networks.indices[row])) for row in rows]
    figure = _strips([_first_images(task) for task in tasks], [items[row] for row in rows])
    header = ("task", f"{title} of its network", "of the generated one", "agreement")
    metrics = {f"tasks/{split}": float(count) for split, count in counts.items()}
    return Section("tasks", "Tasks", text, metrics, figure, (header, *table))


def _first_images(task: TaskImages) -> tuple[Float[np.ndarray, "n h w c"], Shaped[np.ndarray, "n"]]:
    """The first test images of a task, pixels from 0 to 1, and their classes."""
    inputs, targets = task.examples("test")
    mean, std = (np.array(values, np.float32) for values in task.behaviour.normalisation)
    return (np.asarray(inputs[:IMAGES]) * std + mean).clip(0, 1), np.asarray(targets[:IMAGES])


def _strips(rows: list[tuple[Float[np.ndarray, "n h w c"], Shaped[np.ndarray, "n"]]], labels: list[str]) -> Figure:
    """Images of a task side by side, a row for each task."""
    figure, axes = figures.plt.subplots(len(rows), 1, squeeze=False, figsize=(8, 0.85 * len(rows)))
    for ax, (images, targets), label in zip(axes[:, 0], rows, labels, strict=True):
        width = images.shape[2] + 1
        padded = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=1)
        ax.imshow(np.concatenate([*padded], 1).squeeze(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_xticks(np.arange(len(images)) * width + (width - 2) / 2, [str(target) for target in targets], fontsize=7)
        ax.set_yticks([])
        ax.tick_params(length=0, pad=1)
        ax.spines[:].set_visible(False)
        ax.set_title(label, fontsize=8, loc="left", pad=2)
    return figure
