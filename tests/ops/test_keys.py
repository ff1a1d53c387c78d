"""Random keys by purpose."""

import itertools

import jax
import numpy as np

from netspace_jax.ops.keys import Purpose, key_of


def data(key):
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


def test_every_purpose_and_index_has_a_key_of_its_own():
    keys = [data(key_of(0, purpose)) for purpose in Purpose]
    keys += [data(key_of(0, purpose, index)) for purpose, index in itertools.product(Purpose, range(4))]
    assert len(set(keys)) == len(keys)


def test_a_seed_is_the_key_that_it_makes():
    assert data(key_of(3, Purpose.NOISE, 1, 2)) == data(key_of(jax.random.key(3), Purpose.NOISE, 1, 2))


def test_the_numbers_of_purposes_stay():
    """They are part of every result."""
    assert [int(purpose) for purpose in Purpose] == list(range(1, 16))
