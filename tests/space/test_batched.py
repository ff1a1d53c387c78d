"""What a space says of many networks, whatever their number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.ops.mapping import BLOCK
from netspace_jax.space.batched import classify_many, embed_many, generate_many
from tests import tiny
from tests.compiles import nothing_compiles

COUNTS = [1, BLOCK, BLOCK + 5]  # fewer than are run at once, as many, and more


@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_networks(count):
    """A decoder that turns every sign, so that generated networks are known; embeddings are the weights."""
    flats, netspace = np.asarray(tiny.flats(count)), tiny.unchanged(factor=-1.0)
    z = embed_many(netspace, 0, flats)
    np.testing.assert_array_equal(z, [to_prep(jnp.asarray(flat), tiny.PREP).reshape(-1) for flat in flats])
    np.testing.assert_array_equal(generate_many(netspace, 0, z), -flats)


@pytest.mark.parametrize("count", COUNTS)
def test_they_are_as_each_alone(count):
    netspace = tiny.unchanged((3, 4), factor=0.5)
    flats = tiny.flats(count, 4)
    z = jax.vmap(lambda flat: netspace.embed(flat, 1))(flats)
    np.testing.assert_array_equal(embed_many(netspace, 1, flats), z)
    np.testing.assert_array_equal(generate_many(netspace, 1, z), jax.vmap(lambda z: netspace.generate(z, 1))(z))


@pytest.mark.parametrize("count", COUNTS)
def test_the_head_names_each_embedding(count):
    netspace = tiny.unchanged((3, 4, 5))
    z = np.random.default_rng(0).standard_normal((count, tiny.PREP[0] * tiny.PREP[1])).astype(np.float32)
    np.testing.assert_array_equal(classify_many(netspace, z), z[:, :3].argmax(1))


def test_a_function_is_compiled_once_for_any_number():
    netspace, flats = tiny.unchanged(), tiny.flats(BLOCK + 2)
    embed_many(netspace, 0, flats[:2])
    with nothing_compiles("_embed"):
        for count in (3, 7, BLOCK + 2):
            embed_many(netspace, 0, flats[:count])


def test_no_networks_are_said_to_be_none():
    with pytest.raises(ValueError, match="no networks"):
        embed_many(tiny.unchanged(), 0, np.zeros((0, 67), np.float32))
