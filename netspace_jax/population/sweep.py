"""Many networks of one module at once, what each has of its own given as arrays."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Int, Key

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.modes import forms
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh, on_host, put_everywhere
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.population.arguments import Options, Values, arrays_of, check, count_of
from netspace_jax.population.data import (
    Fit,
    Measure,
    PopulationData,
    accuracy,
    cross_entropy,
    r2_score,
    squared_error,
)
from netspace_jax.population.network import State, Trained, Training, Untrained, supervised
from netspace_jax.population.result import Population
from netspace_jax.population.trainer import MakeOne, Trainer, compiler_options

Optimizer = Callable[..., optax.GradientTransformation]
"""From hyperparameters by name to an optimizer, as `optax.adamw`."""

OnProgress = Callable[[int, int, float], None]
"""Called with networks·steps done since the last call, their total, and the latest mean loss."""


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
    given = hyperparameters if hyperparameters is not None else {"learning_rate": 1e-3}
    values = {name: np.asarray(value, np.float32) for name, value in given.items()}
    arrays = arrays_of(inputs, targets, own_data, rows, held_out)
    count = count_of(networks, arrays, values, seeds)
    values = {name: np.broadcast_to(value, (count,)) for name, value in values.items()}
    architecture = _architecture(module, arrays.input_shape)
    labels = np.issubdtype({**arrays.common, **arrays.own}["targets"].dtype, np.integer)
    behaviour = Fit(
        arrays.input_shape,
        loss or (cross_entropy if labels else squared_error),
        score or (_negative(loss) if loss else accuracy if labels else r2_score),
    )
    data = PopulationData(arrays.common, arrays.own, values, behaviour)
    seeds = np.arange(count) if seeds is None else np.asarray(seeds, np.int64)
    make = _make_training(optimizer, {name: float(value[0]) for name, value in values.items()}, options.batch)
    trained = _train(make, architecture, data, _keys(seeds), options, on_progress)
    outcome = trained.outcome
    values = {name: np.array(value) for name, value in values.items()}
    return Population(architecture, trained.flat, seeds, values, outcome.loss, outcome.score_test, outcome.finite)


def _train(
    make: MakeOne,
    architecture: Architecture,
    data: PopulationData,
    keys: Key[Array, "network"],
    options: Options,
    on_progress: OnProgress,
) -> Trained:
    """Train some networks at a time; all of them, on the host."""
    count, mesh = len(keys), network_mesh(options.devices)
    trainer = Trainer(make, mesh, options=compiler_options(architecture))
    architecture, width, parts = put_everywhere(architecture, mesh), min(options.chunk, count), []
    for begin in range(0, count, width):
        size = min(width, count - begin)
        own = keys[begin : begin + size]
        networks = Untrained(
            own,
            jax.vmap(lambda key: key_of(key, Purpose.INIT))(own),
            jnp.arange(size),
            jnp.full(size, options.steps),
        )
        # The last ones fill their rows up, so that nothing is compiled for their number.
        dataset = put_everywhere(data.chosen(begin + np.arange(width) % size), mesh)
        trained = trainer.train(
            networks,
            architecture,
            dataset,
            lambda done, loss: on_progress(done, count * options.steps, loss),
            width=width,
        )
        parts.append(jax.tree.map(lambda leaf, size=size: leaf[:size], on_host(trained)))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _keys(seeds: Int[np.ndarray, "network"]) -> Key[Array, "network"]:
    """A key for each seed of 64 bits, from its two halves: JAX has no integers of 64 bits by default."""
    halves = np.stack([seeds >> 32, seeds & 0xFFFFFFFF]).astype(np.uint32).view(np.int32)
    root = key_of(0, Purpose.MEMBER)
    return jax.vmap(lambda high, low: jax.random.fold_in(key_of(jax.random.fold_in(root, high), Purpose.MEMBER), low))(
        *halves
    )


def _make_training(optimizer: Optimizer, hyperparameters: dict[str, float], batch: int) -> MakeOne:
    """Supervised training with hyperparameters that are data.

    Args:
      hyperparameters: any values of them.

    Raises:
      InputError: the optimizer takes no such hyperparameters.
    """
    try:
        injected = optax.inject_hyperparams(optimizer)(**hyperparameters)
    except TypeError as error:
        raise InputError(f"hyperparameters {', '.join(hyperparameters)} do not fit the optimizer: {error}") from error

    def make(architecture: Architecture) -> Training:
        one = supervised(architecture, injected, batch=batch)

        def start(untrained: Untrained, dataset: PopulationData) -> State:
            state = one.start(untrained, dataset)
            hyperparams = {**state.optimizer.hyperparams, **dataset.of(untrained.member).hyperparameters}
            return dataclasses.replace(state, optimizer=state.optimizer._replace(hyperparams=hyperparams))

        return one._replace(start=start)

    return make


def _negative(loss: Measure) -> Measure:
    return lambda outputs, targets: -loss(outputs, targets)


def _architecture(module: nn.Module | Architecture, shape: tuple[int, ...]) -> Architecture:
    if isinstance(module, Architecture):
        return module
    modes = forms(module, shape)
    return Architecture(type(module).__name__, modes.module, shape, modes.trainee, modes.fold)
