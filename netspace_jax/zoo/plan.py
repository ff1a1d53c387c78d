"""What is drawn for each member before it trains: its keys, its stopping step, its split; and who trains together."""

import dataclasses
import itertools
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.config import ZooConfig
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.population.network import Untrained

# Epochs after which the 186 networks of the paper's implementation stop, out of 599 (docs/method.md, Zoos).
PAPER_EPOCHS = (
    *range(100), *range(101, 200, 2), *range(204, 300, 5), *range(309, 400, 10), *range(424, 500, 25), 549, 599
)  # fmt: skip

CHUNK_BYTES = 2**24  # of parameters that one chunk holds, where a configuration gives no number of networks
MAX_CHUNK = 4096  # networks of such a chunk: an accelerator holds the activations of all of them


class Cohort(NamedTuple):
    """The members of one architecture, with what is drawn for each before it trains, and who train together.

    Attributes:
      untrained: of all members, a row for each.
      chunks: indices of the members of each chunk.
    """

    architecture: Architecture
    config: ZooConfig
    untrained: Untrained
    splits: list[str]
    items: list[str]
    chunks: list[Int[np.ndarray, "row"]]


def cohorts_of(
    config: ZooConfig,
    architectures: Iterable[Architecture],
    chunk_sizes: Mapping[str, int],
    *,
    item_names: tuple[str, ...] = ("",),
    item_splits: tuple[str, ...] = (),
) -> list[Cohort]:
    """The members of a zoo, architecture by architecture.

    Args:
      item_names: name of each item that networks are about (shapes), or one empty name.
      item_splits: split of each item, where the data says it.
    """
    cohorts = []
    for architecture, (name, count) in zip(architectures, config.populations, strict=True):
        members, items = untrained(config, name, count), itertools.islice(itertools.cycle(item_names), count)
        splits, chunks = splits_of(config, name, item_splits), chunks_of(np.asarray(members.stop), chunk_sizes[name])
        cohorts.append(Cohort(architecture, config.of(name), members, splits, list(items), chunks))
    return cohorts


def architecture_key(config: ZooConfig, architecture: str) -> PRNGKeyArray:
    """The key that an architecture's members, and the initialisation that they may share, fold theirs from."""
    return jax.random.fold_in(jax.random.key(config.seed), zlib.crc32(architecture.encode()))


def member_keys(config: ZooConfig, architecture: str, count: int) -> Key[Array, "member"]:
    """Keys of the first members, from their architecture's name and their indices: a bigger zoo keeps its first."""
    root = architecture_key(config, architecture)
    return jax.vmap(lambda index: key_of(root, Purpose.MEMBER, index))(jnp.arange(count))


def untrained(config: ZooConfig, architecture: str, count: int) -> Untrained:
    """The members before they train, a row for each."""
    keys = member_keys(config, architecture, count)
    shared = key_of(architecture_key(config, architecture), Purpose.SHARED_INIT)
    init_keys = jax.vmap(lambda key: shared if config.shared_init else key_of(key, Purpose.INIT))(keys)
    return Untrained(keys, init_keys, jnp.arange(count), jnp.asarray(stops_of(config, architecture, count)))


def validation_steps(config: ZooConfig) -> tuple[int, ...]:
    """Steps after which the best parameters by validation inputs are kept."""
    if not config.validations:
        return ()
    first = round(config.validate_from * config.steps) if config.validations > 1 else config.steps
    return tuple(np.unique(np.rint(np.linspace(first, config.steps, config.validations))).astype(int).tolist())


def draws_of(config: ZooConfig, architecture: str, count: int, purpose: Purpose) -> Float[np.ndarray, "member"]:
    """What each member draws for a purpose, uniform in [0, 1)."""
    keys = member_keys(config, architecture, count)
    return np.asarray(jax.vmap(lambda key: jax.random.uniform(key_of(key, purpose)))(keys), np.float64)


def stops_of(config: ZooConfig, architecture: str, count: int) -> Int[np.ndarray, "member"]:
    """Steps that each member trains for."""
    config = config.of(architecture)
    if config.stops == "end":
        stops = np.full(count, config.steps)
    elif config.stops == "paper":
        epochs = np.resize(PAPER_EPOCHS, count)
        stops = np.rint(epochs / max(PAPER_EPOCHS) * config.steps)
    else:
        low, high = np.log(config.min_steps), np.log(config.steps + 1)
        shares = draws_of(config, architecture, count, Purpose.STOP)
        stops = np.minimum(np.exp(low + (high - low) * shares), config.steps)
    return stops.astype(np.int32)


def splits_of_items(config: ZooConfig, items: int, views: int) -> tuple[str, ...]:
    """Split of each item that several networks are about: those that a zoo of one network of each would draw."""

    def of_items(networks: int | float) -> int | float:
        return networks if networks < 1 else max(networks // views, 1)

    held = {"validation": of_items(config.validation), "test": of_items(config.test)}
    name = config.architectures[0]
    one_each = dataclasses.replace(config, architectures=(name,), members=(items,), teacher="", **held)
    return tuple(splits_of(one_each, name))


def splits_of(config: ZooConfig, architecture: str, item_splits: tuple[str, ...] = ()) -> list[str]:
    """Split of each member: that of its item, or from its own draw.

    Draws count by shares, or, where numbers are asked for, by their ranks.

    Args:
      item_splits: split of each item that networks are about, where the data says it.
    """
    count = dict(config.populations)[architecture]
    if architecture == config.teacher and architecture not in config.architectures:
        return ["teacher"] * count
    if item_splits:
        return [*itertools.islice(itertools.cycle(item_splits), count)]
    draws = draws_of(config, architecture, count, Purpose.SPLIT)
    ranks = np.argsort(np.argsort(draws))
    test = ranks < config.test if config.test >= 1 else draws < config.test
    edge = draws[test].max(initial=0.0) if config.test >= 1 else config.test
    by_rank = config.validation >= 1
    validation = ranks < test.sum() + config.validation if by_rank else draws < edge + config.validation
    return np.where(test, "test", np.where(validation, "validation", "train")).tolist()


def chunk_size(config: ZooConfig, parameters: int) -> int:
    """Networks that train together: as the configuration says, or whole times 64 that `CHUNK_BYTES` hold.

    Args:
      parameters: of one network.
    """
    return config.chunk or min(max(CHUNK_BYTES // (4 * parameters) // 64, 1), MAX_CHUNK // 64) * 64


def chunks_of(stops: Int[np.ndarray, "member"], size: int) -> list[Int[np.ndarray, "row"]]:
    """Members of like stopping steps together, longest first: a chunk trains until its last member stops.

    Args:
      size: networks of a chunk.
    """
    order = np.argsort(-stops, kind="stable")
    return [order[begin : begin + size] for begin in range(0, len(order), size)]
