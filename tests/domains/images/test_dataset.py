"""Classification as a task: batches that walk through epochs, and how networks are compared."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.data.images import Images, ImageSet, load_images
from netspace_jax.domains.images.dataset import classification, distillation
from tests import parity

COUNT = 23


@pytest.fixture(scope="module")
def task():
    """Images that tell who they are: pixel (0, 0) is the number of the image, and its label follows from it."""
    x = np.zeros((COUNT, 4, 4, 1), np.uint8)
    x[:, 0, 0, 0] = np.arange(COUNT)
    images = Images(x, (np.arange(COUNT) % 3).astype(np.int32))
    held = Images(x[:5], images.y[:5])
    return classification(ImageSet("numbered", 3, images, held, held, (0.0,), (1 / 255,)), 0, False)


def batch(task, step, size=5, seed=0):
    return jax.jit(lambda key, step: task.sample(key, jnp.int32(0), step, size))(jax.random.key(seed), jnp.int32(step))


def numbers(sample):
    return np.rint(np.asarray(sample.inputs[:, 0, 0, 0])).astype(int)


def test_an_epoch_shows_each_image_once_with_its_label(task):
    steps = COUNT // 5
    for epoch in range(2):
        seen = []
        for step in range(epoch * steps, (epoch + 1) * steps):
            sample = batch(task, step)
            seen.extend(numbers(sample))
            np.testing.assert_array_equal(sample.targets, numbers(sample) % 3)
        assert len(set(seen)) == len(seen) == 5 * steps


def test_orders_differ_between_epochs_and_keys_and_nothing_else(task):
    np.testing.assert_array_equal(numbers(batch(task, 1)), numbers(batch(task, 1)))
    assert (numbers(batch(task, 0)) != numbers(batch(task, COUNT // 5))).any()
    assert (numbers(batch(task, 0)) != numbers(batch(task, 0, seed=1))).any()


def test_splits_and_probes(task):
    np.testing.assert_array_equal(numbers(task.examples("test", jnp.int32(0))), np.arange(5))
    everything = task.examples("train", jnp.int32(0))
    np.testing.assert_array_equal(np.sort(numbers(everything)), np.arange(COUNT))
    np.testing.assert_array_equal(everything.targets, numbers(everything) % 3)
    few, many = task.probes(4), task.probes(COUNT + 2)
    np.testing.assert_array_equal(many[:4], few)  # a longer list begins with the shorter one
    np.testing.assert_array_equal(many[COUNT:], few[:2])
    np.testing.assert_array_equal(task.probes(COUNT), everything.inputs)
    assert len({*map(int, task.probes(COUNT)[:, 0, 0, 0])}) == COUNT


def test_a_batch_of_more_images_than_there_are_is_all_of_them(task):
    few, many = (task.sample(jax.random.key(0), jnp.int32(0), jnp.int32(5), size) for size in (COUNT, 2 * COUNT + 3))
    np.testing.assert_array_equal(many.inputs, few.inputs)
    np.testing.assert_array_equal(many.targets, few.targets)


def test_shapes(task):
    assert task.input_shape == (4, 4, 1) and task.outputs == 3 and task.items == 1
    chex.assert_shape(task.describe(jnp.zeros((7, 3))), (7 * 3 + 7 + 7 * 3,))


def test_losses_and_scores_by_hand(task):
    logits = jnp.log(jnp.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]))
    np.testing.assert_allclose(task.fit_loss(logits, jnp.array([0, 2])), -(np.log(0.7) + np.log(0.3)) / 2, rtol=1e-5)
    assert task.score(logits, jnp.array([0, 2])) == 0.5
    assert task.agreement(logits, logits[::-1]) == 0
    assert task.agreement(logits, 7 * logits) == 1


def test_distillation_is_the_references():
    teacher, student = map(jnp.asarray, parity.distillation_logits())
    assert parity.difference(distillation(teacher, student, 4.0), "kd/loss") <= parity.TOLERANCE


def test_distillation_by_hand(task):
    teacher, student = jnp.log(jnp.array([[0.5, 0.5]])), jnp.log(jnp.array([[0.8, 0.2]]))
    expected = 0.5 * np.log(0.5 / 0.8) + 0.5 * np.log(0.5 / 0.2)
    np.testing.assert_allclose(distillation(teacher, student, 1.0), expected, rtol=1e-5)
    np.testing.assert_allclose(distillation(4 * teacher, 4 * student, 4.0), 16 * expected, rtol=1e-5)
    np.testing.assert_allclose(distillation(teacher + 3, student - 5, 1.0), expected, rtol=1e-4)
    np.testing.assert_allclose(task.imitation_loss(teacher, teacher, 4.0), 0, atol=1e-6)
    both = distillation(jnp.concatenate([teacher, teacher]), jnp.concatenate([student, teacher]), 1.0)
    np.testing.assert_allclose(both, expected / 2, rtol=1e-5)


def test_what_an_encoder_is_told_keeps_small_networks_apart(task):
    """The first part does not depend on how large the logits are; the probabilities add up to one."""
    logits = jax.random.normal(jax.random.key(0), (6, 3))
    told, faint = task.describe(logits), task.describe(0.01 * logits)
    np.testing.assert_allclose(told[:18], faint[:18], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(told[18:24] - faint[18:24], np.log(100), rtol=0.05)
    np.testing.assert_allclose(told[24:].reshape(6, 3).sum(1), 1, rtol=1e-5)
    assert np.isfinite(task.describe(jnp.zeros((6, 3)))).all()


def test_some_of_the_images_are_images_of_the_set():
    images = load_images("digits")
    some = classification(images, 0, False, 50)
    for split in ("train", "validation", "test"):
        kept, all_ = getattr(some, split), getattr(images, split)
        assert kept.x.shape == (50, 8, 8, 1) and kept.y.shape == (50,)
        known = {(image.tobytes(), int(label)) for image, label in zip(all_.x, all_.y, strict=True)}
        found = {(np.asarray(image).tobytes(), int(label)) for image, label in zip(kept.x, kept.y, strict=True)}
        assert found <= known
        assert len(found) >= 49
