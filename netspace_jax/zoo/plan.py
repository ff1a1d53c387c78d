"""What is drawn for each member before it trains: its key, its stopping step, its split; and who trains together."""

import functools
import itertools
import zlib
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, PRNGKeyArray

from netspace_jax.config import ZooConfig
from netspace_jax.ops.keys import Purpose, key_of

# Epochs after which the 186 networks of the paper's implementation stop, out of 599 (docs/method.md, Zoos).
PAPER_EPOCHS = (
    *range(100), *range(101, 200, 2), *range(204, 300, 5), *range(309, 400, 10), *range(424, 500, 25), 549, 599
)  # fmt: skip

CHUNK_BYTES = 2**24  # of parameters that one chunk holds, where a configuration gives no number of networks
MOST_TOGETHER = 4096  # networks of such a chunk: an accelerator holds the activations of all of them


class Plan(NamedTuple):
    """What is drawn for each member.

    Attributes:
      stops: steps that it trains for.
      draws: uniform in [0, 1), which its split is made from.
    """

    stops: Int[np.ndarray, "member"]
    draws: Float[np.ndarray, "member"]


class Chunk(NamedTuple):
    """Members of one architecture that train together; `number` counts within the architecture."""

    architecture: str
    number: int
    indices: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of its files."""
        return chunk_name(self.architecture, self.number)


def chunk_name(architecture: str, number: int) -> str:
    """Name of a chunk's files."""
    return f"{architecture}-{number:05d}"


def architecture_key(config: ZooConfig, architecture: str) -> PRNGKeyArray:
    """The key that an architecture's members, and the initialisation that they may share, fold theirs from."""
    return jax.random.fold_in(jax.random.key(config.seed), zlib.crc32(architecture.encode()))


def member_key(config: ZooConfig, architecture: str, index: Int[Array, ""] | int) -> PRNGKeyArray:
    """A member's own key, from its architecture's name and its index, so that a bigger zoo keeps its first members."""
    return key_of(architecture_key(config, architecture), Purpose.MEMBER, index)


def member_keys(config: ZooConfig, architecture: str, count: int) -> Key[Array, "member"]:
    """Keys of the first members."""
    return jax.vmap(functools.partial(member_key, config, architecture))(jnp.arange(count))


def plan(config: ZooConfig, architecture: str, count: int) -> Plan:
    """Stopping step and split draw of each member."""
    config, keys = config.of(architecture), member_keys(config, architecture, count)

    def uniform(purpose: Purpose) -> np.ndarray:
        draws = jax.vmap(lambda key: jax.random.uniform(key_of(key, purpose)))(keys)
        return np.asarray(draws, np.float64)

    if config.stops == "end":
        stops = np.full(count, config.steps)
    elif config.stops == "paper":
        epochs = np.resize(PAPER_EPOCHS, count)
        stops = np.rint(epochs / max(PAPER_EPOCHS) * config.steps)
    else:
        low, high = np.log(config.min_steps), np.log(config.steps + 1)
        stops = np.minimum(np.exp(low + (high - low) * uniform(Purpose.STOP)), config.steps)
    return Plan(stops.astype(np.int32), uniform(Purpose.SPLIT))


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
    draws = plan(config, architecture, count).draws
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
    return config.chunk or min(max(CHUNK_BYTES // (4 * parameters) // 64, 1), MOST_TOGETHER // 64) * 64


def chunks_of(config: ZooConfig, architecture: str, stops: Int[np.ndarray, "member"], parameters: int) -> list[Chunk]:
    """Members of like stopping steps together, longest first: a chunk trains until its last member stops.

    Args:
      parameters: of one network.
    """
    order, size = np.argsort(-stops, kind="stable"), chunk_size(config, parameters)
    return [
        Chunk(architecture, number, tuple(order[begin : begin + size].tolist()))
        for number, begin in enumerate(range(0, len(order), size))
    ]
