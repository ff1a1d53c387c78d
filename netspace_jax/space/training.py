"""NetSpace's training: a state, a pure step, and a loop that keeps input and output to its edges."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.config import NetSpaceConfig
from netspace_jax.ops.devices import everywhere, over_networks
from netspace_jax.ops.shuffle import shuffled
from netspace_jax.space.loss import Losses, Objective, Shown
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.task import Task

WARM_UP_STEPS = 100


@flax.struct.dataclass
class TrainState:
    """What training carries from step to step, and what a checkpoint holds."""

    params: PyTree
    optimizer: PyTree
    step: Int[Array, ""]


@flax.struct.dataclass
class TrainData:
    """What training reads: all on the device, passed to the jitted step.

    Attributes:
      members: for each shown architecture, its training networks and what they are about.
      deviation: for each shown architecture, the deviation of each parameter's layer, which scales noise.
      teacher: flat parameters of the common teacher, or None.
    """

    task: Task
    constants: Constants
    members: tuple[Shown, ...]
    deviation: tuple[Float[Array, "size"], ...]
    teacher: Float[Array, "teacher_size"] | None


class Training(NamedTuple):
    """Pure functions of NetSpace's training, jitted."""

    init: Callable[[TrainData], TrainState]
    advance: Callable[[TrainState, TrainData, int], tuple[TrainState, Losses]]


def learning_rate(config: NetSpaceConfig) -> optax.Schedule:
    """Adam's learning rate: constant as in the reference, or warmed up and then a cosine to a hundredth."""
    if config.schedule == "constant":
        return optax.constant_schedule(config.learning_rate)
    return optax.warmup_cosine_decay_schedule(0.0, config.learning_rate, min(WARM_UP_STEPS, config.steps - 1),
                                              config.steps, 0.01 * config.learning_rate)


def make_optimizer(config: NetSpaceConfig) -> optax.GradientTransformation:
    """Adam; with the cosine schedule the gradient's norm is clipped to 1, without which the larger rate diverges."""
    adam = optax.adam(learning_rate(config))
    return adam if config.schedule == "constant" else optax.chain(clip_by_norm(1.0), adam)


def clip_by_norm(largest: float) -> optax.GradientTransformation:
    """As `optax.clip_by_global_norm`, its norm by dot products, for which a CPU has vector instructions and threads.

    The sums that optax takes cost a fifth of a step of the preset `digits` there.
    """
    def update(updates: PyTree, state: optax.EmptyState, params: PyTree = None) -> tuple[PyTree, optax.EmptyState]:
        del params
        leaves = [leaf.reshape(-1) for leaf in jax.tree.leaves(updates)]
        norm = jnp.sqrt(sum(jnp.dot(leaf, leaf) for leaf in leaves))
        return jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, largest / (norm + 1e-12)), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)


def make_training(netspace: NetSpace, config: NetSpaceConfig, kinds: tuple[int, ...],
                  teacher: Architecture | None, mesh: Mesh) -> Training:
    """Training of NetSpace on networks of the architectures at positions `kinds`.

    Args:
      teacher: architecture of the common teacher, where there is one.
      mesh: devices that the networks of a step are spread over, where their number divides by the devices.
    """
    objective = Objective(netspace, config, kinds)
    optimizer = make_optimizer(config)
    each = config.networks // len(kinds)
    spread = over_networks(mesh) if each % mesh.size == 0 else everywhere(mesh)

    def init(data: TrainData) -> TrainState:
        params = netspace.init(jax.random.key(config.seed), data.task, data.constants)
        return TrainState(params, optimizer.init(params), jnp.zeros((), jnp.int32))

    def step(state: TrainState, data: TrainData) -> tuple[TrainState, Losses]:
        pick_key, noise_key, batch_key = jax.random.split(jax.random.fold_in(jax.random.key(config.seed), 1), 3)
        shown = []
        for kind, members, deviation in zip(kinds, data.members, data.deviation, strict=True):
            networks = _pick(jax.random.fold_in(pick_key, kind), members, state.step, each)
            if config.noise:
                key = jax.random.fold_in(jax.random.fold_in(noise_key, kind), state.step)
                networks = _disturb(key, networks, deviation, config.noise)
            shown.append(jax.lax.with_sharding_constraint(networks, spread))
        teach = None if teacher is None else lambda inputs: teacher.apply(data.teacher, inputs)
        gradient, losses = jax.grad(objective, has_aux=True)(
            state.params, data.constants, data.task, tuple(shown), batch_key, state.step, teach)
        updates, opt_state = optimizer.update(gradient, state.optimizer, state.params)
        return TrainState(optax.apply_updates(state.params, updates), opt_state, state.step + 1), losses

    def advance(state: TrainState, data: TrainData, count: Int[Array, ""] | int) -> tuple[TrainState, Losses]:
        """`count` steps and the mean of their losses."""
        def body(_, carry):
            state, total = carry
            state, losses = step(state, data)
            return state, jax.tree.map(jnp.add, total, losses)

        zero = jnp.zeros(())
        state, total = jax.lax.fori_loop(0, count, body, (state, Losses(zero, zero, zero, zero)))
        return state, jax.tree.map(lambda value: value / count, total)

    copies = everywhere(mesh)
    return Training(jax.jit(init, out_shardings=copies), jax.jit(advance, donate_argnums=0, out_shardings=copies))


def _pick(key, members: Shown, step, count: int) -> Shown:
    """The networks of a step: a pass goes once through all (but the last incomplete step), in a new order each pass."""
    total = len(members.items)
    pass_, batch = jnp.divmod(step, max(total // count, 1))
    position = (batch * count + jnp.arange(count)) % total
    chosen = shuffled(jax.random.fold_in(key, pass_), position, total)
    return Shown(members.flats[chosen], members.items[chosen])


def _disturb(key, networks: Shown, deviation, largest: float) -> Shown:
    """Noise on half of the networks, of a size drawn for each: they are networks too, and their own teachers."""
    size_key, noise_key = jax.random.split(key)
    count, parameters = networks.flats[1::2].shape
    size = largest * jax.random.uniform(size_key, (count, 1))
    noise = size * deviation[None] * jax.random.normal(noise_key, (count, parameters))
    return networks.replace(flats=networks.flats.at[1::2].add(noise))


@dataclasses.dataclass(frozen=True)
class Moment:
    """A point of training at which something is due."""

    step: int
    log: bool
    evaluate: bool


def moments(config: NetSpaceConfig, start: int, window: int = 0) -> Iterator[Moment]:
    """The steps after `start` at which to log or to evaluate, and every `window`-th, where that is given; the last step is both."""
    evaluate = {int(step) for step in np.rint(np.linspace(0, config.steps, config.evaluations + 1))[1:]}
    log = {*range(config.log_every, config.steps + 1, config.log_every), config.steps}
    windows = set(range(window, config.steps, window)) if window else set()
    for step in sorted(log | evaluate | windows):
        if step > start:
            yield Moment(step, step in log, step in evaluate)
