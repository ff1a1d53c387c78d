"""How ONE network trains: pure functions, which `netspace_jax.population.trainer` maps over many."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import as_supervised
from netspace_jax.dataset import Dataset, draw, evaluation_key, take
from netspace_jax.ops.keys import Purpose, key_of


@flax.struct.dataclass
class Untrained:
    """A network before it trains, or with a leading axis several.

    Attributes:
      key: of what it draws while it trains, as its batches.
      init_key: of its initial parameters, which networks may have in common.
      member: its index, by which the data says what it learns from.
      stop: steps that it trains for.
    """

    key: Key[Array, "*network"]
    init_key: Key[Array, "*network"]
    member: Int[Array, "*network"]
    stop: Int[Array, "*network"]


@flax.struct.dataclass
class Outcome:
    """What is known of a network when its training ends.

    Attributes:
      score_validation, score_test: by the metric of its behaviour.
      columns: other numbers by name, which a table of networks has a column for.
    """

    loss: Float[Array, ""]
    finite: Bool[Array, ""]
    score_validation: Float[Array, ""]
    score_test: Float[Array, ""]
    columns: dict[str, Float[Array, ""]] = dataclasses.field(default_factory=dict)


class Trained(NamedTuple):
    """What training leaves of a network: its flat parameters, and what is known of it."""

    flat: Float[Array, "size"]
    outcome: Outcome


@flax.struct.dataclass
class State:
    """One network in training; `kept` are the best parameters so far, where there are validation checks."""

    key: PRNGKeyArray
    member: Int[Array, ""]
    stop: Int[Array, ""]
    variables: PyTree
    optimizer: PyTree
    loss: Float[Array, ""]
    kept: PyTree
    kept_score: Float[Array, ""]


class Training(NamedTuple):
    """Pure functions that train ONE network; the dataset is data, so it is an argument.

    Attributes:
      start: from a network before it trains to its state.
      advance: from state, dataset, first and last step (excluded) to the state after them, or after its own stop. With
        a length, which is static, that many steps are computed, and those after the last change nothing: a loop that no
        host need steer.
      validate: keeps the parameters if they are the best so far on validation inputs.
      finish: what is left of it when its training ends.
    """

    start: Callable[[Untrained, Dataset], State]
    advance: Callable[..., State]
    validate: Callable[[State, Dataset], State]
    finish: Callable[[State, Dataset], Trained]


def supervised(
    architecture: Architecture,
    optimizer: optax.GradientTransformation,
    *,
    batch: int,
    keep_best: bool = False,
    precision: str = "float32",
) -> Training:
    """Training on labelled batches (arXiv 2206.05194; docs/method.md, Zoos).

    Args:
      keep_best: whether the best parameters at a validation check are kept, or the last.
      precision: number format of activations and products; parameters, statistics and losses stay float32.
    """

    def rounded(tree: PyTree) -> PyTree:
        return jax.tree.map(lambda x: x.astype(precision) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)

    def start(untrained: Untrained, dataset: Dataset) -> State:
        del dataset
        variables = architecture.init(untrained.init_key)
        kept = variables if keep_best else ()
        # Typed, since a weakly typed state would come back from the first call as another type and be compiled again.
        nothing, worst = jnp.full((), jnp.nan, jnp.float32), jnp.full((), -jnp.inf, jnp.float32)
        state = optimizer.init(variables["params"])
        return State(untrained.key, untrained.member, untrained.stop, variables, state, nothing, kept, worst)

    def drawn(index: Int[Array, ""], state: State, dataset: Dataset) -> PyTree:
        return draw(dataset.of(state.member), key_of(state.key, Purpose.BATCHES), index, batch)

    def step(index: Int[Array, ""], state: State, dataset: Dataset, rows: PyTree) -> State:
        inputs, targets = take(dataset.of(state.member), key_of(state.key, Purpose.BATCHES), rows, batch)
        extras = {name: value for name, value in state.variables.items() if name != "params"}
        dropout = key_of(state.key, Purpose.DROPOUT, index)

        def loss(params):
            outputs, new_extras = architecture.train_apply(rounded(params), extras, rounded(inputs), dropout)
            return as_supervised(dataset.behaviour).fit_loss(outputs.astype(jnp.float32), targets), new_extras

        (value, extras), gradient = jax.value_and_grad(loss, has_aux=True)(state.variables["params"])
        updates, opt_state = optimizer.update(gradient, state.optimizer, state.variables["params"])
        variables = {"params": optax.apply_updates(state.variables["params"], updates), **extras}
        return dataclasses.replace(state, variables=variables, optimizer=opt_state, loss=value)

    def validate(state: State, dataset: Dataset) -> State:
        network = architecture.bind(architecture.finish(state.variables))
        score = dataset.of(state.member).score(network, evaluation_key(state.member), "validation")
        better = score > state.kept_score
        kept = jax.tree.map(lambda a, b: jnp.where(better, a, b), state.variables, state.kept)
        return dataclasses.replace(state, kept=kept, kept_score=jnp.where(better, score, state.kept_score))

    def finish(state: State, dataset: Dataset) -> Trained:
        flat = architecture.finish(state.kept if keep_best else state.variables)
        data, key = dataset.of(state.member), evaluation_key(state.member)
        validation, test = (data.score(architecture.bind(flat), key, split) for split in ("validation", "test"))
        return Trained(flat, Outcome(state.loss, jnp.isfinite(flat).all(), validation, test))

    return Training(start, by_steps(step, drawn), validate, finish)


def by_steps(step: Callable[..., State], drawn: Callable[..., PyTree]) -> Callable[..., State]:
    """The `advance` of a `Training` whose steps follow one another.

    Args:
      step: from a step's number, state, dataset and what was drawn for it to the state after it.
      drawn: from a step's number, state and dataset to what the step draws, so that a loop of static length draws for
        all of its steps before the first.
    """

    def advance(state: State, dataset: Dataset, begin: Int[Array, ""], end: Int[Array, ""], length: int = 0) -> State:
        last = jnp.minimum(end, state.stop)

        def one(index: Int[Array, ""], state: State) -> State:
            return step(index, state, dataset, drawn(index, state, dataset))

        def one_or_none(state: State, now: tuple[Int[Array, ""], PyTree]) -> tuple[State, None]:
            def chosen(new: Array, old: Array) -> Array:
                return old if new is old else jnp.where(now[0] < last, new, old)

            return jax.tree.map(chosen, step(now[0], state, dataset, now[1]), state), None

        if not length:
            return jax.lax.fori_loop(begin, last, one, state)
        steps = begin + jnp.arange(length)
        return jax.lax.scan(one_or_none, state, (steps, jax.vmap(lambda index: drawn(index, state, dataset))(steps)))[0]

    return advance
