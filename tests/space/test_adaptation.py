"""A network from examples of a task: the same set is the same network, and what cannot be is refused in one line."""

import warnings

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.errors import InputError
from netspace_jax.space import load
from netspace_jax.space.adaptation import adapt
from netspace_jax.space.observation import Pairs
from tests import tiny


@pytest.fixture(scope="module")
def reader(data):
    return tiny.set_reader(data)


@pytest.fixture(scope="module")
def images(data):
    return np.asarray(data.examples("validation").inputs)


def quietly(space, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return space.adapt(*arguments)


def test_the_order_of_examples_does_not_matter_and_a_network_comes_out(reader, images):
    labels = np.arange(6) % tiny.CLASSES
    one = quietly(reader, images[:6], labels)
    other = quietly(reader, images[:6][::-1], labels[::-1])
    np.testing.assert_allclose(one.network.flat, other.network.flat, rtol=1e-3, atol=1e-4)
    assert one.network(images).shape == (len(images), tiny.CLASSES)


def test_further_examples_are_as_if_all_had_come_together(reader, images):
    labels = np.arange(7) % tiny.CLASSES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grown = reader.adapt(images[:3], labels[:3]).update(images[3:7], labels[3:7])
        whole = reader.adapt(images[:7], labels)
    chex.assert_trees_all_close(grown.posterior, whole.posterior, rtol=1e-5)


def test_one_program_for_many_numbers_of_examples(reader, images):
    """The pure layer, vmapped over tasks whose numbers of examples differ."""
    pairs = Pairs(jnp.stack([images[:4]] * 2), jnp.stack([jnp.eye(4)] * 2), jnp.asarray([[1.0, 1, 1, 1], [1, 1, 0, 0]]))
    both = jax.jit(jax.vmap(lambda pairs: adapt(reader, reader.calibration, pairs)))(pairs)
    alone = quietly(reader, images[:2], np.arange(2))
    np.testing.assert_allclose(both.mean[1], alone.posterior.mean, rtol=1e-4, atol=1e-5)
    assert (both.deviation > 0).all()


def test_draws_agree_with_the_network_more_or_less(reader, images):
    adapted = quietly(reader, images[:5], np.arange(5) % tiny.CLASSES)
    draws = adapted.sample(3)
    assert len({float(draw.flat[0]) for draw in draws}) == 3
    assert 0 <= float(adapted.certainty(images)) <= 1
    chex.assert_trees_all_equal([draw.flat for draw in adapted.sample(3)], [draw.flat for draw in draws])


def test_inputs_without_targets_are_answered_by_networks_that_know_them(reader, images):
    """The answers are probabilities, and those of the network that comes out of them."""
    adapted = quietly(reader, images[:5])
    np.testing.assert_allclose(adapted.pairs.answers.sum(-1), 1, rtol=1e-5)
    assert adapted.network(images).shape == (len(images), tiny.CLASSES)
    with pytest.raises(InputError, match="one alone says nothing without its target"):
        reader.adapt(images[:1])


def test_a_saved_space_adapts_as_before(reader, images, tmp_path):
    reader.save(tmp_path / "space")
    again = quietly(load(tmp_path / "space"), images[:2], [0, 1])
    chex.assert_trees_all_equal(again.posterior, quietly(reader, images[:2], [0, 1]).posterior)


def test_a_task_unlike_all_others_is_told(reader, images):
    strange = reader.replace(calibration=reader.calibration.replace(loss=jnp.zeros_like(reader.calibration.loss)))
    with pytest.warns(UserWarning, match="the task may be unlike all that the space has learned"):
        assert not strange.adapt(images[:2], [0, 1]).familiar


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:, :2], y), "inputs have shape|images have shape"),
        (lambda x, y: (x[:0], y[:0]), "there are none"),
        (lambda x, y: (x * np.nan, y), "not all values are finite"),
        (lambda x, y: (x, y[:2]), "for 3 inputs; give as many"),
        (lambda x, y: (x, y + 3), "4 is no class; these networks know 0 to 3"),
        (lambda x, y: (x, y + 0.5), "classes are whole numbers"),
        (lambda x, y: (x, ["a", "b", "c"]), "give as many numbers"),
        (lambda x, y: (x[[0, 1, 0]], y), "examples 0 and 2 are the same input with the labels 0 and 2; remove one"),
    ],
)
def test_examples_that_cannot_be(reader, images, change, message):
    with pytest.raises(InputError, match=message):
        reader.adapt(*change(images[:3], np.arange(3)))


def test_an_encoder_that_reads_networks_alone_says_so(space, images):
    with pytest.raises(InputError, match="--netspace.encoder set"):
        space.adapt(images[:1], [0], "perceptron4")
