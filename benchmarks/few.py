"""The first picture of README: new tasks, five labelled images of each, and what the network found from them answers.

python train.py digits-tasks
python benchmarks/few.py runs/digits-tasks docs/images/few.png
"""

import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import netspace_jax
from netspace_jax.dataset import Batch
from netspace_jax.report.figures import COLOURS

TASKS, EXAMPLES, ASKED = 4, 5, 10
RIGHT, WRONG = COLOURS[0], COLOURS[1]


def main(run_path: str, out: str, zoos: str = "zoos") -> None:
    """Draw a row for each of the first test members' tasks."""
    run = netspace_jax.open_run(run_path, zoos)
    members = run.networks(0, "test").indices[:TASKS]
    columns = EXAMPLES + 1 + ASKED
    figure, axes = plt.subplots(TASKS, columns, figsize=(0.62 * columns, 0.84 * TASKS + 0.5), squeeze=False)
    for row, member in zip(axes, members, strict=True):
        data = run.dataset.of(int(member))
        given, asked = data.examples("validation"), data.examples("test")
        random = np.random.default_rng(int(member))
        given, asked = (_shuffled(random, batch) for batch in (given, asked))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = run.space.adapt(given.inputs[:EXAMPLES], given.targets[:EXAMPLES]).network
        answers, truth = np.asarray(network(asked.inputs)).argmax(-1), np.asarray(asked.targets)
        for axis, image, label in zip(row, given.inputs, given.targets[:EXAMPLES], strict=False):
            _draw(axis, image, f"{label}", "black")
        row[EXAMPLES].axis("off")
        row[EXAMPLES].text(0.5, 0.5, f"{np.mean(answers == truth):.0%}\nright", ha="center", va="center", fontsize=9)
        for axis, image, answer, label in zip(row[EXAMPLES + 1 :], asked.inputs, answers, truth, strict=False):
            right = answer == label
            _draw(axis, image, f"{answer}" if right else f"{answer} (is {label})", RIGHT if right else WRONG)
    middle = (EXAMPLES / columns) / 2
    figure.suptitle("five labelled images of a new task", x=middle, ha="center", fontsize=10)
    figure.text(1 - (ASKED / columns) / 2, 0.985, "what the network found from them answers", ha="center", va="top",
                fontsize=10)  # fmt: skip
    figure.savefig(out, dpi=120)
    print(f"{out}: {Path(out).stat().st_size / 1e3:.0f} kB")


def _shuffled(random: np.random.Generator, batch: Batch) -> Batch:
    order = random.permutation(len(batch.inputs))
    return Batch(batch.inputs[order], batch.targets[order])


def _draw(axis, image, title: str, colour: str) -> None:
    axis.imshow(np.asarray(image)[..., 0], cmap="gray")
    axis.set_title(title, color=colour, fontsize=9, pad=2)
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)


if __name__ == "__main__":
    main(*sys.argv[1:])
