"""Many networks of one module at once, what each has of its own given as arrays."""

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.modes import mode_pair
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh, on_host, put_everywhere
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.population.arrays import arrays_of, check_targets, count_of
from netspace_jax.population.data import (
    LossAndScore,
    Measure,
    PopulationData,
    Values,
    accuracy,
    cross_entropy,
    r2_score,
    squared_error,
)
from netspace_jax.population.network import State, Training, Untrained, supervised
from netspace_jax.population.result import Population
from netspace_jax.population.trainer import MakeOne, Trainer, compiler_options
from netspace_jax.rules import Count, Natural, faults

Optimizer = Callable[..., optax.GradientTransformation]
"""From hyperparameters by name to an optimizer, as `optax.adamw`."""

_NAMED = 10  # networks that a warning names
OnProgress = Callable[[int, int, float], None]
"""Called with networks·steps done since the last call, their total, and the latest mean loss."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How long and in what portions a population trains."""

    steps: Count = 1000
    """Steps of each network."""
    batch: Count = 64
    """Inputs of one step of one network; all that it has, where there are fewer."""
    chunk: Count = 256
    """Networks that train together, which bounds the memory."""
    devices: Natural = 0
    """Devices to spread networks over; 0 for all."""


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
      targets: of the inputs: labels [n], integers from 0 or texts, or floats [n, …].
      own_data: whether each network has inputs and targets of its own: [network, n, …], or lists of arrays of unequally
        many, of which each network is scored on those that it has.
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
    for name, fault in faults(options):
        raise InputError(f"options: {name} {fault}")
    common, own, classes, held_counts = arrays_of(inputs, targets, own_data, rows, held_out)
    values = {"learning_rate": 1e-3} if hyperparameters is None else hyperparameters
    values = {name: np.asarray(value, np.float32) for name, value in values.items()}
    count = count_of(networks, own, values, seeds)
    values = {name: np.array(np.broadcast_to(value, (count,))) for name, value in values.items()}
    seeds = np.arange(count) if seeds is None else np.asarray(seeds, np.int64)
    labels = np.issubdtype((common | own)["targets"].dtype, np.integer)
    usual_loss, usual_score = (cross_entropy, accuracy) if labels else (squared_error, r2_score)
    input_shape = (common | own)["held_inputs"].shape[2 if "held_inputs" in own else 1 :]
    behaviour = LossAndScore(input_shape, loss or usual_loss, score or (_negative(loss) if loss else usual_score))
    data, architecture = PopulationData(common, own, values, behaviour), _architecture(module, input_shape)
    if loss is None:
        for prefix in ("", "held_"):
            lead = 2 if f"{prefix}inputs" in own else 1
            check_targets((common | own)[f"{prefix}targets"], lead, _output_shape(architecture))
    found = _run(architecture, data, seeds, optimizer, options, on_progress)
    if held_counts is not None:
        found = dataclasses.replace(found, scores=_own_scores(found, own, held_counts, behaviour.score))
    _warn_of(found)
    return dataclasses.replace(found, classes=classes)


def _output_shape(architecture: Architecture) -> tuple[int, ...]:
    one = jax.ShapeDtypeStruct((1, *architecture.input_shape), architecture.input_dtype)
    flat = jax.ShapeDtypeStruct((architecture.size,), jnp.float32)
    return jax.eval_shape(architecture.apply, flat, one).shape[1:]


def _own_scores(
    found: Population, own: Mapping[str, np.ndarray], counts: Int[np.ndarray, "network"], score: Measure
) -> Float[np.ndarray, "network"]:
    """Score of each network on the inputs that it has, without those that are there again to fill up its rows."""
    apply = jax.jit(found.architecture.apply)
    rows = zip(found.parameters, own["held_inputs"], own["held_targets"], counts.tolist(), strict=True)
    scores = [score(apply(flat, x)[:count], jnp.asarray(y[:count])) for flat, x, y, count in rows]
    return np.asarray(jnp.stack(scores))


def _warn_of(found: Population) -> None:
    """Count and name the networks that have no score."""
    lost = np.flatnonzero(~np.isfinite(found.scores)).tolist()
    if lost:
        names = ", ".join(map(str, lost[:_NAMED])) + (", …" if len(lost) > _NAMED else "")
        logging.warning("%d of %d networks have no finite outputs, and NaN as score: %s", len(lost), len(found), names)


def _run(
    architecture: Architecture,
    data: PopulationData,
    seeds: Int[np.ndarray, "network"],
    optimizer: Optimizer,
    options: Options,
    on_progress: OnProgress,
) -> Population:
    """Train some networks at a time."""
    count, mesh, values = len(seeds), network_mesh(options.devices), data.hyperparameters
    trainer = Trainer(_make_training(optimizer, values, options.batch), mesh, options=compiler_options(architecture))
    shared, width, parts = put_everywhere(architecture, mesh), min(options.chunk, count), []
    for begin in range(0, count, width):
        size = min(width, count - begin)
        # The last ones fill their rows up, so that nothing is compiled for their number.
        rows = begin + np.arange(width) % size
        own, hyperparameters = jax.tree.map(lambda leaf, rows=rows: leaf[rows], (data.own, values))
        trained = trainer.train(
            _untrained(seeds[begin : begin + size], options.steps),
            shared,
            put_everywhere(dataclasses.replace(data, own=own, hyperparameters=hyperparameters), mesh),
            lambda done, loss: on_progress(done, count * options.steps, loss),
            width=width,
        )
        parts.append(jax.tree.map(lambda leaf, size=size: leaf[:size], on_host(trained)))
    flat, outcome = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    return Population(architecture, flat, seeds, values, outcome.loss, outcome.score_test, outcome.finite)


def _untrained(seeds: Int[np.ndarray, "network"], steps: int) -> Untrained:
    """Networks before they train, from seeds of 64 bits, of which JAX takes two halves."""
    halves = np.stack([seeds >> 32, seeds & 0xFFFFFFFF]).astype(np.uint32).view(np.int32)
    root, count = key_of(0, Purpose.MEMBER), len(seeds)
    keys = jax.vmap(lambda high, low: jax.random.fold_in(key_of(jax.random.fold_in(root, high), Purpose.MEMBER), low))
    own = keys(*halves)
    init_keys = jax.vmap(lambda key: key_of(key, Purpose.INIT))(own)
    return Untrained(own, init_keys, jnp.arange(count), jnp.full(count, steps))


def _make_training(optimizer: Optimizer, values: Mapping[str, np.ndarray], batch: int) -> MakeOne:
    """Supervised training with hyperparameters that are data.

    Raises:
      InputError: the optimizer takes no such hyperparameters.
    """
    try:
        injected = optax.inject_hyperparams(optimizer)(**{name: float(value[0]) for name, value in values.items()})
    except TypeError as error:
        raise InputError(f"hyperparameters {', '.join(values)} do not fit the optimizer: {error}") from error

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
    modes = mode_pair(module, shape)
    return Architecture(type(module).__name__, modes.module, shape, modes.trainee, modes.fold)
