"""Training of a population by the zoo's training, a chunk of networks at a time."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.modes import mode_pair
from netspace_jax.config import ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh, on_host, padded, put_everywhere
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.population.arguments import Arrays, Options, Values, arrays_of, check, count_of
from netspace_jax.population.data import (
    Fit,
    Measure,
    PopulationData,
    accuracy,
    cross_entropy,
    explained,
    squared_error,
)
from netspace_jax.population.result import Population
from netspace_jax.zoo.population import Population as Trainer
from netspace_jax.zoo.training import State, Trained, Training, supervised

Optimizer = Callable[..., optax.GradientTransformation]
"""From hyperparameters by name to an optimizer, as `optax.adamw`."""


OnProgress = Callable[[int, int, float], None]


def train(
    module: nn.Module | Architecture,
    inputs: Values,
    targets: Values,
    *,
    own_data: bool = False,
    rows: Int[np.ndarray, "network row"] | None = None,
    held_out: tuple[Values, Values] | None = None,
    networks: int = 0,
    seeds: Sequence[int] | Int[np.ndarray, "network"] | None = None,
    optimizer: Optimizer = optax.adam,
    hyperparameters: Mapping[str, float | Sequence[float] | np.ndarray] | None = None,
    loss: Measure | None = None,
    score: Measure | None = None,
    options: Options = Options(),
    on_progress: OnProgress = lambda done, total, loss: None,
) -> Population:
    """Train many networks of one Flax module at once.

    What differs between networks has a first axis of one entry for each; everything else is shared.

    Args:
      module: called as `module(x)` on a batch of inputs; batch norms and dropout as in `architectures.register`.
      inputs: floats [n, …].
      targets: of the inputs: integer labels [n], or floats [n, …].
      own_data: whether each network has inputs and targets of its own: [network, n, …].
      rows: which of shared inputs each network trains on.
      held_out: inputs and targets that networks are scored on, shared or [network, n, …]; by default the training ones.
      networks: how many, where nothing else says it.
      seeds: of initialisation, order and dropout; by default 0, 1, 2, ….
      optimizer: makes the optimizer from `hyperparameters`.
      hyperparameters: of the optimizer, numbers or one for each network; by default a learning rate of 1e-3.
      loss: by default cross-entropy for integer targets, squared error for others.
      score: by default accuracy, R², or for a loss of one's own that loss with its sign turned.
      options: steps, batch size, memory.
      on_progress: called with networks·steps done since the last call, their total, and the latest mean loss.

    Raises:
      InputError: names the argument that does not fit the others.
    """
    check(options)
    data = arrays_of(inputs, targets, own_data, rows, held_out)
    given = hyperparameters if hyperparameters is not None else {"learning_rate": 1e-3}
    values = {name: np.asarray(value, np.float32) for name, value in given.items()}
    count = count_of(networks, data, values, seeds)
    values = {name: np.broadcast_to(value, (count,)) for name, value in values.items()}
    labels = np.issubdtype(data.arrays["targets"].dtype, np.integer)
    architecture = _architecture(module, data.input_shape)
    behaviour = Fit(
        data.input_shape,
        _outputs(architecture),
        loss or (cross_entropy if labels else squared_error),
        score or (_negative(loss) if loss else accuracy if labels else explained),
    )
    own_seeds = np.arange(count) if seeds is None else np.asarray(seeds, np.int64)
    return _run(
        architecture, behaviour, data, own_seeds, values, optimizer=optimizer, options=options, report=on_progress
    )


def _run(
    architecture: Architecture,
    behaviour: Fit,
    data: Arrays,
    seeds: np.ndarray,
    values: dict[str, np.ndarray],
    *,
    optimizer: Optimizer,
    options: Options,
    report: OnProgress,
) -> Population:
    """Train chunk after chunk."""
    count = len(seeds)
    config = ZooConfig(
        architectures=(architecture.name,), steps=options.steps, stops="end", batch=options.batch, chunk=options.chunk
    )
    mesh = network_mesh(options.devices)
    trainer = Trainer(architecture, config, mesh, _make_training(seeds, values, optimizer))
    total = count * options.steps
    found = [
        _trained(
            trainer,
            indices,
            _chunk(behaviour, data, values, indices),
            config=config,
            mesh=mesh,
            on_progress=lambda done, loss: report(done, total, loss),
        )
        for indices in _chunks(count, config.chunk, mesh)
    ]
    outcome = jax.tree.map(lambda *leaves: np.concatenate(leaves), *(trained.outcome for trained in found))
    flats = np.concatenate([trained.flat for trained in found])
    hyperparameters = {name: np.array(value) for name, value in values.items()}
    return Population(architecture, flats, seeds, hyperparameters, outcome.loss, outcome.score_test, outcome.finite)


def _chunks(count: int, size: int, mesh: Mesh) -> Iterator[Int[np.ndarray, "network"]]:
    """Networks that train together; the last is repeated, so that all chunks have one size."""
    width = padded(min(size, count), mesh)
    for begin in range(0, count, size):
        last = min(begin + size, count) - 1
        yield np.minimum(begin + np.arange(width), last).astype(np.int32)


def _chunk(
    behaviour: Fit, data: Arrays, values: dict[str, np.ndarray], indices: Int[np.ndarray, "network"]
) -> PopulationData:
    """The data of the networks that train together."""
    chosen = {name: value[indices] if name in data.own else value for name, value in data.arrays.items()}
    return PopulationData(
        jax.tree.map(jnp.asarray, chosen),
        {name: jnp.asarray(value[indices]) for name, value in values.items()},
        jnp.asarray(indices[0]),
        behaviour,
        data.own,
    )


def _trained(
    trainer: Trainer,
    indices: Int[np.ndarray, "network"],
    data: PopulationData,
    *,
    config: ZooConfig,
    mesh: Mesh,
    on_progress: Callable[[int, float], None],
) -> Trained:
    """One chunk of networks, on the host. What only fills it up does not train."""
    size = len(np.unique(indices))
    stops = np.where(np.arange(len(indices)) < size, config.steps, 0).astype(np.int32)
    trained = trainer.train(indices, stops, put_everywhere(data, mesh), on_progress)
    return jax.tree.map(lambda leaf: leaf[:size], on_host(trained))


def _make_training(
    seeds: np.ndarray, values: Mapping[str, np.ndarray], optimizer: Optimizer
) -> Callable[[Architecture, ZooConfig], Training]:
    """The zoo's training, with a seed and hyperparameters for each network."""
    # Seeds of 64 bits as two halves: JAX has no integers of 64 bits by default.
    halves = jnp.asarray(np.stack([seeds >> 32, seeds & 0xFFFFFFFF], 1).astype(np.uint32).view(np.int32))
    try:
        injected = optax.inject_hyperparams(optimizer)(**{name: float(value[0]) for name, value in values.items()})
    except TypeError as error:
        raise InputError(f"hyperparameters {', '.join(values)} do not fit the optimizer: {error}") from error

    def make(architecture: Architecture, config: ZooConfig) -> Training:
        one = supervised(architecture, config, optimizer=injected)

        def start(key: PRNGKeyArray, member: Int[Array, ""], stop: Int[Array, ""]) -> State:
            high, low = halves[member]
            own = jax.random.fold_in(key_of(key_of(0, Purpose.MEMBER, high), Purpose.MEMBER), low)
            return one.start(own, member, stop)

        def advance(state: State, dataset: Any, begin: Int[Array, ""], end: Int[Array, ""], length: int = 0) -> State:
            own = dataset.hyperparameters_of(state.member)
            hyperparameters = {**state.optimizer.hyperparams, **own}
            state = dataclasses.replace(state, optimizer=state.optimizer._replace(hyperparams=hyperparameters))
            return one.advance(state, dataset, begin, end, length)

        return Training(start, advance, one.validate, one.finish)

    return make


def _negative(loss: Measure) -> Measure:
    return lambda outputs, targets: -loss(outputs, targets)


def _architecture(module: nn.Module | Architecture, shape: tuple[int, ...]) -> Architecture:
    if isinstance(module, Architecture):
        return module
    found = mode_pair(module, shape)
    return Architecture(type(module).__name__, found.module, shape, found.trainee, found.fold)


def _outputs(architecture: Architecture) -> int:
    x = jax.ShapeDtypeStruct((1, *architecture.input_shape), jnp.float32)
    found = jax.eval_shape(architecture.apply, jax.ShapeDtypeStruct((architecture.size,), jnp.float32), x)
    return found.shape[-1]
