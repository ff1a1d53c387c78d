"""Latent search: searches a second as their number grows, all in one compiled call.

    python benchmarks/search.py [--counts 1 8 64 256]

The NetSpace is that of the preset `digits` (256 embedding values, LeNetLike on 8×8 images), untrained: what it has
learned does not change the time.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dataclasses

import tyro

from netspace_jax.ops.devices import prepare

prepare()

import jax  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.timing import Contender, alternate, as_record, report  # noqa: E402
from netspace_jax import latent  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.config import SearchConfig  # noqa: E402
from netspace_jax.domain import preset  # noqa: E402
from netspace_jax.domains.images.domain import DOMAIN  # noqa: E402
from netspace_jax.space.build import initial_params, make_constants, make_netspace  # noqa: E402
from netspace_jax.space.search import search  # noqa: E402


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
    data = DOMAIN.load(config.zoo).dataset
    behaviour = DOMAIN.behaviour_of(config.netspace, data.behaviour)
    built = tuple(behaviour.architecture(name) for name in config.zoo.architectures)
    members = np.random.default_rng(0).standard_normal((32, built[0].size)).astype(np.float32)
    netspace = make_netspace(
        config.netspace, built, behaviour, make_constants(config.netspace, built, data, (members,))
    )
    netspace = netspace.replace(params=initial_params(netspace, jax.random.key(0)))
    starts = jax.random.normal(jax.random.key(1), (max(args.counts), netspace.encoder.embedding))
    region, objective = latent.independent_statistics(starts), latent.Fit(data)
    settings = SearchConfig(steps=args.steps, validations=1)

    def prepare(count: int):
        def run():
            found = search(netspace, region, objective, starts[:count], architecture_id=0, config=settings)
            jax.block_until_ready(found)

        return run

    found = alternate(
        [Contender(str(count), lambda count=count: prepare(count), count) for count in args.counts], args.turns
    )
    rows = [
        (
            timing.name,
            f"{1 / timing.seconds:.3g}",
            f"{args.steps / timing.seconds:,.4g}",
            f"{timing.warm_seconds - timing.seconds * int(timing.name):.1f}",
        )
        for timing in found
    ]
    header = (
        "searches at once",
        f"searches of {args.steps} steps a second",
        "steps of one search a second",
        "seconds to compile",
    )
    report(
        "Latent search",
        " ".join(["python benchmarks/search.py", *arguments]),
        header,
        rows,
        {"timings": as_record(found), "steps": args.steps},
        args.out,
    )


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
