"""Images of which each network has a task of its own."""

import dataclasses
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import testing
from netspace_jax.dataset import one_task
from netspace_jax.domains.images.conditions import seen
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig, check
from netspace_jax.domains.images.loading import data_of, load
from netspace_jax.domains.images.task_data import rows_of_classes
from netspace_jax.errors import InputError
from tests import tiny

CONFIG = ImageZooConfig(members=(12,), validation=2, test=3, images=90, held_images=60, batch=8)


@pytest.fixture(scope="module")
def loaded():
    kinds = ("conditions", "labels", "renamed", "some")
    return {kind: load(dataclasses.replace(CONFIG, tasks=kind)) for kind in kinds}


@pytest.mark.parametrize("kind", ["conditions", "labels", "renamed", "some"])
def test_the_data_keeps_its_promises(loaded, kind):
    found = loaded[kind]
    assert not one_task(found.dataset)
    assert found.dataset.items == len(found.items) == len(found.splits) == 12
    assert found.splits.count("test") >= 2
    testing.check_dataset(found.dataset)


def test_a_member_sees_its_own_conditions(loaded):
    data = loaded["conditions"].dataset
    plain = load(CONFIG).dataset.examples("test")
    shown = data.of(5).examples("test")
    np.testing.assert_array_equal(shown.targets, plain.targets)
    (mean,), (std,) = data.behaviour.normalisation
    own = jax.tree.map(lambda leaf: leaf[5], data.conditions)
    first = seen(jax.random.key(0), plain.inputs[0] * std + mean, own)
    np.testing.assert_allclose(shown.inputs[0], (first - mean) / std, atol=1e-4)
    assert np.abs(data.of(6).examples("test").inputs - shown.inputs).max() > 0.5


def test_no_member_trains_on_the_images_that_tasks_are_judged_on(loaded):
    data = loaded["labels"].dataset
    parts = (data.images.train, data.images.validation, data.images.test)
    train, validation, test = ({*map(bytes, np.asarray(part.x))} for part in parts)
    assert not train & validation and not train & test and not validation & test
    batch = data.of(0).sample(jax.random.key(1), jnp.int32(0), 8)
    train = {*map(bytes, np.asarray(data.of(0).examples("train").inputs))}
    assert {*map(bytes, np.asarray(batch.inputs))} <= train


@pytest.mark.parametrize("kind", ["conditions", "some"])
def test_kept_inputs_are_all_that_a_space_sees_of_a_task(loaded, kind):
    data = loaded[kind].dataset
    few: Any = data_of(ImageNetSpaceConfig(kept_inputs=10), data)
    testing.check_dataset(few)
    own = {*map(bytes, np.asarray(data.of(3).examples("train").inputs))}
    kept = {*map(bytes, np.asarray(few.of(3).examples("train").inputs))}
    assert few.count("train") == 10 and kept < own
    batches = [few.of(3).sample(jax.random.key(0), jnp.int32(step), 4).inputs for step in range(6)]
    assert {*map(bytes, np.concatenate(batches))} <= kept
    assert (few.rows["train"][3] != few.rows["train"][4]).any()
    assert data_of(ImageNetSpaceConfig(), data) is data


def test_kept_inputs_need_tasks():
    with pytest.raises(InputError, match="--netspace.kept-inputs needs members with tasks of their own"):
        check(tiny.run_config(netspace=tiny.netspace_config(kept_inputs=5)))


def test_halves_and_names_change_labels_alone(loaded):
    plain = load(CONFIG).dataset.examples("test")
    for kind in ("labels", "renamed"):
        data = loaded[kind].dataset
        shown = data.of(3).examples("test")
        np.testing.assert_allclose(shown.inputs, plain.inputs, atol=1e-5)
        np.testing.assert_array_equal(shown.targets, data.labels[3][plain.targets])
    assert 0.4 < loaded["labels"].dataset.of(3).chance("test") < 0.7


def test_some_classes_have_as_many_images_each(loaded):
    data = loaded["some"].dataset
    targets = data.of(2).examples("train").targets
    counts = np.bincount(targets)
    assert len(counts) == 5 and len({*counts.tolist()}) == 1
    assert data.behaviour.classes == 5 and data.chance("train") == pytest.approx(0.2)
    rows = rows_of_classes(np.array([0, 1, 2, 0, 1, 0, 2, 2]), np.array([[0, -1, 1], [-1, 0, 1]]))
    assert rows.tolist() == [[0, 2, 3, 6], [1, 2, 4, 6]]


def test_probes_are_of_training_tasks_alone(loaded):
    found = loaded["conditions"]
    data, probes = found.dataset, found.dataset.probes(9)
    training = [number for number, split in enumerate(found.splits) if split == "train"]
    for number in (0, 4, 8):
        own = data.of(training[number % len(training)]).examples("train").inputs[number]
        np.testing.assert_allclose(probes[number], own, atol=1e-5)


def test_noise_is_drawn_anew_in_training_and_never_for_examples():
    data = load(dataclasses.replace(CONFIG, tasks="conditions", noisy=(0.1, 0.3))).dataset.of(1)
    chex.assert_trees_all_equal(data.examples("test"), data.examples("test"))
    some = data.chosen_examples("test", jnp.arange(4))
    chex.assert_shape(some.inputs, (4, 8, 8, 1))
    size = data.count("train")  # each step is an epoch
    first, second = (data.sample(jax.random.key(0), jnp.int32(step), size) for step in (0, 1))
    assert np.abs(np.sort(first.inputs.ravel()) - np.sort(second.inputs.ravel())).max() > 1e-3


def test_jitter_is_of_training_alone():
    still, moved = (
        load(dataclasses.replace(CONFIG, tasks="conditions", jitter=amount)).dataset.of(1) for amount in (0.0, 0.2)
    )
    for split in ("train", "validation", "test"):
        chex.assert_trees_all_equal(still.examples(split), moved.examples(split))
    drawn, same = (data.sample(jax.random.key(0), jnp.int32(0), 4) for data in (moved, still))
    chex.assert_trees_all_equal(drawn.targets, same.targets)
    assert np.abs(drawn.inputs - same.inputs).mean((1, 2, 3)).min() > 1e-3


def test_imitations_are_compared_on_training_images(loaded):
    data = loaded["conditions"].dataset.of(4)
    inputs = data.imitation_inputs(20, 0)
    train = {*map(bytes, np.asarray(data.examples("train").inputs))}
    assert len(inputs) == 20 and {*map(bytes, np.asarray(inputs))} <= train
