"""Training a user's plain Flax module: networks·steps a second, as Flax runs it, in our layouts, and of our layers.

    python benchmarks/modules.py [--networks N] [--steps S]

The network is that of PyTorch's tutorial for CIFAR-10: two 5×5 convolutions, each with a ReLU and a 2×2 max pooling,
and three linear layers. Adam, float32, batches of 64 images of 32×32×3.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dataclasses

import tyro

from netspace_jax.ops.devices import prepare

prepare()

import flax.linen as nn  # noqa: E402
import jax  # noqa: E402

from benchmarks.timing import Contender, alternate, as_record, report  # noqa: E402
from benchmarks.zoo import Data  # noqa: E402
from netspace_jax.architectures import Architecture  # noqa: E402
from netspace_jax.architectures.layers import Conv, Linear, flatten_maps, to_maps  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.config import ZooConfig  # noqa: E402
from netspace_jax.ops.devices import network_mesh, over_networks, padded, put_everywhere  # noqa: E402
from netspace_jax.ops.mapping import each_network  # noqa: E402
from netspace_jax.ops.pooling import max_pool  # noqa: E402
from netspace_jax.zoo import recipe  # noqa: E402
from netspace_jax.zoo.plan import untrained  # noqa: E402

SHAPE = (32, 32, 3)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of benchmarks/modules.py."""

    networks: int = 16
    """Networks that train at once."""
    steps: int = 16
    """Training steps of each network in one turn."""
    batch: int = 64
    """Images of a step."""
    turns: int = 5
    """Turns of which the median counts."""
    out: Path = Path("benchmarks/results")
    """Where the JSON goes."""


class Plain(nn.Module):
    """As a user of Flax writes it."""

    @nn.compact
    def __call__(self, x):
        for channels in (6, 16):
            x = nn.relu(nn.Conv(channels, (5, 5), padding="VALID")(x))
            x = nn.max_pool(x, (2, 2), (2, 2))
        x = x.reshape(len(x), -1)
        for width in (120, 84):
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(10)(x)


class Ours(nn.Module):
    """The same of our layers, pooled in their layout."""

    @nn.compact
    def __call__(self, x):
        x = to_maps(x)
        for channels in (6, 16):
            x = nn.relu(Conv(channels, (5, 5))(x))
            x = max_pool(x, (2, 1, 2, 1), (2, 1, 2, 1), ((0, 0),) * 4)
        x = flatten_maps(x)
        for width in (120, 84):
            x = nn.relu(Linear(width)(x))
        return Linear(10)(x)


@dataclasses.dataclass(frozen=True)
class AsFlaxRunsIt(Architecture):
    """Without our layouts: what training such a module was before."""

    def train_apply(self, params, state, x, key):
        return self.module.apply({"params": params, **state}, x), state


def training(architecture: Architecture, data: Data, args: Arguments, mapped: bool = True):
    """A run of some steps of all networks."""
    dataset, mesh = data.dataset(architecture.name), network_mesh()
    config = ZooConfig(
        architectures=(architecture.name,), members=(args.networks,), stops="end", steps=10**6, batch=args.batch
    )
    one = recipe(architecture, config)
    start = jax.jit(jax.vmap(one.start, (0, None)), out_shardings=over_networks(mesh))
    everywhere = put_everywhere(dataset, mesh)
    state = start(untrained(config, architecture.name, padded(args.networks, mesh)), everywhere)
    many = each_network(one.advance, mesh, 3) if mapped else jax.vmap(one.advance, (0, None, None, None))
    held, advance = [state], jax.jit(many, donate_argnums=0)

    def run():
        held[0] = jax.block_until_ready(advance(held[0], everywhere, 0, args.steps))

    return run


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/modules.py")
    data, units = Data.make(), args.networks * args.steps
    plain, ours = Architecture("plain", Plain(), SHAPE), Architecture("ours", Ours(), SHAPE)
    before = AsFlaxRunsIt("plain", Plain(), SHAPE)
    found = alternate(
        [
            Contender("nn.Conv as Flax runs it, vmapped", lambda: training(before, data, args, mapped=False), units),
            Contender("nn.Conv as Flax runs it, one after another", lambda: training(before, data, args), units),
            Contender("the same module, now", lambda: training(plain, data, args), units),
            Contender("the same network of our layers", lambda: training(ours, data, args), units),
        ],
        args.turns,
    )
    rows = [
        (timing.name, timing.per_second(), f"{found[-1].seconds / timing.seconds:.2f}", f"{timing.warm_seconds:.1f}")
        for timing in found
    ]
    header = ("way", "networks·steps a second", "share of our layers'", "seconds to warm")
    command = " ".join(["python benchmarks/modules.py", *arguments])
    report("A plain Flax module", command, header, rows, {"timings": as_record(found)}, args.out)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
