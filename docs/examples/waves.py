"""A domain of one's own: networks that each hold one wave a·sin(b·x).

python train.py waves --modules docs/examples/waves.py
"""

import dataclasses
from typing import ClassVar

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp

from netspace_jax import architectures
from netspace_jax.behaviour import Metric, Supervised, register_behaviour
from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.dataset import Batch, SupervisedDataset
from netspace_jax.domain import Domain, Evaluation, Loaded, register
from netspace_jax.report import Section

NEAR = 0.1  # a value counts as right within this


@register_behaviour
@dataclasses.dataclass(frozen=True)
class Wave(Supervised):
    """What the networks compute: one value for one coordinate. It goes with a space, so it has no data."""

    input_shape: tuple[int, ...] = (1,)
    name: ClassVar[str] = "wave"
    metric: ClassVar[Metric] = Metric("within_0.1", "share of values within 0.1")

    def fit_loss(self, outputs, targets):
        """Mean squared error."""
        return jnp.square(outputs[:, 0] - targets).mean()

    def score(self, outputs, targets):
        """Share of values that are right."""
        return (jnp.abs(outputs[:, 0] - targets) <= NEAR).mean()

    def agreement(self, wanted, outputs):
        """Share of coordinates at which two networks say the same."""
        return (jnp.abs(wanted - outputs) <= NEAR).mean()


@flax.struct.dataclass
class Waves(SupervisedDataset):
    """The data: a wave for each member, known everywhere."""

    amplitude: jax.Array
    frequency: jax.Array
    member: int = 0
    behaviour: Wave = flax.struct.field(pytree_node=False, default=Wave())

    @property
    def items(self):
        """Number of waves."""
        return len(self.amplitude)

    def of(self, member):
        """The wave that a member is about."""
        return self.replace(member=member % self.items)

    def sample(self, key, step, size):
        """Coordinates at random."""
        return self._at(jax.random.uniform(jax.random.fold_in(key, step), (size,), minval=-1, maxval=1))

    def examples(self, split):
        """Equally spaced coordinates; each split has others."""
        offset = {"train": 0.0, "validation": 0.003, "test": 0.006}[split]
        return self._at(jnp.linspace(-1, 0.99, 200) + offset)

    def probes(self, count):
        """Coordinates at steps of the golden ratio, of which any number of first ones are spread evenly."""
        return (2 * (0.618034 * jnp.arange(count, dtype=jnp.float32) % 1) - 1)[:, None]

    def chance(self, split):
        """Of no use here."""
        del split
        return 0.0

    def _at(self, x):
        return Batch(x[:, None], self.amplitude[self.member] * jnp.sin(self.frequency[self.member] * x))


def load(config):
    """A wave for each member, drawn from the zoo's seed."""
    count = config.members[0]
    amplitude, frequency = jax.random.uniform(jax.random.key(config.seed), (2, count), minval=0.5, maxval=4.0)
    names = tuple(f"{a:.2f}·sin({b:.2f}·x)" for a, b in zip(amplitude, frequency, strict=True))
    return Loaded(Waves(amplitude, frequency), names, config)


def waves():
    """256 waves, each in a perceptron of 16 hidden units. `python train.py waves`: a minute on two CPU cores."""
    zoo = ZooConfig(
        dataset="waves", architectures=("bump",), members=(256,), stops="end", steps=1000, learning_rate=1e-2
    )
    netspace = NetSpaceConfig(prep=(8, 8), embedding=32, hidden=128, probes=64, steps=1500)
    return RunConfig("waves", "waves", zoo, netspace)


def fit(run):
    """How well the members hold their waves."""
    scores = run.zoo.scores(run.space.names[0])
    return Section(
        "fit", "Waves", f"Mean share of values within {NEAR}: {scores.mean():.3f}.", {"fit/mean": scores.mean()}
    )


class Bump(nn.Module):
    """A perceptron of one hidden layer."""

    outputs: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.outputs)(nn.tanh(nn.Dense(16)(2 * x)))


architectures.register("bump", lambda input_shape, outputs: Bump(outputs))
register(
    Domain(
        name="waves",
        zoo_config=ZooConfig,
        netspace_config=NetSpaceConfig,
        load=load,
        presets={"waves": waves},
        evaluations=(Evaluation("fit", fit),),
    )
)
