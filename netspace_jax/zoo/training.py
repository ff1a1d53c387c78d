"""How ONE network trains: pure functions, mapped over a population by `netspace_jax.zoo.population`."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, Protocol

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Dataset, as_supervised, draw, evaluation_key, take
from netspace_jax.config import ZooConfig
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.zoo.plan import architecture_key


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
    """One network in training; `kept` are the best parameters so far, where there are validation checks."""

    key: PRNGKeyArray
    member: Int[Array, ""]
    stop: Int[Array, ""]
    variables: PyTree
    optimizer: PyTree
    loss: Float[Array, ""]
    kept: PyTree
    kept_score: Float[Array, ""]


class Advance(Protocol):
    """See `Training`."""

    def __call__(
        self, state: State, dataset: Dataset, begin: Int[Array, ""], end: Int[Array, ""], length: int = 0
    ) -> State:
        """The state after the steps from `begin` to `end`."""
        ...


class Training(NamedTuple):
    """Pure functions that train ONE network; the dataset is data, so it is an argument.

    Attributes:
      start: from a member's key, its index and its stopping step to its state.
      advance: from state, dataset, first and last step (excluded) to the state after them, or after its own stop. With
        a length, which is static, that many steps are computed, and those after the last change nothing: a loop that no
        host need steer.
      validate: keeps the parameters if they are the best so far on validation inputs.
      finish: what enters the zoo.
    """

    start: Callable[[PRNGKeyArray, Int[Array, ""], Int[Array, ""]], State]
    advance: Advance
    validate: Callable[[State, Dataset], State]
    finish: Callable[[State, Dataset], Trained]


MakeTraining = Callable[[Architecture, ZooConfig], Training]


def make_optimizer(config: ZooConfig) -> optax.GradientTransformation:
    """Adam or SGD with momentum, the learning rate cut at shares of the steps or falling along a cosine."""
    if config.schedule == "cosine":
        rate = optax.cosine_decay_schedule(config.learning_rate, config.steps, 0.01)
    else:
        factors: dict[int, float] = {}
        for share in config.decay_at:  # two shares may round to one step
            step = round(share * config.steps)
            factors[step] = factors.get(step, 1.0) * config.decay
        rate = optax.piecewise_constant_schedule(config.learning_rate, factors)
    plain = optax.adam(rate) if config.optimizer == "adam" else optax.sgd(rate, momentum=0.9)
    return optax.chain(optax.add_decayed_weights(config.weight_decay), plain) if config.weight_decay else plain


def supervised(
    architecture: Architecture,
    config: ZooConfig,
    precision: str = "float32",
    optimizer: optax.GradientTransformation | None = None,
) -> Training:
    """Training on labelled batches (arXiv 2206.05194; docs/method.md, Zoos, for the recipes of the paper's presets).

    Args:
      precision: number format of activations and products; parameters, statistics and losses stay float32.
      optimizer: by default that of the configuration.
    """
    optimizer = optimizer or make_optimizer(config)

    def rounded(tree: PyTree) -> PyTree:
        return jax.tree.map(lambda x: x.astype(precision) if jnp.issubdtype(x.dtype, jnp.floating) else x, tree)

    def start(key: PRNGKeyArray, member: Int[Array, ""], stop: Int[Array, ""]) -> State:
        shared = key_of(architecture_key(config, architecture.name), Purpose.SHARED_INIT)
        variables = architecture.init(shared if config.shared_init else key_of(key, Purpose.INIT))
        kept = variables if config.validations else ()
        # Typed, since a weakly typed state would come back from the first call as another type and be compiled again.
        nothing, worst = jnp.full((), jnp.nan, jnp.float32), jnp.full((), -jnp.inf, jnp.float32)
        return State(key, member, stop, variables, optimizer.init(variables["params"]), nothing, kept, worst)

    def drawn(index: Int[Array, ""], state: State, dataset: Dataset) -> PyTree:
        return draw(dataset.of(state.member), key_of(state.key, Purpose.BATCHES), index, config.batch)

    def step(index: Int[Array, ""], state: State, dataset: Dataset, found: PyTree) -> State:
        batch = take(dataset.of(state.member), key_of(state.key, Purpose.BATCHES), found, config.batch)
        extras = {name: value for name, value in state.variables.items() if name != "params"}
        dropout = key_of(state.key, Purpose.DROPOUT, index)

        def loss(params):
            outputs, new_extras = architecture.train_apply(rounded(params), extras, rounded(batch.inputs), dropout)
            return as_supervised(dataset.behaviour).fit_loss(outputs.astype(jnp.float32), batch.targets), new_extras

        (value, extras), gradient = jax.value_and_grad(loss, has_aux=True)(state.variables["params"])
        updates, opt_state = optimizer.update(gradient, state.optimizer, state.variables["params"])
        variables = {"params": optax.apply_updates(state.variables["params"], updates), **extras}
        return dataclasses.replace(state, variables=variables, optimizer=opt_state, loss=value)

    def advance(state: State, dataset: Dataset, begin: Int[Array, ""], end: Int[Array, ""], length: int = 0) -> State:
        last = jnp.minimum(end, state.stop)

        def only(index: Int[Array, ""], state: State) -> State:
            return step(index, state, dataset, drawn(index, state, dataset))

        def one_of(state: State, now: tuple[Int[Array, ""], PyTree]) -> tuple[State, None]:
            after = step(now[0], state, dataset, now[1])
            changed = {
                name: jax.tree.map(lambda new, old: jnp.where(now[0] < last, new, old), getattr(after, name), old)
                for name, old in (("variables", state.variables), ("optimizer", state.optimizer), ("loss", state.loss))
            }
            return dataclasses.replace(state, **changed), None

        if not length:
            return jax.lax.fori_loop(begin, last, only, state)
        steps = begin + jnp.arange(length)
        return jax.lax.scan(one_of, state, (steps, jax.vmap(lambda index: drawn(index, state, dataset))(steps)))[0]

    def validate(state: State, dataset: Dataset) -> State:
        network = architecture.bind(architecture.finish(state.variables))
        score = dataset.of(state.member).score(network, evaluation_key(state.member), "validation")
        better = score > state.kept_score
        kept = jax.tree.map(lambda a, b: jnp.where(better, a, b), state.variables, state.kept)
        return dataclasses.replace(state, kept=kept, kept_score=jnp.where(better, score, state.kept_score))

    def finish(state: State, dataset: Dataset) -> Trained:
        flat = architecture.finish(state.kept if config.validations else state.variables)
        data, key = dataset.of(state.member), evaluation_key(state.member)
        scores = (data.score(architecture.bind(flat), key, split) for split in ("validation", "test"))
        return Trained(flat, Outcome(state.loss, jnp.isfinite(flat).all(), *scores))

    return Training(start, advance, validate, finish)
