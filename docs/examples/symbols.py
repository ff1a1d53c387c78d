"""A domain whose inputs are integers: each network learns a group's table, as in modular arithmetic.

    python train.py symbols --modules docs/examples/symbols.py

A network sees two symbols a and b and names the symbol (p·a + q·b) mod 11; p and q are a task of each member's own.
"""

import dataclasses
from typing import ClassVar

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax

from netspace_jax import architectures
from netspace_jax.behaviour import Metric, Supervised, register_behaviour
from netspace_jax.config import NetSpaceConfig, RefineConfig, RunConfig, ZooConfig
from netspace_jax.dataset import Batch, SupervisedDataset
from netspace_jax.domain import Domain, Loaded, register

SYMBOLS = 11


@register_behaviour
@dataclasses.dataclass(frozen=True)
class Table(Supervised):
    """Two symbols in, logits of a third out."""

    input_shape: tuple[int, ...] = (2,)
    name: ClassVar[str] = "table"
    metric: ClassVar[Metric] = Metric("accuracy", agreement="name the same symbol")
    input_dtype: ClassVar[str] = "int32"

    @property
    def outputs(self):
        """One logit for each symbol."""
        return SYMBOLS

    def describe(self, outputs):
        """Probabilities."""
        return jax.nn.softmax(outputs).reshape(-1)

    def imitation_loss(self, target_outputs, outputs):
        """KL divergence between the two networks' answers."""
        target, given = jax.nn.log_softmax(target_outputs), jax.nn.log_softmax(outputs)
        return optax.losses.kl_divergence_with_log_targets(given, target).mean()

    def agreement(self, target_outputs, outputs):
        """Share of pairs for which both name the same symbol."""
        return (target_outputs.argmax(-1) == outputs.argmax(-1)).mean()

    def fit_loss(self, outputs, targets):
        """Cross-entropy."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    def score(self, outputs, targets):
        """Accuracy."""
        return (outputs.argmax(-1) == targets).mean()


@flax.struct.dataclass
class Tables(SupervisedDataset):
    """All pairs of symbols, with a table (p, q) for each member."""

    factors: jax.Array
    member: int = 0
    behaviour: Table = flax.struct.field(pytree_node=False, default=Table())

    @property
    def items(self):
        """Number of tables."""
        return len(self.factors)

    def of(self, member):
        """One member's table."""
        return self.replace(member=member % self.items)

    def sample(self, key, step, size):
        """Pairs at random."""
        return self._batch(jax.random.randint(jax.random.fold_in(key, step), (size, 2), 0, SYMBOLS))

    def examples(self, split):
        """All pairs: a table is known or it is not."""
        del split
        return self._batch(self.probes(SYMBOLS**2))

    def probes(self, count):
        """Pairs in order."""
        number = jnp.arange(count, dtype=jnp.int32) % SYMBOLS**2
        return jnp.stack([number // SYMBOLS, number % SYMBOLS], 1)

    def chance(self, split):
        """Any constant answer."""
        del split
        return 1 / SYMBOLS

    def _batch(self, pairs):
        return Batch(pairs, (pairs * self.factors[self.member][None]).sum(1) % SYMBOLS)


class Embedded(nn.Module):
    """Embeddings of both symbols, and a hidden layer."""

    outputs: int

    @nn.compact
    def __call__(self, x):
        x = nn.Embed(SYMBOLS, 8)(x).reshape(len(x), -1)
        return nn.Dense(self.outputs)(nn.relu(nn.Dense(48)(x)))


def load(config):
    """Factors p and q of each member, from the zoo's seed."""
    factors = jax.random.randint(jax.random.key(config.seed), (config.members[0], 2), 1, SYMBOLS)
    return Loaded(Tables(factors), tuple(f"{p}·a + {q}·b" for p, q in factors.tolist()), config)


def symbols():
    """512 tables, each in a network of its own. `python train.py symbols`: two minutes on two CPU cores."""
    zoo = ZooConfig(
        dataset="symbols", architectures=("embedded",), members=(512,), stops="end", steps=1500, learning_rate=1e-2,
        schedule="cosine",
    )  # fmt: skip
    netspace = NetSpaceConfig(prep=(24, 64), embedding=32, probes=121, batch=121, steps=2000, noise=0.0)
    return RunConfig("symbols", "symbols", zoo, netspace, RefineConfig(steps=100))


architectures.register("embedded", lambda input_shape, outputs: Embedded(outputs))
register(
    Domain(
        name="symbols",
        zoo_config=ZooConfig,
        netspace_config=NetSpaceConfig,
        load=load,
        presets={"symbols": symbols},
        evaluations=(),
    )
)
