"""Zoos of tens of thousands of tiny networks: seconds and memory to fit, store, open and embed them.

    python benchmarks/many.py --sizes 3750 15000 60000

The pictures are scikit-learn's digits, repeated with shifts and noise. Each size is a process of its own, so that its
memory is its own; the numbers go to results/many.json.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import dataclasses  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402

from netspace_jax.ops.devices import prepare  # noqa: E402

prepare()

import jax  # noqa: E402

from benchmarks.clock import Clock  # noqa: E402
from benchmarks.timing import report  # noqa: E402
from netspace_jax.data.images import load_images  # noqa: E402
from netspace_jax.domain import domain, preset  # noqa: E402
from netspace_jax.domains.fields.pictures import psnr  # noqa: E402
from netspace_jax.files import location  # noqa: E402
from netspace_jax.metrics.outputs import outputs_of  # noqa: E402
from netspace_jax.space.batched import embed_many  # noqa: E402
from netspace_jax.space.build import initial_params, make_constants, make_netspace  # noqa: E402
from netspace_jax.zoo import open_zoo  # noqa: E402

SCORED = 1000  # networks whose PSNR is measured


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of this benchmark."""

    sizes: tuple[int, ...] = (3750, 15000, 60000)
    """Numbers of pictures, each in one network."""
    steps: int = 50
    """Training steps of a network, each on all pixels."""
    learning_rate: float = 5e-3
    """Learning rate at the first step."""
    quiet: bool = True
    """Whether nothing else ran on the machine."""
    out: Path = ROOT / "results"
    """Folder for the numbers."""
    alone: bool = False
    """Whether this process is the one of a single size, which prints its numbers as JSON."""


def pictures(count: int, path: Path) -> None:
    """Digits shifted by up to a pixel, with noise, as a file of images; a tenth of them for test."""
    digits = load_images("digits")
    x, y = digits.train.x, digits.train.y
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(y), count)
    shift = rng.integers(-1, 2, (count, 2))
    places = (np.arange(8)[None, :, None] + shift[:, 0, None, None]) % 8
    columns = (np.arange(8)[None, None] + shift[:, 1, None, None]) % 8
    shifted = x[rows[:, None, None], places, columns].astype(np.float32)
    noisy = np.clip(shifted + rng.normal(0, 12, shifted.shape), 0, 255).astype(np.uint8)
    tests = count // 10
    np.savez(path, x_train=noisy[tests:], y_train=y[rows][tests:], x_test=noisy[:tests], y_test=y[rows][:tests])


def one_size(count: int, args: Arguments, place: Path) -> dict[str, float]:
    """Seconds and memory of one zoo, from the file of pictures to embeddings."""
    clock = Clock()
    base = preset("pictures")
    config = dataclasses.replace(
        base.zoo, dataset=str(place / "pictures.npz"), steps=args.steps, learning_rate=args.learning_rate
    )
    with clock.part("load"):
        loaded = domain("fields").load(config)
    data, directory = loaded.dataset, location(place / "zoo")
    clock.train_zoo("fields", loaded, directory)
    name = loaded.config.architectures[0]
    with clock.part("open"):
        zoo = open_zoo(directory)
        networks = {split: zoo.networks(name, split) for split in ("train", "validation", "test")}
    built = data.behaviour.architecture(name)
    flats = networks["train"].parameters
    netspace = make_netspace(
        base.netspace, (built,), data.behaviour, make_constants(base.netspace, (built,), data, (flats,))
    )
    netspace = dataclasses.replace(netspace, params=initial_params(netspace, jax.random.key(0)))
    with clock.part("embed"):
        embedded = sum(len(embed_many(netspace, 0, own.parameters)) for own in networks.values())
    few = networks["train"].first(SCORED)
    values = outputs_of(data, built, few.parameters, few.indices)
    files = [path for path in (place / "zoo").rglob("*") if path.is_file()]
    return {
        "networks": embedded,
        "psnr": float(psnr(values, data.values(few.indices % data.items)).mean()),
        **{f"seconds/{what}": value for what, value in clock.wall.items()},
        **{f"cores/{what}": value for what, value in clock.cores.items()},
        "outside": 1 - clock.cores["train"] / sum(clock.cores.values()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "disk": sum(path.stat().st_size for path in files) / 1e6,
        "files": len(files),
    }


def main(args: Arguments) -> None:
    rows = []
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as place:
            pictures(size, Path(place) / "pictures.npz")
            if args.alone:
                print(json.dumps(one_size(size, args, Path(place))))
                return
        own = ["--alone", "--sizes", str(size), "--steps", str(args.steps)]
        own += ["--learning-rate", str(args.learning_rate)]
        done = subprocess.run([sys.executable, __file__, *own], check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    sizes = " ".join(map(str, args.sizes))
    command = f"python benchmarks/many.py --sizes {sizes} --steps {args.steps} --learning-rate {args.learning_rate:g}"
    header = ("networks", "PSNR", *(key.partition("/")[2] for key in rows[0] if key.startswith("seconds/")), "memory")
    cells = [
        (
            f"{row['networks']:,.0f}",
            f"{row['psnr']:.1f}",
            *(f"{value:.1f}" for key, value in row.items() if key.startswith("seconds/")),
            f"{row['memory']:,.0f} MB",
        )
        for row in rows
    ]
    report("Many", command, header, cells, {"quiet": args.quiet, "rows": rows}, args.out)


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=(__doc__ or "").partition("\n")[0]))
