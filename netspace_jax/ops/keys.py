"""Random keys: everything that is drawn has a purpose, and its key is folded from a seed by that and by indices."""

import enum

import jax
from jaxtyping import Array, Int, PRNGKeyArray


class Purpose(enum.IntEnum):
    """What a key is for. The numbers are part of every result: add to them, never change them."""

    MEMBER = 1
    """Root of one member of a zoo, then folded by its index."""
    SHARED_INIT = 2
    """The initialisation that all members of an architecture share."""
    INIT = 3
    """Initial parameters, of a network or of NetSpace."""
    STOP = 4
    """Where a member stops."""
    SPLIT = 5
    """Which split a member falls into."""
    BATCHES = 6
    """Training inputs."""
    ORDER = 7
    """The order in which NetSpace sees networks."""
    NOISE = 8
    """Noise on networks."""
    SEARCH = 9
    """Where searches begin."""
    CENTER = 10
    """The untrained network that a decoder adds to."""
    DROPOUT = 11
    """Which units of a network drop out in a step."""
    SCORE = 12
    """What is drawn to score a network, as the starts of episodes."""
    SAMPLE = 13
    """Embeddings drawn from a density."""
    READING = 14
    """Inputs on which the encoder reads a network in training."""
    EXAMPLES = 15
    """Examples of a new task."""


def key_of(root: PRNGKeyArray | int, purpose: Purpose, *indices: Int[Array, ""] | int) -> PRNGKeyArray:
    """The key for a purpose.

    Args:
      indices: what else it depends on, as the index of a member.
    """
    key = jax.random.key(root) if isinstance(root, int) else root
    for data in (purpose, *indices):
        key = jax.random.fold_in(key, data)
    return key
