"""The commands: flags, progress bars, one line for bad input. `netspace train|zoo|eval`, train.py, zoo.py, eval/."""

from netspace_jax.cli.commands import evaluate, main, train, zoo

__all__ = ["evaluate", "main", "train", "zoo"]
