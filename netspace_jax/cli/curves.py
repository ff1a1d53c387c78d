"""Curves of a run for Weights & Biases or TensorBoard, by their own libraries where these are installed."""

import contextlib
import functools
import importlib.util
import math
import os
from collections.abc import Iterator
from typing import Any

from etils import epath

from netspace_jax.config import Curves
from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.space.loop import OnMetrics

_PACKAGES = {"wandb": "wandb", "tensorboard": "tensorboardX"}


@contextlib.contextmanager
def curves(destination: Curves | None, directory: epath.PathLike, config: dict[str, Any]) -> Iterator[OnMetrics]:
    """A callback that hands metrics on, to files in the run's directory and, by wandb, to its service.

    TensorBoard reads `DIRECTORY/tensorboard`. What wandb does is said by its own environment: with WANDB_MODE=offline
    it needs no network, and `wandb sync` sends the curves later.

    Raises:
      InputError: the library is not installed.
    """
    package = _PACKAGES.get(destination or "")
    if package and importlib.util.find_spec(package) is None:
        raise InputError(f"--log {destination} needs the package {package}: pip install {package}")
    with contextlib.ExitStack() as stack:
        # Begun with the first metrics, when the directory is the run's own.
        if destination == "wandb":
            begin = functools.cache(lambda: stack.enter_context(_wandb_run(directory, config)))
            yield lambda step, metrics: begin().log(metrics, step=step)
        elif destination == "tensorboard":
            begin = functools.cache(lambda: stack.enter_context(_tensorboard_writer(directory)))
            yield lambda step, metrics: _add_scalars(begin(), step, metrics)
        else:
            yield lambda step, metrics: None


def _wandb_run(directory: epath.PathLike, config: dict[str, Any]) -> Any:
    import wandb  # pyright: ignore[reportMissingImports]

    place = location(directory)
    try:
        return wandb.init(project="netspace", name=place.name, dir=os.fspath(place), config=config, resume="auto")
    except wandb.Error as error:
        raise InputError(f"--log wandb: {error}: `wandb login` first, or set WANDB_MODE=offline") from error


def _tensorboard_writer(directory: epath.PathLike) -> Any:
    import tensorboardX  # pyright: ignore[reportMissingImports]

    return tensorboardX.SummaryWriter(os.fspath(location(directory) / "tensorboard"))


def _add_scalars(writer: Any, step: int, metrics: dict[str, float]) -> None:
    for name, value in metrics.items():
        if math.isfinite(value):
            writer.add_scalar(name, value, step)
