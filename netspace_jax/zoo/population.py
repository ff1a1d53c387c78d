"""Training of one network as pure functions, and of a population by mapping them over the networks of a mesh."""

import functools
import time
import zlib
from collections.abc import Callable
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.config import ZooConfig
from netspace_jax.ops.devices import AXIS, agreed, everywhere, over_networks
from netspace_jax.task import Task

# What a member's own key is folded with, for each thing that is drawn from it.
_START, _STOP, _SPLIT, _BATCHES = range(4)

# Epochs after which the 186 networks of the reference stop, out of 599 (reference, section Zoos).
REFERENCE_EPOCHS = (*range(100), *range(101, 200, 2), *range(204, 300, 5), *range(309, 400, 10), *range(424, 500, 25), 549, 599)

# Training returns to the host about this often, in seconds, so that progress can be shown.
_SEGMENT_SECONDS = 1.0


class Plan(NamedTuple):
    """What is drawn for each member before it trains."""

    stops: Int[np.ndarray, "member"]
    draws: Float[np.ndarray, "member"]


@flax.struct.dataclass
class Outcome:
    """What is known of a network when its training ends: last loss, whether all parameters are finite, scores."""

    loss: Float[Array, ""]
    finite: Bool[Array, ""]
    score_validation: Float[Array, ""]
    score_test: Float[Array, ""]


@flax.struct.dataclass
class Trained:
    """What training leaves of a network: the flat parameters that enter the zoo, and what is known of it."""

    flat: Float[Array, "size"]
    outcome: Outcome


@flax.struct.dataclass
class State:
    """One network in training; `kept` are the best parameters so far, where validation is looked at."""

    key: PRNGKeyArray
    item: Int[Array, ""]
    stop: Int[Array, ""]
    variables: PyTree
    optimizer: PyTree
    loss: Float[Array, ""]
    kept: PyTree
    kept_score: Float[Array, ""]


class Training(NamedTuple):
    """Pure functions that train ONE network; `task` is data, so it is an argument."""

    start: Callable[[PRNGKeyArray, Int[Array, ""], Int[Array, ""]], State]
    advance: Callable[[State, Task, Int[Array, ""], Int[Array, ""]], State]
    look: Callable[[State, Task], State]
    finish: Callable[[State, Task], Trained]


def member_key(config: ZooConfig, architecture: str, index: Int[Array, ""] | int) -> PRNGKeyArray:
    """A member's own key, folded from its architecture's name and its index, so that a bigger zoo keeps its earlier members."""
    root = jax.random.fold_in(jax.random.key(config.seed), zlib.crc32(architecture.encode()))
    return jax.random.fold_in(root, index)


def member_keys(config: ZooConfig, architecture: str, count: int) -> Key[Array, "member"]:
    """Keys of the first members."""
    return jax.vmap(functools.partial(member_key, config, architecture))(jnp.arange(count))


def plan(config: ZooConfig, architecture: str, count: int) -> Plan:
    """Stopping step and split draw, uniform in [0, 1), of each member."""
    config, keys = config.of(architecture), member_keys(config, architecture, count)

    def uniform(purpose: int) -> np.ndarray:
        return np.asarray(jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, purpose)))(keys), np.float64)

    if config.stops == "end":
        stops = np.full(count, config.steps)
    elif config.stops == "reference":
        epochs = np.resize(REFERENCE_EPOCHS, count)
        stops = np.rint(epochs / max(REFERENCE_EPOCHS) * config.steps)
    else:
        low, high = np.log(config.min_steps), np.log(config.steps + 1)
        stops = np.minimum(np.exp(low + (high - low) * uniform(_STOP)), config.steps)
    return Plan(stops.astype(np.int32), uniform(_SPLIT))


def make_optimizer(config: ZooConfig) -> optax.GradientTransformation:
    """Adam or SGD with the learning rate cut at shares of the steps."""
    rate = optax.piecewise_constant_schedule(
        config.learning_rate, {round(share * config.steps): config.decay for share in config.decay_at})
    if config.optimizer == "adam":
        return optax.adam(rate)
    return optax.chain(optax.add_decayed_weights(config.weight_decay), optax.sgd(rate, momentum=0.9))


def make_training(architecture: Architecture, config: ZooConfig) -> Training:
    """Training of one network of `architecture` (reference, section Zoos, for the recipes of the paper's presets)."""
    optimizer = make_optimizer(config)
    rounded = functools.partial(jax.tree.map, lambda leaf: leaf.astype(config.precision))

    def start(key, item, stop):
        shared = jax.random.fold_in(jax.random.key(config.seed), zlib.crc32(architecture.name.encode()))
        variables = architecture.init(jax.random.fold_in(shared if config.shared_start else key, _START))
        kept = variables if config.looks else ()
        # Typed, since a weakly typed state would come back from the first call as another type and be compiled again.
        nothing, worst = jnp.full((), jnp.nan, jnp.float32), jnp.full((), -jnp.inf, jnp.float32)
        return State(key, item, stop, variables, optimizer.init(variables["params"]), nothing, kept, worst)

    def step(index, state, task):
        batch = task.sample(jax.random.fold_in(state.key, _BATCHES), state.item, index, config.batch)
        extras = {name: value for name, value in state.variables.items() if name != "params"}

        def loss(params):
            outputs, new_extras = architecture.train_apply(rounded(params), extras, rounded(batch.inputs))
            return task.fit_loss(outputs.astype(jnp.float32), batch.targets), new_extras

        (value, extras), gradient = jax.value_and_grad(loss, has_aux=True)(state.variables["params"])
        updates, opt_state = optimizer.update(gradient, state.optimizer, state.variables["params"])
        variables = {"params": optax.apply_updates(state.variables["params"], updates), **extras}
        return state.replace(variables=variables, optimizer=opt_state, loss=value)

    def advance(state, task, begin, end):
        return jax.lax.fori_loop(begin, jnp.minimum(end, state.stop), lambda index, state: step(index, state, task), state)

    def look(state, task):
        score = _score(architecture, architecture.finish(state.variables), task, "validation", state.item)
        better = score > state.kept_score
        kept = jax.tree.map(lambda a, b: jnp.where(better, a, b), state.variables, state.kept)
        return state.replace(kept=kept, kept_score=jnp.where(better, score, state.kept_score))

    def finish(state, task):
        flat = architecture.finish(state.kept if config.looks else state.variables)
        scores = (_score(architecture, flat, task, split, state.item) for split in ("validation", "test"))
        return Trained(flat, Outcome(state.loss, jnp.isfinite(flat).all(), *scores))

    return Training(start, advance, look, finish)


def outputs_of(architecture: Architecture, flat: Float[Array, "size"], inputs: Float[Array, "n *input"],
               block: int = 512) -> Float[Array, "n outputs"]:
    """Outputs of one network on any number of inputs, a block at a time so that memory stays bounded."""
    if len(inputs) <= block:
        return architecture.apply(flat, inputs)
    blocks = -(-len(inputs) // block)
    size = -(-len(inputs) // blocks)
    # Filled up, so that all blocks have one size and the network is compiled once.
    filled = jnp.pad(inputs, [(0, blocks * size - len(inputs))] + [(0, 0)] * (inputs.ndim - 1))
    outputs = jax.lax.map(lambda x: architecture.apply(flat, x), filled.reshape(blocks, size, *inputs.shape[1:]))
    return outputs.reshape(blocks * size, *outputs.shape[2:])[:len(inputs)]


def _score(architecture, flat, task, split, item):
    examples = task.examples(split, item)
    return task.score(outputs_of(architecture, flat, examples.inputs), examples.targets)


def each_network(function: Callable[..., PyTree], mesh: Mesh, shared: int) -> Callable[..., PyTree]:
    """A function of ONE network for all that lie on the devices of a mesh, each device with its own share.

    Accelerators take the networks of a share together, by vmap. A core takes them one after another: the activations of one network
    stay in its cache, and those of many do not.

    Args:
      shared: the last so many arguments are the same for all networks.
    """
    def share(*arguments):
        networks, rest = arguments[:len(arguments) - shared], arguments[len(arguments) - shared:]
        if jax.default_backend() == "cpu":
            return jax.lax.map(lambda one: function(*one, *rest), networks)
        return jax.vmap(function, (0,) * len(networks) + (None,) * shared)(*arguments)

    def on_mesh(*arguments):
        specs = (PartitionSpec(AXIS),) * (len(arguments) - shared) + (PartitionSpec(),) * shared
        # Unchecked: no network knows of another, so there is nothing to reduce.
        return jax.shard_map(share, mesh=mesh, in_specs=specs, out_specs=PartitionSpec(AXIS), check_vma=False)(*arguments)

    return on_mesh


class Population:
    """The compiled training of one architecture's networks, a chunk at a time, spread over a mesh."""

    def __init__(self, architecture: Architecture, config: ZooConfig, mesh: Mesh):
        one = make_training(architecture, config)
        self._config = config

        def start(index, item, stop):
            return one.start(member_key(config, architecture.name, index), item, stop)

        # Not within `each_network`: parameters that start at zero and train in one shard_map would share gradients.
        self._start = jax.jit(jax.vmap(start), out_shardings=over_networks(mesh))
        self._loss = jax.jit(lambda state: jnp.nanmean(state.loss), out_shardings=everywhere(mesh))
        self._advance = jax.jit(each_network(one.advance, mesh, 3), donate_argnums=0)
        self._look = jax.jit(each_network(one.look, mesh, 1))
        self._finish = jax.jit(each_network(one.finish, mesh, 1))

    def train(self, indices: Int[np.ndarray, "network"], items: Int[np.ndarray, "network"], stops: Int[np.ndarray, "network"],
              task: Task, on_progress: Callable[[int, float], None]) -> Trained:
        """Train networks together; their number must divide by the mesh.

        Args:
          indices: of the members; each one's randomness comes from its own.
          on_progress: called with the networks·steps done since the last call and the mean of the latest losses.
        """
        end = int(stops.max(initial=0))
        config = self._config
        first = round(config.looks_from * config.steps)
        looks = {int(step) for step in np.linspace(first, config.steps, config.looks + 1)[1:]} if config.looks else set()
        state, step, length = self._start(indices, items, stops), 0, 1
        while step < end:
            upto = min(step + length, end, *(look for look in looks if look > step))
            began = time.perf_counter()
            state = self._advance(state, task, step, upto)
            loss = float(self._loss(state))
            seconds = agreed(time.perf_counter() - began)
            length = max(1, min(2 * length, int((upto - step) * _SEGMENT_SECONDS / max(seconds, 1e-6))))
            on_progress(int(np.minimum(stops, upto).sum() - np.minimum(stops, step).sum()), loss)
            step = upto
            if step in looks:
                state = self._look(state, task)
        if looks and end not in looks:
            state = self._look(state, task)
        return self._finish(state, task)
