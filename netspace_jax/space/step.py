"""One step of NetSpace's training, as pure functions of a state and data."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.config import NetSpaceConfig
from netspace_jax.dataset import Dataset, draw, one_task
from netspace_jax.ops.devices import AXIS, everywhere, over_inputs, over_networks
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.platform import lowering_of, on_cpu
from netspace_jax.ops.shuffle import shuffled
from netspace_jax.space.build import initial_params, layer_scales
from netspace_jax.space.loss import Group, Losses, loss_of_step, sample, sample_readings
from netspace_jax.space.modules import TaskEncoder
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.schedule import make_optimizer


@flax.struct.dataclass
class TrainState:
    """What training carries from step to step, and what a checkpoint holds."""

    params: PyTree
    optimizer: PyTree
    step: Int[Array, ""]


@flax.struct.dataclass
class TrainData:
    """Arrays that training reads, all on the device: arguments of the jitted step.

    Attributes:
      netspace: without parameters.
      groups: by architecture id, the networks to train on.
      teacher: the common teacher's architecture and flat parameters, or None where each network is its own.
      key: random key that everything in training is folded from.
    """

    dataset: Dataset
    netspace: NetSpace
    groups: dict[int, Group]
    teacher: tuple[Architecture, Float[Array, "teacher_size"]] | None
    key: PRNGKeyArray


class Planned(NamedTuple):
    """Rows of the networks of a step, by architecture id, and indices of its batch, where all networks share it."""

    rows: dict[int, Int[Array, "network"]]
    drawn: PyTree


class TrainingFunctions(NamedTuple):
    """Pure functions of NetSpace's training, jitted.

    Attributes:
      init: from data to the state before the first step.
      advance: from state, data and a number of steps to the state after them and the mean of their losses; last whether
        corrections are trained in them.
      reset_optimizer: the same state with an optimizer that remembers nothing, for the steps in which corrections are
        trained. Until then they had no gradients, and Adam would take its first steps with them far too large.
    """

    init: Callable[[TrainData], TrainState]
    advance: "Advance"
    reset_optimizer: Callable[[TrainState], TrainState]


def make_training(config: NetSpaceConfig, architecture_ids: tuple[int, ...], mesh: Mesh) -> TrainingFunctions:
    """Training of a NetSpace on networks of some of its architectures; the same one for another seed or other data.

    Args:
      mesh: devices that the networks of a step are spread over, and the inputs of each, as `netspace_mesh` makes it.

    Raises:
      ValueError: the networks do not divide by the mesh: devices would do the same work again.
    """
    per_architecture = config.networks // len(architecture_ids)
    if per_architecture % mesh.shape[AXIS]:
        raise ValueError(
            f"{per_architecture} networks of an architecture in a step do not divide by {mesh.shape[AXIS]} devices"
        )
    return _compiled(dataclasses.replace(config, seed=0), mesh)


@functools.lru_cache(maxsize=16)
def _compiled(config: NetSpaceConfig, mesh: Mesh) -> TrainingFunctions:
    steps, copies = functools.partial(train_steps, config=config, mesh=mesh), everywhere(mesh)
    counted = jax.jit(steps, donate_argnums=0, static_argnums=3, out_shardings=copies)
    static = jax.jit(steps, donate_argnums=0, static_argnums=(2, 3), out_shardings=copies)
    return TrainingFunctions(
        jax.jit(functools.partial(initial_state, config=config), out_shardings=copies),
        Advance(steps, counted, static, mesh, config.log_every),
        jax.jit(functools.partial(reset_optimizer, config=config), donate_argnums=0, out_shardings=copies),
    )


def initial_state(data: TrainData, config: NetSpaceConfig) -> TrainState:
    """The state before the first step."""
    params = initial_params(data.netspace, key_of(data.key, Purpose.INIT))
    return TrainState(params, make_optimizer(config).init(params), jnp.zeros((), jnp.int32))


def reset_optimizer(state: TrainState, config: NetSpaceConfig) -> TrainState:
    """The same state with the optimizer of the steps in which corrections are trained."""
    return dataclasses.replace(state, optimizer=make_optimizer(config, corrected=True).init(state.params))


def plan_step(data: TrainData, step: Int[Array, ""], config: NetSpaceConfig) -> Planned:
    """Networks and inputs of a step, before anything of them is fetched."""
    count = config.networks // len(data.groups)
    rows = {
        architecture_id: _rows(key_of(data.key, Purpose.ORDER, architecture_id), len(group.indices), step, count)
        for architecture_id, group in data.groups.items()
    }
    batches = key_of(data.key, Purpose.BATCHES)
    return Planned(rows, draw(data.dataset, batches, step, config.batch) if one_task(data.dataset) else step)


def train_step(
    state: TrainState, data: TrainData, planned: Planned, *, config: NetSpaceConfig, mesh: Mesh, corrected: bool
) -> tuple[TrainState, Losses]:
    """One step.

    Args:
      corrected: whether corrections of embeddings are trained.
    """
    netspace = data.netspace if corrected else dataclasses.replace(data.netspace, corrections=0)
    groups = {}
    for architecture_id, group in data.groups.items():
        rows = planned.rows[architecture_id]
        networks = Group(group.parameters[rows], group.indices[rows])
        if config.noise:
            key = key_of(data.key, Purpose.NOISE, architecture_id, state.step)
            networks = _disturb(key, networks, layer_scales(data.netspace, architecture_id), config.noise)
        groups[architecture_id] = jax.lax.with_sharding_constraint(networks, over_networks(mesh))
    key = key_of(data.key, Purpose.BATCHES)
    batches = sample(data.dataset, key, state.step, planned.drawn, tuple(groups.values()), config.batch)
    batches = jax.lax.with_sharding_constraint(batches, over_inputs(mesh, not one_task(data.dataset)))
    readings = {}
    if isinstance(netspace.encoder, TaskEncoder):
        reading_key = key_of(data.key, Purpose.READING)
        readings = {
            i: sample_readings(data.dataset, jax.random.fold_in(reading_key, i), state.step, group, config.pairs)
            for i, group in groups.items()
        }
        readings = jax.lax.with_sharding_constraint(readings, over_networks(mesh))
    teacher = data.teacher[0].bind(data.teacher[1]) if data.teacher is not None else None

    def loss(params):
        trained = dataclasses.replace(netspace, params=params)
        return loss_of_step(trained, data.dataset, groups, batches, config=config, teacher=teacher, readings=readings)

    gradient, losses = jax.grad(loss, has_aux=True)(state.params)
    updates, opt_state = make_optimizer(config, corrected).update(gradient, state.optimizer, state.params)
    return TrainState(optax.apply_updates(state.params, updates), opt_state, state.step + 1), losses


def train_steps(
    state: TrainState,
    data: TrainData,
    count: Int[Array, ""] | int,
    corrected: bool,
    *,
    config: NetSpaceConfig,
    mesh: Mesh,
) -> tuple[TrainState, Losses]:
    """The state after `count` steps, and the mean of their losses; a static count is planned as a whole."""

    def one(carry, planned):
        state, total = carry
        state, losses = train_step(state, data, planned, config=config, mesh=mesh, corrected=corrected)
        return (state, jax.tree.map(jnp.add, total, losses)), None

    def plan(step):
        return plan_step(data, step, config)

    zero = jnp.zeros(())
    carry = state, Losses(zero, zero, zero, zero)
    with lowering_of(mesh), jax.default_matmul_precision(config.matmul):
        if isinstance(count, int):
            planned = jax.vmap(plan)(state.step + jnp.arange(count))
            state, total = jax.lax.scan(one, carry, planned)[0]
        else:
            state, total = jax.lax.fori_loop(0, count, lambda _, carry: one(carry, plan(carry[0].step))[0], carry)
    return state, jax.tree.map(lambda value: value / count, total)


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


def _rows(key, total: int, step, count: int) -> Int[Array, "network"]:
    """The networks of a step: a pass goes once through all (but the last incomplete step), in a new order each pass."""
    pass_, batch = jnp.divmod(step, max(total // count, 1))
    position = (batch * count + jnp.arange(count)) % total
    return shuffled(jax.random.fold_in(key, pass_), position, total)


def _disturb(key, group: Group, unit, largest: float) -> Group:
    """Noise on half of the networks, of a size drawn for each; each stays its own teacher (docs/method.md, eq. 20)."""
    size_key, noise_key = jax.random.split(key)
    count, parameters = group.parameters[1::2].shape
    size = largest * jax.random.uniform(size_key, (count, 1))
    noise = size * unit[None] * jax.random.normal(noise_key, (count, parameters))
    return dataclasses.replace(group, parameters=group.parameters.at[1::2].add(noise))
