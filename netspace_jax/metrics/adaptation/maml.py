"""MAML: a start from which a few gradient steps on a task's examples lead far (Finn et al. 2017, arXiv 1703.03400).

The rates of these steps are learnt with it, one for each tensor, step and number of examples (after MAML++: Antoniou
et al. 2019, arXiv 1810.09502). In the first order the gradient of a gradient counts as zero; in ANIL only the last
layer takes the steps (Raghu et al. 2020, arXiv 1909.09157). All three are one program, whose differences are data.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import Spec
from netspace_jax.behaviour import Supervised, as_supervised
from netspace_jax.dataset import Dataset
from netspace_jax.metrics.adaptation.adapter import Examples, OneNetwork, example_loss
from netspace_jax.metrics.adaptation.config import AdaptationConfig
from netspace_jax.metrics.adaptation.examples import weights_of
from netspace_jax.metrics.adaptation.parallel import spread
from netspace_jax.metrics.adaptation.pooled import falling_adam
from netspace_jax.space.adaptation import nearest_count

QUERY = 64
"""Inputs of a training task on which the network after the inner steps is judged."""
_FASTER = 10.0  # times the rate of the start: that of the logarithms of rates


class Learned(NamedTuple):
    """What MAML learns.

    Attributes:
      log_rates: logarithm of the rate of each inner step and tensor, for each of some numbers of examples.
    """

    flat: Float[Array, "size"]
    log_rates: Float[Array, "count step tensor"]


class Kind(NamedTuple):
    """Which of the three it is.

    Attributes:
      moves: 1 for the parameters that the inner steps change.
    """

    first_order: Bool[Any, ""]
    moves: Float[Any, "size"]


@flax.struct.dataclass
class InnerSteps:
    """How a new task is tuned: a factor of the learnt rates, and the number of steps."""

    factor: Float[Any, "*count"]
    steps: Int[Any, "*count"]


@flax.struct.dataclass
class MetaTuned(OneNetwork):
    """The start that was learnt, after plain gradient steps on the examples at the rates that were learnt with it."""

    learned: Learned
    counts: Float[Array, "count"]
    moves: Float[Array, "size"]
    settings: InnerSteps
    behaviour: Supervised = flax.struct.field(pytree_node=False)

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Parameters after the last step."""
        del key
        log_rates = self.learned.log_rates[nearest_count(self.counts, examples.weight.sum())]
        rates = self.settings.factor * rates_of(self.architecture.spec, log_rates)

        def step(number, flat):
            gradient = jax.grad(lambda flat: example_loss(self.behaviour, self.architecture.bind(flat), examples))(flat)
            return flat - self.moves * rates[jnp.minimum(number, len(rates) - 1)] * gradient

        return jax.lax.fori_loop(0, self.settings.steps, step, self.learned.flat)


def rates_of(spec: Spec, log_rates: Float[Array, "step tensor"]) -> Float[Array, "step size"]:
    """The rate of each parameter at each step."""
    columns = jnp.split(jnp.exp(log_rates), len(spec.leaves), axis=1)
    parts = [
        jnp.broadcast_to(column, (len(column), leaf.size)) for column, leaf in zip(columns, spec.leaves, strict=True)
    ]
    return jnp.concatenate(parts, 1)


def last_layer(spec: Spec) -> Float[np.ndarray, "size"]:
    """1 for the parameters of the last layer: the last tensor of several axes, and what follows it."""
    last = max((place for place, leaf in enumerate(spec.leaves) if len(leaf.shape) > 1), default=0)
    return (np.arange(spec.size) >= spec.offsets[last]).astype(np.float32)


def fit_maml(
    key: PRNGKeyArray,
    architecture: Architecture,
    dataset: Dataset,
    members: Int[np.ndarray, "task"],
    start: Float[np.ndarray, "size"],
    kinds: Kind,
    config: AdaptationConfig,
) -> Learned:
    """MAML of several kinds, all from one start.

    Args:
      start: a network for all of these tasks.

    Returns:
      What each kind learns, with a first axis of kinds.
    """
    count = len(kinds.first_order)
    shape = len(config.examples), config.inner_steps, len(architecture.spec.leaves)
    log_rates = jnp.full(shape, np.log(config.inner_rate), jnp.float32)
    rows = (jax.random.split(key, count), kinds)
    spent = np.int32(config.maml_steps), np.float32(config.maml_rate), np.float32(config.final)
    program = _program(tuple(config.examples), config.maml_tasks)
    return program(rows, architecture, dataset, jnp.asarray(members), Learned(jnp.asarray(start), log_rates), spent)


@functools.cache
def _program(counts: tuple[int, ...], tasks: int) -> Callable[..., Any]:
    return spread(functools.partial(_train, counts=counts, tasks=tasks), 5)


def _train(
    row: tuple[PRNGKeyArray, Kind],
    architecture: Architecture,
    dataset: Dataset,
    members: Int[Array, "task"],
    start: Learned,
    spent: tuple[Int[Array, ""], Float[Array, ""], Float[Array, ""]],
    *,
    counts: tuple[int, ...],
    tasks: int,
) -> Learned:
    """What MAML of ONE kind learns."""
    (key, kind), (steps, rate, final) = row, spent
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), falling_adam(rate, final, steps))
    loss = functools.partial(_task_loss, architecture=architecture, dataset=dataset, members=members, kind=kind)

    def step(number, carry):
        learned, state = carry
        keys = jax.random.split(jax.random.fold_in(key, number), tasks)
        mean = lambda learned: jax.vmap(lambda key: loss(learned, key, counts=counts))(keys).mean()  # noqa: E731
        updates, state = optimizer.update(jax.grad(mean)(learned), state, learned)
        updates = jax.tree.map(jnp.multiply, updates, Learned(jnp.float32(1), jnp.float32(_FASTER)))
        return optax.apply_updates(learned, updates), state

    return jax.lax.fori_loop(0, steps, step, (start, optimizer.init(start)))[0]


def _task_loss(
    learned: Learned,
    key: PRNGKeyArray,
    *,
    architecture: Architecture,
    dataset: Dataset,
    members: Int[Array, "task"],
    kind: Kind,
    counts: tuple[int, ...],
) -> Float[Array, ""]:
    """Loss on other inputs of ONE training task after the inner steps on as many examples as one of `counts` says."""
    row_key, count_key, support_key, query_key = jax.random.split(key, 4)
    data = dataset.of(members[jax.random.randint(row_key, (), 0, len(members))])
    place = jax.random.randint(count_key, (), 0, len(counts))
    support, query = (
        data.sample(key, jnp.int32(0), size) for key, size in ((support_key, max(counts)), (query_key, QUERY))
    )
    weight = jnp.asarray(weights_of(counts))[place, : len(support.inputs)]

    behaviour = as_supervised(dataset.behaviour)

    def loss(flat, inputs, targets, weight):
        return example_loss(behaviour, architecture.bind(flat), Examples(inputs, targets, weight))

    def inner(flat, rate):
        gradient = jax.grad(loss)(flat, *support, weight)
        gradient = jnp.where(kind.first_order, jax.lax.stop_gradient(gradient), gradient)
        return flat - kind.moves * rate * gradient, None

    flat, _ = jax.lax.scan(inner, learned.flat, rates_of(architecture.spec, learned.log_rates[place]))
    return loss(flat, *query, jnp.ones(len(query.inputs)))
