"""Latent search: searches a second as their number grows, all in one compiled call.

    python benchmarks/search.py [--counts 1 8 64 256]

The NetSpace is that of the preset `digits` (256 embedding values, LeNetLike on 8×8 images), untrained: what it has
learned does not change the time.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dataclasses  # noqa: E402

import tyro  # noqa: E402

from netspace_jax.ops.devices import prepare_cpu  # noqa: E402

prepare_cpu()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.timing import Contender, alternate, as_record, report  # noqa: E402
from netspace_jax import latent, pipeline  # noqa: E402
from netspace_jax.cli import one_line_errors  # noqa: E402
from netspace_jax.config import SearchConfig  # noqa: E402
from netspace_jax.domains.load import load_task  # noqa: E402
from netspace_jax.domains.presets import preset  # noqa: E402
from netspace_jax.latent.objectives import Labels  # noqa: E402
from netspace_jax.space.netspace import make_constants  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of benchmarks/search.py."""

    counts: tuple[int, ...] = (1, 4, 16, 64, 256)
    """Searches at once."""
    steps: int = 50
    """Steps of each."""
    turns: int = 3
    """Turns of which the median counts."""
    out: Path = Path("benchmarks/results")
    """Where the JSON goes."""


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/search.py")
    config = preset("digits")
    task = load_task(config.zoo).task
    netspace = pipeline.build_netspace(config, task)
    members = np.random.default_rng(0).standard_normal((32, netspace.architectures[0].size)).astype(np.float32)
    constants = make_constants(config.netspace, netspace, task, (members,))
    params = netspace.init(jax.random.key(0), task, constants)
    starts = jax.random.normal(jax.random.key(1), (max(args.counts), config.netspace.embedding))
    region, goal = latent.region_of(starts), Labels(task)
    settings = SearchConfig(steps=args.steps, looks=1)

    def prepare(count: int):
        return lambda: jax.block_until_ready(latent.search(netspace, params, constants, region, goal, jnp.asarray(starts[:count]), 0, settings))

    found = alternate([Contender(str(count), lambda count=count: prepare(count), count) for count in args.counts], args.turns)
    rows = [(timing.name, f"{1 / timing.seconds:.3g}", f"{args.steps / timing.seconds:,.4g}", f"{timing.warm_seconds - timing.seconds * int(timing.name):.1f}")
            for timing in found]
    header = ("searches at once", f"searches of {args.steps} steps a second", "steps of one search a second", "seconds to compile")
    report("Latent search", " ".join(["python benchmarks/search.py", *arguments]), header, rows,
           {"timings": as_record(found), "steps": args.steps}, args.out)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
