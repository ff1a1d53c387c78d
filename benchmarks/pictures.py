"""Fitting pictures: networks a second at one recipe, ours against PyTorch one after another and vmapped.

    python benchmarks/pictures.py

Each network (2→32→32→1, ω 30) holds a digit enlarged to 28×28: Adam along a cosine, each step on half of the pixels.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import dataclasses  # noqa: E402
import functools  # noqa: E402
import math  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402

from netspace_jax.ops.devices import prepare  # noqa: E402

prepare()

import jax  # noqa: E402
from skimage.transform import resize  # noqa: E402

from benchmarks.timing import Contender, Unavailable, alternate, as_record, report  # noqa: E402
from netspace_jax import architectures  # noqa: E402
from netspace_jax.data.images import load_images  # noqa: E402
from netspace_jax.domain import preset  # noqa: E402
from netspace_jax.domains.fields.behaviour import Picture  # noqa: E402
from netspace_jax.domains.fields.dataset import PictureTruth, grid_data  # noqa: E402
from netspace_jax.domains.fields.images import pixel_centres  # noqa: E402
from netspace_jax.domains.fields.pictures import psnr  # noqa: E402
from netspace_jax.metrics.outputs import outputs_of  # noqa: E402
from netspace_jax.ops.devices import network_mesh  # noqa: E402
from netspace_jax.population.trainer import Trainer  # noqa: E402
from netspace_jax.zoo import recipe  # noqa: E402
from netspace_jax.zoo.plan import untrained  # noqa: E402

SIDE, BATCH, RATE, OMEGA = 28, 392, 3e-3, 30.0


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of this benchmark."""

    networks: int = 64
    """Networks of ours and of those that PyTorch vmaps; an eighth as many one after another."""
    steps: int = 200
    """Training steps of a network."""
    turns: int = 3
    """Times that each contender fits its networks."""
    quiet: bool = True
    """Whether nothing else ran on the machine."""
    out: Path = Path("benchmarks/results")
    """Folder for the numbers."""


@functools.cache
def pictures(count: int) -> np.ndarray:
    """Digits enlarged, values from -1 to 1, pixels in a random order; of shape (count, pixels)."""
    x = load_images("digits").train.x[:count, ..., 0] / 127.5 - 1
    large = np.stack([np.asarray(resize(picture, (SIDE, SIDE), order=3)) for picture in x])
    return np.clip(large, -1, 1).reshape(count, -1)[:, order()].astype(np.float32)


def order() -> np.ndarray:
    return np.random.default_rng(0).permutation(SIDE * SIDE)


def ours(count: int, steps: int, level: list[float]):
    """Our population of one chunk."""
    truth = PictureTruth(np.zeros(count, np.int32), order(), (SIDE, SIDE))
    data = grid_data(
        pixel_centres(SIDE, SIDE)[order()][None], pictures(count)[..., None], truth, Picture(), batch=BATCH
    )
    config = dataclasses.replace(
        preset("fashion-pictures").zoo, members=(count,), steps=steps, batch=BATCH, learning_rate=RATE
    )
    built = architectures.build(config.architectures[0], (2,), 1)
    trainer = Trainer(lambda architecture: recipe(architecture, config), network_mesh())
    networks = untrained(dataclasses.replace(config, stops="end"), built.name, count)

    def run():
        flats = jax.block_until_ready(trainer.train(networks, built, data)).flat[:count]
        indices = np.arange(count)
        level[:] = [float(psnr(outputs_of(data, built, flats, indices), data.values(indices)).mean())]

    return run


def _torch():
    try:
        import torch
    except ImportError as error:
        raise Unavailable("PyTorch is not installed") from error
    return torch


def _module(torch):
    class Sine(torch.nn.Module):
        def forward(self, x):
            return torch.sin(OMEGA * x)

    layers = [torch.nn.Linear(2, 32), Sine(), torch.nn.Linear(32, 32), Sine(), torch.nn.Linear(32, 1)]
    for layer, bound in zip(layers[::2], (1 / 2, *[math.sqrt(6 / 32) / OMEGA] * 2), strict=True):
        torch.nn.init.uniform_(layer.weight, -bound, bound)
    return torch.nn.Sequential(*layers)


def _data(torch, count: int):
    points = torch.from_numpy(pixel_centres(SIDE, SIDE)[order()])
    values = torch.from_numpy(pictures(count))[..., None]
    return torch.cat([points, points]), torch.cat([values, values], 1)


def _rate(step: int, steps: int) -> float:
    return RATE * (0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.01)


def torch_sequential(count: int, steps: int, level: list[float]):
    """PyTorch, one network after another."""
    torch = _torch()
    points, values = _data(torch, count)

    def run():
        errors = []
        for own in values:
            model = _module(torch)
            optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
            for step in range(steps):
                first = torch.randint(0, SIDE * SIDE, ()).item()
                optimizer.param_groups[0]["lr"] = _rate(step, steps)
                optimizer.zero_grad()
                error = (model(points[first : first + BATCH]) - own[first : first + BATCH]).square().mean()
                error.backward()
                optimizer.step()
            with torch.no_grad():
                errors.append((model(points) - own).square().mean().item())
        level[:] = [float(np.mean(10 * np.log10(4 / np.array(errors))))]

    return run


def torch_vmapped(count: int, steps: int, level: list[float]):
    """PyTorch with `torch.func.vmap` over stacked parameters, and Adam on the stacks."""
    torch = _torch()
    points, values = _data(torch, count)

    def run():
        models = [_module(torch) for _ in range(count)]
        stacked, _ = torch.func.stack_module_state(models)
        params = {key: value.detach().requires_grad_() for key, value in stacked.items()}
        optimizer = torch.optim.Adam(params.values(), lr=RATE)
        apply = torch.func.vmap(lambda own, x: torch.func.functional_call(models[0], own, (x,)), in_dims=(0, None))
        for step in range(steps):
            first = torch.randint(0, SIDE * SIDE, ()).item()
            optimizer.param_groups[0]["lr"] = _rate(step, steps)
            optimizer.zero_grad()
            part = slice(first, first + BATCH)
            (apply(params, points[part]) - values[:, part]).square().mean((1, 2)).sum().backward()
            optimizer.step()
        with torch.no_grad():
            errors = (apply(params, points) - values).square().mean((1, 2)).numpy()
        level[:] = [float(np.mean(10 * np.log10(4 / errors)))]

    return run


def main(args: Arguments) -> None:
    few = max(args.networks // 8, 1)
    levels: dict[str, list[float]] = {name: [] for name in ("ours", "PyTorch one after another", "torch.func.vmap")}
    makers = zip(levels, (ours, torch_sequential, torch_vmapped), (args.networks, few, args.networks), strict=True)
    contenders = [
        Contender(name, functools.partial(make, count, args.steps, levels[name]), count) for name, make, count in makers
    ]
    timings = alternate(contenders, args.turns)
    rows = [
        (timing.name, timing.per_second(), f"{levels[timing.name][0]:.1f}" if levels[timing.name] else "–")
        for timing in timings
    ]
    command = f"python benchmarks/pictures.py --networks {args.networks} --steps {args.steps} --turns {args.turns}"
    header = ("way", "networks a second", "their mean PSNR (dB)")
    record = {"timings": as_record(timings), "psnr": levels, "quiet": args.quiet}
    report("Fitting pictures", command, header, rows, record, args.out)


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=(__doc__ or "").partition("\n")[0]))
