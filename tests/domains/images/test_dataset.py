"""Classification: batches that walk through epochs, and how networks are compared."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.behaviour import Behaviour, behaviour_from, describe_behaviour
from netspace_jax.data.images import Images, ImageSet, load_images
from netspace_jax.dataset import Dataset, one_task
from netspace_jax.domains.images.dataset import Classification, image_data
from netspace_jax.errors import InputError
from tests import parity, tiny

COUNT = 23


@pytest.fixture(scope="module")
def data():
    """Images that tell who they are: pixel (0, 0) is the number of the image, and its label follows from it."""
    x = np.zeros((COUNT, 4, 4, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(COUNT)
    images = Images(x, (np.arange(COUNT) % 3).astype(np.int32))
    held = Images(x[:5], images.y[:5])
    return image_data(ImageSet("numbered", 3, images, held, held, (0.0,), (1 / 255,)))


@pytest.fixture(scope="module")
def behaviour(data):
    return data.behaviour


def batch(data, step, size=5, seed=0):
    """Of what one network sees; the data is an argument, as it is in training."""
    sample = jax.jit(lambda data, key, step: data.of(jnp.int32(7)).sample(key, step, size))
    return sample(data, jax.random.key(seed), jnp.int32(step))


def numbers(sample):
    return np.rint(np.asarray(sample.inputs[:, 0, 0, 0])).astype(int)


def test_an_epoch_shows_each_image_once_with_its_label(data):
    steps = COUNT // 5
    for epoch in range(2):
        seen = []
        for step in range(epoch * steps, (epoch + 1) * steps):
            sample = batch(data, step)
            seen.extend(numbers(sample))
            np.testing.assert_array_equal(sample.targets, numbers(sample) % 3)
        assert len(set(seen)) == len(seen) == 5 * steps


def test_orders_differ_between_epochs_and_keys_and_nothing_else(data):
    np.testing.assert_array_equal(numbers(batch(data, 1)), numbers(batch(data, 1)))
    assert (numbers(batch(data, 0)) != numbers(batch(data, COUNT // 5))).any()
    assert (numbers(batch(data, 0)) != numbers(batch(data, 0, seed=1))).any()


def test_splits_and_probes(data):
    np.testing.assert_array_equal(numbers(data.examples("test")), np.arange(5))
    everything = data.examples("train")
    np.testing.assert_array_equal(np.sort(numbers(everything)), np.arange(COUNT))
    np.testing.assert_array_equal(everything.targets, numbers(everything) % 3)
    few, many = data.probes(4), data.probes(COUNT + 2)
    np.testing.assert_array_equal(many[:4], few)  # a longer list begins with the shorter one
    np.testing.assert_array_equal(many[COUNT:], few[:2])
    np.testing.assert_array_equal(data.probes(COUNT), everything.inputs)
    assert len({*map(int, data.probes(COUNT)[:, 0, 0, 0])}) == COUNT


def test_a_share_of_batch_and_probes_are_mixtures_of_two_training_images(data):
    """Pixel (0, 0) of a mixture lies between the numbers of its two images; of the rest it is the image's number."""
    mixing = dataclasses.replace(data, mixed=0.4)
    plain, mixed = batch(data, 2), batch(mixing, 2)
    np.testing.assert_array_equal(mixed.targets, plain.targets)
    np.testing.assert_array_equal(mixed.inputs[2:], plain.inputs[2:])
    first, between = (np.asarray(sample.inputs[:2, 0, 0, 0]) for sample in (plain, mixed))
    # An image of number 0 to 22 takes 0.3 to 0.7 of another of number 0 to 22.
    assert (between >= 0.3 * first - 1e-4).all() and (between <= 0.7 * first + 0.7 * (COUNT - 1) + 1e-4).all()
    assert (between != first).any()

    all_plain, all_mixed = (np.asarray(each.probes(COUNT)[:, 0, 0, 0]) for each in (data, mixing))
    others = all_plain[(np.arange(COUNT) + COUNT // 2) % COUNT]
    changed = all_mixed != all_plain
    assert changed.sum() == int(0.4 * COUNT)
    np.testing.assert_allclose(all_mixed[changed], ((all_plain + others) / 2)[changed], rtol=1e-5)
    np.testing.assert_array_equal(mixing.probes(7), mixing.probes(COUNT)[:7])
    np.testing.assert_array_equal(mixing.examples("train").inputs, data.examples("train").inputs)


def test_a_batch_of_more_images_than_there_are_is_all_of_them(data):
    few, many = (data.sample(jax.random.key(0), jnp.int32(5), size) for size in (COUNT, 2 * COUNT + 3))
    np.testing.assert_array_equal(many.inputs, few.inputs)
    np.testing.assert_array_equal(many.targets, few.targets)


def test_the_data_is_one_for_all_networks(data):
    """It passes through jit as a pytree, its task being static."""
    assert isinstance(data, Dataset) and one_task(data) and data.items == 1 and data.of(3) is data
    assert len(jax.tree.leaves(data)) == 6  # images and labels of three splits
    assert jax.tree.unflatten(*jax.tree.flatten(data)[::-1]).behaviour == data.behaviour
    few, whole = data.of(0).examples("validation"), data.of(jnp.int32(4)).examples("validation")
    np.testing.assert_array_equal(few.inputs, whole.inputs)


def test_chance_is_the_share_of_the_commonest_class(data):
    """Of labels 0, 1, 2, 0, 1 and of 8, 8 and 7 labels."""
    assert data.chance("test") == data.chance("validation") == pytest.approx(2 / 5)
    assert data.chance("train") == pytest.approx(8 / 23)


def test_shapes(behaviour):
    assert isinstance(behaviour, Behaviour) and behaviour.metric.name == "accuracy"
    assert behaviour.input_shape == (4, 4, 1) and behaviour.outputs == 3
    chex.assert_shape(behaviour.describe(jnp.zeros((7, 3))), (7 * 3 + 7 + 7 * 3,))


def test_losses_and_scores_by_hand(behaviour):
    logits = jnp.log(jnp.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]))
    np.testing.assert_allclose(
        behaviour.fit_loss(logits, jnp.array([0, 2])), -(np.log(0.7) + np.log(0.3)) / 2, rtol=1e-5
    )
    assert behaviour.score(logits, jnp.array([0, 2])) == 0.5
    assert behaviour.agreement(logits, logits[::-1]) == 0
    assert behaviour.agreement(logits, 7 * logits) == 1


def test_distillation_is_the_references():
    teacher, student = map(jnp.asarray, parity.distillation_logits())
    behaviour = dataclasses.replace(tiny.TASK, temperature=4.0)
    assert parity.difference(behaviour.imitation_loss(teacher, student), "kd/loss") <= parity.TOLERANCE


def test_distillation_by_hand(behaviour):
    def distillation(teacher, student, temperature):
        return dataclasses.replace(behaviour, temperature=temperature).imitation_loss(teacher, student)

    teacher, student = jnp.log(jnp.array([[0.5, 0.5]])), jnp.log(jnp.array([[0.8, 0.2]]))
    expected = 0.5 * np.log(0.5 / 0.8) + 0.5 * np.log(0.5 / 0.2)
    np.testing.assert_allclose(distillation(teacher, student, 1.0), expected, rtol=1e-5)
    np.testing.assert_allclose(distillation(4 * teacher, 4 * student, 4.0), 16 * expected, rtol=1e-5)
    np.testing.assert_allclose(distillation(teacher + 3, student - 5, 1.0), expected, rtol=1e-4)
    np.testing.assert_allclose(distillation(teacher, teacher, 4.0), 0, atol=1e-6)
    assert behaviour.temperature == 1 and behaviour.imitation_loss(teacher, student) == distillation(
        teacher, student, 1.0
    )
    both = distillation(jnp.concatenate([teacher, teacher]), jnp.concatenate([student, teacher]), 1.0)
    np.testing.assert_allclose(both, expected / 2, rtol=1e-5)


def test_what_an_encoder_is_told_keeps_small_networks_apart(behaviour):
    """The first part does not depend on how large the logits are; the probabilities add up to one."""
    logits = jax.random.normal(jax.random.key(0), (6, 3))
    told, faint = behaviour.describe(logits), behaviour.describe(0.01 * logits)
    np.testing.assert_allclose(told[:18], faint[:18], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(told[18:24] - faint[18:24], np.log(100), rtol=0.05)
    np.testing.assert_allclose(told[24:].reshape(6, 3).sum(1), 1, rtol=1e-5)
    assert np.isfinite(behaviour.describe(jnp.zeros((6, 3)))).all()


def test_some_of_the_images_are_images_of_the_set():
    images = load_images("digits")
    some = image_data(images, count=50)
    for split in ("train", "validation", "test"):
        kept, all_ = getattr(some, split), getattr(images, split)
        assert kept.x.shape == (50, 8, 8, 1) and kept.y.shape == (50,)
        known = {(image.tobytes(), int(label)) for image, label in zip(all_.x, all_.y, strict=True)}
        found = {(np.asarray(image).tobytes(), int(label)) for image, label in zip(kept.x, kept.y, strict=True)}
        assert found <= known
        assert len(found) >= 49


def test_images_are_prepared_from_what_a_user_has():
    """Pixels are normalised, floats below zero somewhere are taken as normalised already."""
    behaviour = Classification((2, 2, 1), 3, (0.5,), (0.25,))
    pixels = np.array([0, 255, 51, 102], np.uint8).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(behaviour.prepare(pixels).reshape(-1), [-2, 2, -1.2, -0.4], rtol=1e-6)
    given = np.array([-2, 2, 0.5, 0]).reshape(1, 2, 2, 1)
    prepared = behaviour.prepare(given)
    assert prepared.dtype == jnp.float32
    np.testing.assert_array_equal(prepared, given)
    assert behaviour.prepare(np.zeros((0, 2, 2, 1))).shape == (0, 2, 2, 1)
    assert not behaviour.prepare(np.zeros((1, 2, 2, 1))).any()


@pytest.mark.parametrize(("images", "said"), [
    (np.zeros((1, 3, 2, 1), np.uint8), r"shape \(1, 3, 2, 1\); these networks take \(n, 2, 2, 1\)"),
    (np.full((1, 2, 2, 1), 0.5), "floats from 0.5 to 0.5, none negative"),
])  # fmt: skip
def test_images_that_cannot_be_are_refused(images, said):
    with pytest.raises(InputError, match=said):
        Classification((2, 2, 1), 3, (0.5,), (0.25,)).prepare(images)


def test_a_task_comes_back_from_its_description():
    behaviour = Classification((2, 2, 1), 3, (0.5,), (0.25,), 4.0)
    assert describe_behaviour(behaviour)["name"] == "classification"
    assert behaviour_from(describe_behaviour(behaviour)) == behaviour
