"""Training a population: networks·steps a second, ours against a Python loop over networks and against vmap alone.

    python benchmarks/population.py [--networks N] [--steps S]

Plain Flax modules on 8×8 images, Adam with a learning rate of each network's own, batches of 64. The loops are what one
writes without this project: one jitted step in a loop over steps and networks, and one jitted training (a scan over
steps) in a loop over networks; `vmap` is that training vmapped over all networks. Batches are drawn alike by all.
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
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from benchmarks.timing import Contender, alternate, as_record, report  # noqa: E402
from netspace_jax import population  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of benchmarks/population.py."""

    networks: int = 1024
    """Networks of a population of ours."""
    steps: tuple[int, int] = (2000, 200)
    """Training steps of each perceptron, and of each convolutional network."""
    compared: int = 8
    """Networks of the loops and of vmap, which are slow."""
    compared_steps: int = 50
    """Training steps of each of these."""
    batch: int = 64
    """Inputs of a step."""
    turns: int = 3
    """Turns of which the median counts."""
    out: Path = Path("benchmarks/results")
    """Where the JSON goes."""


class Perceptron(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = x.reshape(x.shape[0], -1)
        for _ in range(2):
            x = nn.relu(nn.Dense(32)(x))
        return nn.Dense(10)(x)


class Convolutional(nn.Module):
    @nn.compact
    def __call__(self, x):
        for width in (8, 16):
            x = nn.max_pool(nn.relu(nn.Conv(width, (3, 3))(x)), (2, 2), (2, 2))
        return nn.Dense(10)(x.reshape(x.shape[0], -1))


def _alone(module: nn.Module, x, y, args: Arguments):
    """One network's initialisation and step, and its whole training, as a user of Flax and optax writes them."""

    def start(key):
        params = module.init(key, x[:1])
        return params, optax.adam(1.0).init(params)

    def step(params, state, key, rate):
        chosen = jax.random.randint(key, (args.batch,), 0, len(x))

        def loss(params):
            logits = module.apply(params, x[chosen])
            return optax.softmax_cross_entropy_with_integer_labels(logits, y[chosen]).mean()

        updates, state = optax.adam(1.0).update(jax.grad(loss)(params), state)
        return optax.apply_updates(params, jax.tree.map(lambda update: rate * update, updates)), state

    def whole(key, rate):
        def body(carry, key):
            return step(*carry, key, rate), None

        return jax.lax.scan(body, start(key), jax.random.split(key, args.compared_steps))[0][0]

    return start, step, whole


def contenders(module: nn.Module, x, y, args: Arguments, steps: int) -> list[Contender]:
    rates = np.logspace(-4, -2, args.networks).astype(np.float32)
    keys = jax.random.split(jax.random.key(0), args.networks)
    start, step, whole = _alone(module, jnp.asarray(x), jnp.asarray(y), args)
    few = args.compared  # the cost is the same for every network

    def steps_in_a_loop():
        begin, one = jax.jit(start), jax.jit(step)

        def run():
            for key, rate in zip(keys[:few], rates[:few], strict=True):
                params, state = begin(key)
                for own in jax.random.split(key, args.compared_steps):
                    params, state = one(params, state, own, rate)
            jax.block_until_ready(params)

        return run

    def trainings_in_a_loop():
        one = jax.jit(whole)
        return lambda: jax.block_until_ready([one(*each) for each in zip(keys[:few], rates[:few], strict=True)])

    def vmapped():
        all_of_them = jax.jit(jax.vmap(whole))
        return lambda: jax.block_until_ready(all_of_them(keys[:few], rates[:few]))

    def ours():
        options = population.Options(steps, args.batch)

        def run():
            population.train(
                module, x, y, hyperparameters={"learning_rate": rates}, held_out=(x[:64], y[:64]), options=options
            )

        return run

    units = few * args.compared_steps
    return [
        Contender("a loop over jitted steps", steps_in_a_loop, units),
        Contender("a loop over jitted trainings", trainings_in_a_loop, units),
        Contender("vmap of the training", vmapped, units),
        Contender("population.train, compilation included", ours, args.networks * steps),
    ]


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/population.py")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(1024, 8, 8, 1)).astype(np.float32), (np.arange(1024) % 10).astype(np.int32)
    rows, record = [], []
    for module, steps in zip((Perceptron(), Convolutional()), args.steps, strict=True):
        name = type(module).__name__
        found = alternate(contenders(module, x, y, args, steps), args.turns)
        print(name, *(f"{t.name}: {t.per_second()}" for t in found), sep="; ", flush=True)
        rows += [(name, t.name, t.per_second(), f"{t.seconds / found[-1].seconds:.1f}") for t in found]
        record.append({"module": name, "steps": steps, "timings": as_record(found)})
    header = ("module", "way", "networks·steps a second", "times as long as ours")
    command = " ".join(["python benchmarks/population.py", *arguments])
    report("A population of a user's modules", command, header, rows, {"rows": record}, args.out)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
