"""What work costs as it grows: zoos of LeNetLikes on digits, and a space of the largest, streamed from disk.

    python benchmarks/growth.py --sizes 1024 10000 100000 [--space-steps 4000]

Each size is a process of its own, so that its memory is its own. With `--space-steps` a space is trained on the largest
zoo, `resident` networks in memory at a time, and agreement on test members is measured without refinement.
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

import tyro  # noqa: E402

from netspace_jax.ops.devices import prepare  # noqa: E402

prepare()

import jax  # noqa: E402

from benchmarks.clock import Clock  # noqa: E402
from benchmarks.timing import report  # noqa: E402
from netspace_jax import jobs  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.domain import domain, preset  # noqa: E402
from netspace_jax.files import location  # noqa: E402
from netspace_jax.space.batched import embed_many  # noqa: E402
from netspace_jax.space.build import initial_params, make_constants, make_netspace  # noqa: E402
from netspace_jax.zoo import open_zoo, zoo_name  # noqa: E402

RESIDENT = 4096  # training networks in memory at a time, where a space is trained


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of this benchmark."""

    sizes: tuple[int, ...] = (1024, 10_000, 100_000)
    """Numbers of networks."""
    steps: int = 400
    """Most training steps of a network."""
    space_steps: int = 0
    """Training steps of a space of the largest zoo; 0 for none."""
    quiet: bool = True
    """Whether nothing else ran on the machine."""
    out: Path = Path("results")
    """Where the JSON goes."""
    alone: bool = False
    """Whether this process is the one of a single size, which prints its numbers as JSON."""


def one_size(count: int, args: Arguments, place: str) -> dict[str, float]:
    """Seconds and memory of one zoo, from nothing to embeddings, and a space's agreement where one is trained."""
    clock = Clock()
    base = preset("digits")
    held = min(128, count // 8)
    zoo_config = dataclasses.replace(base.zoo, members=(count,), validation=held, test=held, steps=args.steps)
    loaded = domain(base.domain).load(zoo_config)
    data = loaded.dataset
    directory = location(place) / "zoos" / zoo_name(loaded.config, data)
    clock.train_zoo(base.domain, loaded, directory)
    with clock.part("open"):
        zoo = open_zoo(directory)
        networks = zoo.networks("lenetlike", "train")
    built = data.behaviour.architecture("lenetlike")
    flats = networks.parameters
    netspace = make_netspace(
        base.netspace, (built,), data.behaviour, make_constants(base.netspace, (built,), data, (flats,))
    )
    netspace = dataclasses.replace(netspace, params=initial_params(netspace, jax.random.key(0)))
    with clock.part("embed"):
        embed_many(netspace, 0, flats)
    found = {
        "networks": count,
        **{f"seconds/{what}": value for what, value in clock.wall.items()},
        **{f"cores/{what}": value for what, value in clock.cores.items()},
        "outside": 1 - clock.wall["train"] / sum(clock.wall.values()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }
    if args.space_steps:
        del networks, flats, netspace
        config = dataclasses.replace(
            base,
            zoo=zoo_config,
            netspace=dataclasses.replace(
                base.netspace, steps=args.space_steps, resident=RESIDENT if count > 2 * RESIDENT else 0
            ),
            refine=dataclasses.replace(base.refine, steps=0),
        )
        jobs.train(config, f"{place}/run", f"{place}/zoos")
        metrics = json.loads((Path(place) / "run" / "metrics.json").read_text())
        found |= {"agreement": metrics["reconstruct/agreement_test"], "gap": metrics["reconstruct/gap_test"]}
    return found


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/growth.py")
    if args.alone:
        with tempfile.TemporaryDirectory() as place:
            print(json.dumps(one_size(args.sizes[0], args, place)))
        return
    rows = []
    for size in args.sizes:
        own = ["--alone", "--sizes", str(size), "--steps", str(args.steps)]
        own += ["--space-steps", str(args.space_steps)]
        done = subprocess.run([sys.executable, __file__, *own], check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    parts = [key for key in rows[0] if key.startswith("seconds/")]
    header = ("networks", *(f"{part.partition('/')[2]} (s)" for part in parts), "not training", "memory", "agreement")
    cells = [
        (
            f"{row['networks']:,.0f}",
            *(f"{row[part]:.1f}" for part in parts),
            f"{row['outside']:.0%}",
            f"{row['memory']:,.0f} MB",
            f"{row['agreement']:.3f}" if "agreement" in row else "–",
        )
        for row in rows
    ]
    command = " ".join(["python benchmarks/growth.py", *arguments])
    report("Growth", command, header, cells, {"quiet": args.quiet, "rows": rows}, args.out)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
