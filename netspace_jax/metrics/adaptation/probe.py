"""A linear probe: the last layer alone, fitted to the examples, on the features of a network for all tasks."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.behaviour import Supervised
from netspace_jax.dataset import Dataset, RunNetwork
from netspace_jax.errors import InputError
from netspace_jax.latent import Schedule, minimise
from netspace_jax.metrics.adaptation.adapter import Examples, OneNetwork, weighted_mean
from netspace_jax.metrics.adaptation.config import AdaptationConfig
from netspace_jax.metrics.adaptation.examples import AllTasks
from netspace_jax.metrics.adaptation.parallel import spread
from netspace_jax.metrics.adaptation.pooled import falling_adam
from netspace_jax.ops.layouts import in_fast_layouts

_STEPS, _RATE = 200, 0.1  # of Adam on the probe's weights, a convex problem of few numbers
_STATISTICS = 4096  # inputs by which features are brought to one scale


def features(
    architecture: Architecture, flat: Float[Array, "size"], inputs: Shaped[Array, "n *input"]
) -> Float[Array, "n *rows feature"]:
    """What goes into the last layer of a network."""
    last = [leaf for leaf in architecture.spec.leaves if len(leaf.shape) > 1][-1].path[:-1]

    def run(variables, x):
        taken = []

        def note(call, args, kwargs, context):
            if context.module.path == last:
                taken.append(args[0])
            return call(*args, **kwargs)

        with nn.intercept_methods(note):
            architecture.module.apply(variables, x)
        return taken[-1]

    run = in_fast_layouts(run) if architecture.slow else run
    return run(architecture.variables(unflatten(architecture.spec, flat)), inputs)


def check_features(architecture: Architecture) -> None:
    """Refuse architectures whose last layer is no linear one, of the last axis.

    Raises:
      InputError: its last tensor of several axes is not such a layer's.
    """
    shapes = (
        jax.ShapeDtypeStruct((architecture.size,), jnp.float32),
        jax.ShapeDtypeStruct((2, *architecture.input_shape), architecture.input_dtype),
    )
    found = jax.eval_shape(functools.partial(features, architecture), *shapes)
    if found.shape[:-1] != (2, *architecture.output_shape[:-1]):
        raise InputError(f"the last layer of {architecture.name} is not linear: there are no features to probe")


@flax.struct.dataclass
class Trunk:
    """Features of a network, brought to mean 0 and standard deviation 1 over training tasks."""

    flat: Float[Array, "*trunk size"]
    mean: Float[Array, "*trunk feature"]
    deviation: Float[Array, "*trunk feature"]


@flax.struct.dataclass
class ProbeSettings:
    """Which of the trunks, and the weight of the squared size of the probe's weights."""

    trunk: Int[Any, "*count"]
    strength: Float[Any, "*count"]


@flax.struct.dataclass
class Probe(OneNetwork):
    """The last layer fitted by the behaviour's loss with a penalty: logistic regression for classes, ridge for values.

    Attributes:
      trunks: several, with a first axis.
    """

    trunks: Trunk
    settings: ProbeSettings
    behaviour: Supervised = flax.struct.field(pytree_node=False)

    def adapt(self, key: PRNGKeyArray, examples: Examples) -> RunNetwork:
        """The trunk with the last layer that fits the examples."""
        trunk: Trunk = jax.tree.map(lambda leaf: leaf[self.settings.trunk], self.trunks)
        run = functools.partial(scaled_features, self.architecture, trunk)
        known = run(examples.inputs)

        def loss(head, key, step):
            del key, step
            losses = self.behaviour.example_losses(linear(head, known), examples.targets)
            return weighted_mean(losses, examples.weight) + self.settings.strength * jnp.square(head[:-1]).sum()

        start = jnp.zeros((known.shape[-1] + 1, self.architecture.output_shape[-1]))
        schedule = Schedule(jnp.int32(_STEPS), jnp.float32(_RATE), final=jnp.float32(0.01))
        head = minimise(loss, start, key, schedule).last
        return lambda inputs: linear(head, run(inputs))


def linear(
    head: Float[Array, "weights output"], known: Float[Array, "n *rows feature"]
) -> Float[Array, "n *rows output"]:
    """Outputs of a linear layer, whose last row of weights is its bias."""
    found = known @ head[:-1]
    return found + jnp.expand_dims(head[-1], tuple(range(found.ndim - 1)))


def scaled_features(
    architecture: Architecture, trunk: Trunk, inputs: Shaped[Array, "n *input"]
) -> Float[Array, "n *rows feature"]:
    """Features of one trunk at one scale."""
    found = features(architecture, trunk.flat, inputs)
    mean, deviation = (
        jnp.expand_dims(values, tuple(range(found.ndim - 1))) for values in (trunk.mean, trunk.deviation)
    )
    return (found - mean) / deviation


def fit_trunks(
    key: PRNGKeyArray,
    architecture: Architecture,
    dataset: Dataset,
    members: Int[np.ndarray, "task"],
    start: Float[np.ndarray, "size"],
    config: AdaptationConfig,
) -> Trunk:
    """The trunk of a network for all tasks, and one trained from there with a last layer of each task's own.

    Where tasks contradict each other, as where each names other classes, only the latter learns anything.
    """
    data = AllTasks(dataset, jnp.asarray(members))
    spent = np.int32(config.pooled_steps), np.float32(max(config.pooled_rates)), np.float32(config.final)
    train_key, key = jax.random.split(key)
    own = _program(config.pooled_batch)(train_key[None], architecture, data, jnp.asarray(start), spent)
    flats = np.concatenate([np.asarray(start)[None], own])
    mean, deviation = _statistics((jnp.stack([key] * len(flats)), flats), architecture, data)
    return Trunk(jnp.asarray(flats), jnp.asarray(mean), jnp.asarray(deviation))


@functools.cache
def _program(batch: int) -> Callable[..., Any]:
    return spread(functools.partial(_train, batch=batch), 4)


def _train(
    key: PRNGKeyArray,
    architecture: Architecture,
    data: AllTasks,
    start: Float[Array, "size"],
    spent: tuple[Int[Array, ""], Float[Array, ""], Float[Array, ""]],
    *,
    batch: int,
) -> Float[Array, "size"]:
    """Parameters of a network whose last layer was replaced by one for each task while it trained on all of them."""
    steps, rate, final = spent
    optimizer = falling_adam(rate, final, steps)
    inputs = jnp.zeros((1, *architecture.input_shape), architecture.input_dtype)
    width = jax.eval_shape(functools.partial(features, architecture), start, inputs).shape[-1]
    heads = jnp.zeros((len(data.members), width + 1, architecture.output_shape[-1]))

    def loss(learned, key):
        flat, heads = learned
        rows, (inputs, targets) = data.draw_with_members(key, batch)
        known = features(architecture, flat, inputs)
        outputs = jax.vmap(lambda row, one: linear(heads[row], one[None])[0])(rows, known)
        return data.behaviour.example_losses(outputs, targets).mean()

    def step(number, carry):
        learned, state = carry
        updates, state = optimizer.update(jax.grad(loss)(learned, jax.random.fold_in(key, number)), state, learned)
        return optax.apply_updates(learned, updates), state

    begin = (start, heads)
    return jax.lax.fori_loop(0, steps, step, (begin, optimizer.init(begin)))[0][0]


def _statistics_of(
    row: tuple[PRNGKeyArray, Float[Array, "size"]], architecture: Architecture, data: AllTasks
) -> tuple[Float[Array, "feature"], Float[Array, "feature"]]:
    """Mean and standard deviation of the features of ONE network over training tasks."""
    key, flat = row
    found = features(architecture, flat, data.draw_with_members(key, _STATISTICS)[1].inputs)
    found = found.reshape(-1, found.shape[-1])
    return found.mean(0), found.std(0) + 1e-3


_statistics = spread(_statistics_of, 2)
