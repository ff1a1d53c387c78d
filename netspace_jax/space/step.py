"""One step of NetSpace's training, as pure functions of a state and data."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding
from jaxtyping import Array, Float, Int, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Dataset, draw, one_task
from netspace_jax.config import NetSpaceConfig
from netspace_jax.ops.clip import clip_by_norm
from netspace_jax.ops.devices import AXIS, everywhere, over_inputs, over_networks
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.platform import lowering_of, on_cpu
from netspace_jax.ops.shuffle import shuffled
from netspace_jax.space.build import initial_params, layer_scales
from netspace_jax.space.loss import Group, Losses, loss_of_step, sample
from netspace_jax.space.netspace import NetSpace

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


class Planned(NamedTuple):
    """What a step takes: rows of networks by architecture id, and what its batch is made of, where all share it."""

    rows: dict[int, Int[Array, "network"]]
    drawn: PyTree


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
      mesh: devices that the networks of a step are spread over, and the inputs of each, as `netspace_mesh` makes it.

    Raises:
      ValueError: the networks do not divide by the mesh: devices would do the same work again.
    """
    optimizers = {corrected: make_optimizer(config, corrected) for corrected in (False, True)}
    each = config.networks // len(architecture_ids)
    if each % mesh.shape[AXIS]:
        raise ValueError(f"{each} networks of an architecture in a step do not divide by {mesh.shape[AXIS]} devices")
    spread = over_networks(mesh)

    def init(data: TrainData) -> TrainState:
        params = initial_params(data.netspace, key_of(config.seed, Purpose.INIT))
        return TrainState(params, optimizers[False].init(params), jnp.zeros((), jnp.int32))

    def anew(state: TrainState) -> TrainState:
        return dataclasses.replace(state, optimizer=optimizers[True].init(state.params))

    def plan(data: TrainData, step: Int[Array, ""]) -> Planned:
        rows = {
            which: _rows(key_of(config.seed, Purpose.ORDER, which), len(group.members), step, each)
            for which, group in data.groups.items()
        }
        batches = key_of(config.seed, Purpose.BATCHES)
        return Planned(rows, draw(data.dataset, batches, step, config.batch) if one_task(data.dataset) else step)

    def step(state: TrainState, data: TrainData, planned: Planned, corrected: bool) -> tuple[TrainState, Losses]:
        netspace = data.netspace if corrected else dataclasses.replace(data.netspace, corrections=0)
        groups = {}
        for which, group in data.groups.items():
            rows = planned.rows[which]
            networks = Group(group.flats[rows], group.members[rows])
            if config.noise:
                key = key_of(config.seed, Purpose.NOISE, which, state.step)
                networks = _disturb(key, networks, layer_scales(data.netspace, which), config.noise)
            groups[which] = jax.lax.with_sharding_constraint(networks, spread)
        key = key_of(config.seed, Purpose.BATCHES)
        batches = sample(data.dataset, key, state.step, planned.drawn, tuple(groups.values()), config.batch)
        batches = jax.lax.with_sharding_constraint(batches, over_inputs(mesh, not one_task(data.dataset)))

        common = None
        if teacher is not None and data.teacher is not None:
            common = functools.partial(teacher.apply, data.teacher)

        def loss(params):
            return loss_of_step(
                dataclasses.replace(netspace, params=params),
                data.dataset,
                groups,
                batches,
                config=config,
                teacher=common,
            )

        gradient, losses = jax.grad(loss, has_aux=True)(state.params)
        updates, opt_state = optimizers[corrected].update(gradient, state.optimizer, state.params)
        return TrainState(optax.apply_updates(state.params, updates), opt_state, state.step + 1), losses

    def advance(
        state: TrainState, data: TrainData, count: Int[Array, ""] | int, corrected: bool
    ) -> tuple[TrainState, Losses]:
        def one(carry, planned):
            state, total = carry
            state, losses = step(state, data, planned, corrected)
            return (state, jax.tree.map(jnp.add, total, losses)), None

        zero = jnp.zeros(())
        carry = state, Losses(zero, zero, zero, zero)
        with lowering_of(mesh), jax.default_matmul_precision(config.matmul):
            if isinstance(count, int):  # static: what all steps take is known before the first
                planned = jax.vmap(lambda number: plan(data, number))(state.step + jnp.arange(count))
                state, total = jax.lax.scan(one, carry, planned)[0]
            else:
                state, total = jax.lax.fori_loop(
                    0, count, lambda _, carry: one(carry, plan(data, carry[0].step))[0], carry
                )
        return state, jax.tree.map(lambda value: value / count, total)

    copies = everywhere(mesh)
    return Training(
        jax.jit(init, out_shardings=copies),
        _by_lengths(advance, mesh, config.log_every, copies),
        jax.jit(anew, donate_argnums=0, out_shardings=copies),
    )


@dataclasses.dataclass(frozen=True)
class Advance:
    """Steps of training, jitted.

    On a CPU one program of any number of them; on an accelerator, whose loops have to have a length that is known, one
    of `length` steps and one of one.

    Attributes:
      steps: the function itself.
      counted: of a number of steps that is known when it runs.
      static: of a number that is known when it is compiled.
    """

    steps: Callable[..., tuple[TrainState, Losses]]
    counted: Any
    static: Any
    mesh: Mesh
    length: int

    def __call__(self, state: TrainState, data: TrainData, count: int, corrected: bool) -> tuple[TrainState, Losses]:
        """The state after `count` steps, and the mean of their losses."""
        with lowering_of(self.mesh):
            if on_cpu():
                return self.counted(state, data, count, corrected)
            sums, left = [], count
            while left:
                steps = self.length if left >= self.length else 1
                state, losses = self.static(state, data, steps, corrected)
                sums.append(jax.tree.map(lambda value, steps=steps: value * (steps / count), losses))
                left -= steps
            return state, jax.tree.map(lambda *parts: sum(parts), *sums)


def _by_lengths(
    steps: Callable[..., tuple[TrainState, Losses]], mesh: Mesh, length: int, copies: NamedSharding
) -> Advance:
    counted = jax.jit(steps, donate_argnums=0, static_argnums=3, out_shardings=copies)
    static = jax.jit(steps, donate_argnums=0, static_argnums=(2, 3), out_shardings=copies)
    return Advance(steps, counted, static, mesh, length)


def _rows(key, total: int, step, count: int) -> Int[Array, "network"]:
    """The networks of a step: a pass goes once through all (but the last incomplete step), in a new order each pass."""
    pass_, batch = jnp.divmod(step, max(total // count, 1))
    position = (batch * count + jnp.arange(count)) % total
    return shuffled(jax.random.fold_in(key, pass_), position, total)


def _disturb(key, group: Group, unit, largest: float) -> Group:
    """Noise on half of the networks, of a size drawn for each; each stays its own teacher (docs/method.md, eq. 20)."""
    size_key, noise_key = jax.random.split(key)
    count, parameters = group.flats[1::2].shape
    size = largest * jax.random.uniform(size_key, (count, 1))
    noise = size * unit[None] * jax.random.normal(noise_key, (count, parameters))
    return dataclasses.replace(group, flats=group.flats.at[1::2].add(noise))
