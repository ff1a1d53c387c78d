"""From values to a value: a space out of networks, in memory; `netspace_jax.jobs` adds directories and reports."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour
from netspace_jax.checks import check_space
from netspace_jax.config import NetSpaceConfig, fitting_prep
from netspace_jax.dataset import Dataset
from netspace_jax.errors import InputError
from netspace_jax.metrics.selection import selection_metric
from netspace_jax.ops.devices import netspace_mesh
from netspace_jax.space.build import Modules, make_constants, make_netspace
from netspace_jax.space.groups import groups_of
from netspace_jax.space.loop import (
    MemoryStore,
    OnMetrics,
    OnProgress,
    Progress,
    Select,
    Store,
    Windows,
    as_space,
    train_netspace,
)
from netspace_jax.space.loss import Group
from netspace_jax.space.space import Space
from netspace_jax.space.step import TrainData
from netspace_jax.zoo import Networks, Zoo


class Teacher(NamedTuple):
    """One network that teaches all others: its architecture and its flat parameters."""

    architecture: Architecture
    flat: Float[Array, "size"]


def fit_space(
    networks: Zoo | Mapping[str, Any],
    behaviour: Behaviour,
    data: Dataset,
    config: NetSpaceConfig = NetSpaceConfig(),
    key: PRNGKeyArray | int | None = None,
    *,
    validation: Mapping[str, Any] | None = None,
    teacher: Teacher | None = None,
    encoder: nn.Module | None = None,
    decoder: nn.Module | None = None,
    head: nn.Module | None = None,
    callback: OnMetrics = lambda step, metrics: None,
    devices: int = 0,
) -> Space:
    """Learn a space of networks, in memory (arXiv 2206.05194; docs/method.md, Objectives).

    Args:
      networks: a zoo, whose training and validation members are taken; or by name of the architecture, in the order
        that they have in the space, its networks: flat parameters [network, size], a pytree of parameters stacked along
        a first axis, or a list of networks in any form that `netspace_jax.exchange.load_network` takes. The n-th
        network of an architecture learned the n-th task of `data`, where each has its own.
      behaviour: how two networks are compared; usually `data.behaviour`.
      data: on which they are.
      config: how the space is trained. A PRep that is too small for the networks grows.
      key: random key or seed; by default that of the configuration.
      validation: networks that choose the checkpoint, given like `networks`; by default every eighth of these.
      teacher: of `config.teaching == "common"`.
      encoder: Flax module from an `Observation` to an embedding, in place of the configuration's.
      decoder: Flax module from an embedding, `scale`, `shift` (of shape `config.prep`), architecture's id to a PRep.
      head: Flax module from an embedding to a logit for each architecture.
      callback: told of the metrics of every `config.log_every`-th step and of validation checks.
      devices: to spread networks over; 0 for what suits the machine.

    Raises:
      InputError: networks do not fit their architecture or are too few; the configuration cannot be.
    """
    seed, modules, store = config.seed if key is None else key, Modules(encoder, decoder, head), MemoryStore(callback)
    root = jax.random.key(seed) if isinstance(seed, int) else seed
    if isinstance(networks, Zoo):
        return fit_from_zoo(
            networks, behaviour, data, config=config, key=root, store=store, devices=devices, teacher=teacher,
            modules=modules,
        )[0]  # fmt: skip
    built = tuple(behaviour.architecture(name) for name in networks)
    groups, held = groups_of(built, networks, validation)
    return fit_groups(
        groups,
        built,
        behaviour,
        data,
        config=config,
        key=root,
        teacher=teacher,
        modules=modules,
        select=selection_metric(data, held, config),
        validation=held,
        mesh=netspace_mesh(devices, config.networks // len(groups), config.batch),
        store=store,
    )[0]


def fit_from_zoo(
    zoo: Zoo,
    behaviour: Behaviour,
    data: Dataset,
    *,
    config: NetSpaceConfig,
    key: PRNGKeyArray,
    store: Store,
    devices: int = 0,
    architectures: Sequence[str] = (),
    teacher: Teacher | None = None,
    modules: Modules = Modules(),
    select: Select | None = None,
    on_progress: OnProgress = lambda step, steps, loss: None,
) -> tuple[Space, Progress]:
    """Train a space on the training members of a zoo, or go on with a training that was interrupted.

    Args:
      architectures: their order in the space; by default that of the zoo.
      select: by default the configuration's metric on the zoo's validation members.

    Raises:
      InputError: the configuration cannot be, or the zoo lacks what it needs.
    """
    names = tuple(architectures) or taught_architectures(zoo)
    ids = config.trains_on(names)

    def window(number: int) -> dict[int, Group]:
        return {i: as_group(training_networks(config, zoo, names[i], number)) for i in ids}

    held_out = {i: as_group(zoo.networks(names[i], "validation")) for i in ids}
    if select is None:
        select = selection_metric(data, held_out, config)
    if teacher is None and config.teaching == "common":
        teacher = teacher_of(zoo, behaviour)
    return fit_groups(
        window(0),
        [behaviour.architecture(name) for name in names],
        behaviour,
        data,
        config=config,
        key=key,
        teacher=teacher,
        modules=modules,
        select=select,
        validation=held_out,
        mesh=netspace_mesh(devices, config.networks // len(ids), config.batch),
        store=store,
        windows=window if config.resident else None,
        on_progress=on_progress,
    )


def fit_groups(
    groups: Mapping[int, Group],
    architectures: Sequence[Architecture],
    behaviour: Behaviour,
    data: Dataset,
    *,
    config: NetSpaceConfig,
    key: PRNGKeyArray,
    teacher: Teacher | None = None,
    modules: Modules = Modules(),
    select: Select,
    validation: Mapping[int, Group],
    mesh: Mesh,
    store: Store,
    windows: Windows | None = None,
    on_progress: OnProgress = lambda step, steps, loss: None,
) -> tuple[Space, Progress]:
    """Train a space on groups of networks by architecture id, or go on with a training that was interrupted.

    Args:
      validation: by architecture id, networks that do not train, by which adaptation is calibrated.
      windows: gives the networks of later windows, where `groups` are the first of a zoo that is read in windows.
      store: keeps what to go on from, the best so far and the metrics.

    Raises:
      InputError: the configuration cannot be.
    """
    config = fitting_prep(config, max(architecture.size for architecture in architectures))
    check_space(config, {architecture.name: architecture.size for architecture in architectures}, teacher is not None)
    empty = [np.zeros((0, architecture.size), np.float32) for architecture in architectures]
    members = tuple(
        np.asarray(groups[number].parameters) if number in groups else empty[number] for number in range(len(empty))
    )
    constants = make_constants(config, tuple(architectures), data, members, key)
    netspace = make_netspace(config, tuple(architectures), behaviour, constants, modules)
    common = (teacher.architecture, teacher.flat) if teacher is not None else None
    best, progress = train_netspace(
        TrainData(data, netspace, dict(groups), common, key),
        config,
        select=select,
        mesh=mesh,
        store=store,
        windows=windows,
        on_progress=on_progress,
    )
    return as_space(best, groups, data, validation), progress


def as_group(networks: Networks) -> Group:
    """Members of a zoo on the device."""
    return Group(jnp.asarray(networks.parameters), jnp.asarray(networks.indices))


def training_networks(config: NetSpaceConfig, zoo: Zoo, architecture: str, window: int = 0) -> Networks:
    """The members that train the space: the training split, its first members, or one window of it."""
    if config.resident:
        return zoo.window(architecture, "train", config.resident, window, config.seed)
    return zoo.networks(architecture, "train").first(config.train_members)


def teacher_of(zoo: Zoo, behaviour: Behaviour) -> Teacher:
    """The network of a zoo that teaches all others.

    Raises:
      InputError: there is none.
    """
    names = set(zoo.architectures) - set(taught_architectures(zoo))
    if not names:
        raise InputError("config.teaching is common, and the zoo has no teacher: train one with --zoo.teacher")
    name = names.pop()
    return Teacher(behaviour.architecture(name), jnp.asarray(zoo.networks(name, "teacher").parameters[0]))


def taught_architectures(zoo: Zoo) -> tuple[str, ...]:
    """Architectures of a zoo, without its teacher's."""
    split = {member.architecture: member.split for member in zoo.members}
    return tuple(name for name in zoo.architectures if split[name] != "teacher")
