"""What many networks are and do, whatever their number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.space.behaviour import (
    BLOCK,
    compare,
    embed,
    generate,
    in_blocks,
    of_first,
    outputs_of_each,
    outputs_on,
    predicted_kinds,
    score_embeddings,
    score_networks,
)
from netspace_jax.zoo.population import outputs_of
from tests import tiny

COUNTS = [1, BLOCK, BLOCK + 5]  # fewer than are run at once, as many, and more


@pytest.fixture(scope="module")
def task():
    return tiny.task()


def logits(task, flats, split="test"):
    inputs = task.examples(split, jnp.int32(0)).inputs
    return np.asarray(jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))(jnp.asarray(flats), inputs))


def scores(task, flats, split="test"):
    return (logits(task, flats, split).argmax(-1) == np.asarray(task.examples(split, jnp.int32(0)).targets)).mean(1)


@pytest.mark.parametrize("count", COUNTS)
def test_blocks_keep_order_and_number(count):
    rows = (np.arange(count), np.arange(2 * count).reshape(count, 2))
    seen = []

    def function(own, block, factor):
        seen.append(int(own))
        assert all(len(leaf) == (1 if count == 1 else BLOCK) for leaf in block)
        return {"a": factor * jnp.asarray(block[0]), "b": jnp.asarray(block[1])}

    found = in_blocks(function, rows, 3)
    np.testing.assert_array_equal(found["a"], 3 * rows[0])
    np.testing.assert_array_equal(found["b"], rows[1])
    assert sum(seen) == count and all(own == BLOCK for own in seen[:-1])


def test_no_networks_are_said_to_be_none():
    with pytest.raises(ValueError, match="no networks"):
        in_blocks(lambda count, rows: rows, np.zeros((0, 3)))


def test_networks_that_do_not_count_are_not_run_on_a_core():
    rows = jnp.arange(BLOCK, dtype=jnp.float32)
    found = np.asarray(jax.jit(lambda count: of_first(count, lambda x: x + 1, rows))(3))
    np.testing.assert_array_equal(found[:3], [1, 2, 3])
    if jax.default_backend() == "cpu":
        np.testing.assert_array_equal(found[3:], 0)


@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_networks(task, count):
    """A decoder that turns every sign, so that generated networks are known; embeddings are the weights."""
    networks, netspace, given = tiny.networks(count), tiny.unchanged(factor=-1.0), (tiny.NO_PARAMS, tiny.constants())
    flats = np.asarray(networks.flats)
    z = embed(netspace, *given, task, flats, 0)
    np.testing.assert_array_equal(z, [to_prep(flat, tiny.PREP).reshape(-1) for flat in networks.flats])
    np.testing.assert_array_equal(generate(netspace, *given, z, 0), -flats)
    np.testing.assert_allclose(outputs_of_each(tiny.perceptron(), flats, task, networks.items, "test"), logits(task, flats), atol=1e-5)
    probes = task.probes(5)
    np.testing.assert_allclose(outputs_on(tiny.perceptron(), flats, probes),
                               jax.vmap(tiny.perceptron().apply, (0, None))(networks.flats, probes), atol=1e-5)
    np.testing.assert_allclose(score_networks(tiny.perceptron(), flats, task, networks.items, "test"), scores(task, flats), atol=1e-6)
    np.testing.assert_allclose(score_embeddings(netspace, *given, task, z, networks.items, 0, "test"), scores(task, -flats), atol=1e-6)
    own, other, agreement = compare(tiny.perceptron(), flats, -flats, task, networks.items, "validation")
    np.testing.assert_allclose(own, scores(task, flats, "validation"), atol=1e-6)
    np.testing.assert_allclose(other, scores(task, -flats, "validation"), atol=1e-6)
    said = [logits(task, sign * flats, "validation").argmax(-1) for sign in (1, -1)]
    np.testing.assert_allclose(agreement, (said[0] == said[1]).mean(1), atol=1e-6)


def test_the_head_names_each_embedding():
    netspace = tiny.unchanged((3, 4, 5))
    z = np.random.default_rng(0).standard_normal((BLOCK + 3, tiny.PREP[0] * tiny.PREP[1])).astype(np.float32)
    np.testing.assert_array_equal(predicted_kinds(netspace, tiny.NO_PARAMS, z), z[:, :3].argmax(1))


def test_a_function_is_compiled_once_for_any_number(task):
    from netspace_jax.space import behaviour

    score_networks(tiny.perceptron(), tiny.networks(2).flats, task, tiny.networks(2).items, "test")
    before = behaviour._outputs._cache_size()
    for count in (3, 7, BLOCK + 2):
        networks = tiny.networks(count)
        score_networks(tiny.perceptron(), networks.flats, task, networks.items, "test")
    assert behaviour._outputs._cache_size() == before


@pytest.mark.parametrize("block", [8, 12, 22, 23])
def test_a_network_on_many_inputs_is_the_same_in_blocks(block):
    flat = tiny.networks(1).flats[0]
    inputs = jax.random.normal(jax.random.key(0), (23, *tiny.SHAPE))
    whole, blocks = (jax.jit(lambda x, size=size: outputs_of(tiny.perceptron(), flat, x, size))(inputs) for size in (512, block))
    np.testing.assert_allclose(blocks, whole, rtol=1e-5, atol=1e-5)
