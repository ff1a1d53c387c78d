"""One step of NetSpace's training, as pure functions of a state and data."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.config import NetSpaceConfig
from netspace_jax.ops.clip import clip_by_norm
from netspace_jax.ops.devices import everywhere, over_networks
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.shuffle import shuffled
from netspace_jax.space.build import initial_params, layer_scales
from netspace_jax.space.loss import Group, Losses, loss_of_step
from netspace_jax.space.netspace import NetSpace
from netspace_jax.task import Dataset

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
      netspace: without parameters.
      groups: by architecture id, the networks to train on.
      teacher: flat parameters of the common teacher, or None.
    """

    dataset: Dataset
    netspace: NetSpace
    groups: dict[int, Group]
    teacher: Float[Array, "teacher_size"] | None


class Training(NamedTuple):
    """Pure functions of NetSpace's training, jitted.

    Attributes:
      init: from data to the state before the first step.
      advance: from state, data and a number of steps to the state after them and the mean of their losses; last whether
        corrections are trained in them.
      anew: the same state with an optimizer that remembers nothing, for the steps in which corrections are trained.
        Until then they had no gradients, and Adam would take its first steps with them far too large.
    """

    init: Callable[[TrainData], TrainState]
    advance: Callable[[TrainState, TrainData, int, bool], tuple[TrainState, Losses]]
    anew: Callable[[TrainState], TrainState]


def learning_rate(config: NetSpaceConfig, corrected: bool = False) -> optax.Schedule:
    """Adam's learning rate: constant as in the paper, or warmed up and then a cosine to a hundredth.

    The steps in which corrections are trained are counted anew, and begin at half of the rate.
    """
    if config.schedule == "constant":
        return optax.constant_schedule(config.learning_rate)
    begins = correction_begins(config)
    if corrected:
        return _warm_cosine(config.learning_rate / 2, config.steps - begins)
    return _warm_cosine(config.learning_rate, begins)


def correction_begins(config: NetSpaceConfig) -> int:
    """The step from which corrections are trained; the last where there are none."""
    if not config.corrections:
        return config.steps
    return min(round(config.steps * (1 - config.correct_share)), config.steps - 1)


def _warm_cosine(rate: float, steps: int) -> optax.Schedule:
    warm_up = min(WARM_UP_STEPS, steps // 2)
    first = rate / max(warm_up, 1)  # not 0, which would waste a step
    return optax.warmup_cosine_decay_schedule(first, rate, warm_up, max(steps, 1), 0.01 * rate)


def make_optimizer(config: NetSpaceConfig, corrected: bool = False) -> optax.GradientTransformation:
    """Adam; with the cosine schedule the gradient's norm is clipped to 1, without which the larger rate diverges."""
    adam = optax.adam(learning_rate(config, corrected))
    return adam if config.schedule == "constant" else optax.chain(clip_by_norm(1.0), adam)


def make_training(
    config: NetSpaceConfig, architecture_ids: tuple[int, ...], teacher: Architecture | None, mesh: Mesh
) -> Training:
    """Training of a NetSpace on networks of some of its architectures.

    Args:
      teacher: architecture of the common teacher, where there is one.
      mesh: devices that the networks of a step are spread over, where their number divides by the devices.
    """
    optimizers = {corrected: make_optimizer(config, corrected) for corrected in (False, True)}
    each = config.networks // len(architecture_ids)
    spread = over_networks(mesh) if each % mesh.size == 0 else everywhere(mesh)

    def init(data: TrainData) -> TrainState:
        params = initial_params(data.netspace, key_of(config.seed, Purpose.INIT))
        return TrainState(params, optimizers[False].init(params), jnp.zeros((), jnp.int32))

    def anew(state: TrainState) -> TrainState:
        return dataclasses.replace(state, optimizer=optimizers[True].init(state.params))

    def step(state: TrainState, data: TrainData, corrected: bool) -> tuple[TrainState, Losses]:
        netspace = data.netspace if corrected else dataclasses.replace(data.netspace, corrections=0)
        groups = {}
        for which, group in data.groups.items():
            networks = _pick(key_of(config.seed, Purpose.ORDER, which), group, state.step, each)
            if config.noise:
                key = key_of(config.seed, Purpose.NOISE, which, state.step)
                networks = _disturb(key, networks, layer_scales(data.netspace, which), config.noise)
            groups[which] = jax.lax.with_sharding_constraint(networks, spread)

        common = None
        if teacher is not None and data.teacher is not None:
            common = functools.partial(teacher.apply, data.teacher)

        def loss(params):
            return loss_of_step(
                dataclasses.replace(netspace, params=params),
                data.dataset,
                groups,
                config=config,
                key=key_of(config.seed, Purpose.BATCHES),
                step=state.step,
                teacher=common,
            )

        gradient, losses = jax.grad(loss, has_aux=True)(state.params)
        updates, opt_state = optimizers[corrected].update(gradient, state.optimizer, state.params)
        return TrainState(optax.apply_updates(state.params, updates), opt_state, state.step + 1), losses

    def advance(
        state: TrainState, data: TrainData, count: Int[Array, ""] | int, corrected: bool
    ) -> tuple[TrainState, Losses]:
        def body(_, carry):
            state, total = carry
            state, losses = step(state, data, corrected)
            return state, jax.tree.map(jnp.add, total, losses)

        zero = jnp.zeros(())
        state, total = jax.lax.fori_loop(0, count, body, (state, Losses(zero, zero, zero, zero)))
        return state, jax.tree.map(lambda value: value / count, total)

    copies = everywhere(mesh)
    return Training(
        jax.jit(init, out_shardings=copies),
        jax.jit(advance, donate_argnums=0, static_argnums=3, out_shardings=copies),
        jax.jit(anew, out_shardings=copies),
    )


def _pick(key, group: Group, step, count: int) -> Group:
    """The networks of a step: a pass goes once through all (but the last incomplete step), in a new order each pass."""
    total = len(group.members)
    pass_, batch = jnp.divmod(step, max(total // count, 1))
    position = (batch * count + jnp.arange(count)) % total
    chosen = shuffled(jax.random.fold_in(key, pass_), position, total)
    return Group(group.flats[chosen], group.members[chosen])


def _disturb(key, group: Group, unit, largest: float) -> Group:
    """Noise on half of the networks, of a size drawn for each; each stays its own teacher (docs/method.md, eq. 20)."""
    size_key, noise_key = jax.random.split(key)
    count, parameters = group.flats[1::2].shape
    size = largest * jax.random.uniform(size_key, (count, 1))
    noise = size * unit[None] * jax.random.normal(noise_key, (count, parameters))
    return dataclasses.replace(group, flats=group.flats.at[1::2].add(noise))
