"""Pictures as fields: pixels at their places, the splits of the set, and what batches see."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.behaviour import Behaviour, behaviour_from, describe_behaviour
from netspace_jax.dataset import Dataset, one_task
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.images import in_proportion, pixel_centres
from netspace_jax.domains.fields.loading import load
from netspace_jax.errors import InputError
from tests.domains.fields.small import file_of_images


def config(path, **changes):
    return FieldZooConfig(**{"dataset": str(path), "kind": "pictures", "members": (1000,), "batch": 30, **changes})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return file_of_images(tmp_path_factory.mktemp("images") / "bars.npz")


@pytest.fixture(scope="module")
def loaded(path):
    return load(config(path))


def test_every_pixel_is_at_its_place(loaded, path):
    """Each network's samples, put back by their coordinates, are the picture of its name."""
    data, file = loaded.dataset, np.load(path)
    assert (
        isinstance(data, Dataset) and isinstance(data.behaviour, Behaviour) and data.items == 80 and not one_task(data)
    )
    batch = data.of(7).examples("test")
    whole = np.full((6, 5), np.nan)
    row, column = np.floor((np.asarray(batch.inputs) + 1) / 2 * np.array([6, 5])).astype(int).T
    whole[row, column] = np.asarray(batch.targets)[:, 0]
    images = data.truth.images(data.values(np.arange(80)))
    np.testing.assert_allclose((whole + 1) / 2, images[7, ..., 0], atol=1e-6)
    tests = [i for i, split in enumerate(loaded.splits) if split == "test"]
    numbers = [int(loaded.items[i][-5:]) for i in tests]
    np.testing.assert_allclose(images[tests] * 255, file["x_test"][numbers], atol=1e-4)
    np.testing.assert_array_equal(np.asarray(data.truth.classes)[tests], file["y_test"][numbers])


def test_splits_are_those_of_the_set_and_in_proportion(loaded, path):
    assert {split: loaded.splits.count(split) for split in ("train", "validation", "test")} == {
        "train": 50, "validation": 10, "test": 20}  # fmt: skip
    few = load(config(path, members=(16,)))
    assert few.items == loaded.items[:16] and few.config.members == (16,)
    assert abs(few.splits.count("test") - 4) <= 1 and abs(few.splits.count("validation") - 2) <= 1
    more = load(config(path, held_pictures=25))
    assert (more.splits.count("validation"), more.splits.count("train")) == (25, 35)
    with pytest.raises(InputError, match="--zoo.held-pictures 60"):
        load(config(path, held_pictures=60))


def test_views_are_more_networks_of_the_same_pictures(path):
    loaded = load(config(path, members=(40,), views=4))
    assert loaded.dataset.items == 10 and loaded.config.members == (40,) and len(loaded.splits) == 10
    for member in (3, 13, 33):
        np.testing.assert_array_equal(
            loaded.dataset.of(member).examples("train").targets, loaded.dataset.of(3).examples("train").targets
        )


def test_small_batches_reach_all_pixels_equally(path):
    """Windows go round: the first pixels of the order are drawn as often as those in its middle."""
    data = load(config(path, batch=7)).dataset
    assert len(data.of(0).examples("train").targets) == 30
    draw = jax.jit(jax.vmap(lambda step: data.of(5).sample(jax.random.key(0), step, 7)))
    batch = draw(jnp.arange(3000))
    assert batch.inputs.shape == (3000, 7, 2) and batch.targets.shape == (3000, 7, 1)
    places, counts = np.unique(np.asarray(batch.inputs).reshape(-1, 2), axis=0, return_counts=True)
    assert len(places) == 30 and counts.min() > 550 and counts.max() < 850  # 700 each
    whole = data.of(5).examples("train")
    rows = np.concatenate([whole.inputs, whole.targets], 1)
    drawn = np.concatenate([batch.inputs, batch.targets], 2).reshape(-1, 3)
    drawn, rows = (np.unique(values.round(5), axis=0) for values in (drawn, rows))
    np.testing.assert_array_equal(drawn, rows)


def test_colour_has_three_values_at_a_point(tmp_path):
    data = load(config(file_of_images(tmp_path / "colour.npz", channels=3))).dataset
    assert data.behaviour.outputs == 3 and data.of(0).examples("train").targets.shape == (30, 3)
    assert behaviour_from(describe_behaviour(data.behaviour)) == data.behaviour
    assert data.truth.images(data.values(np.arange(2))).shape == (2, 6, 5, 3)


def test_probes_are_the_pixels(loaded):
    np.testing.assert_array_equal(np.unique(loaded.dataset.probes(30), axis=0), np.unique(pixel_centres(6, 5), axis=0))
    np.testing.assert_array_equal(loaded.dataset.probes(4), loaded.dataset.probes(40)[:4])


def test_any_first_part_has_groups_in_proportion():
    order = in_proportion([600, 100, 300])
    assert sorted(order) == list(range(1000))
    group = np.digitize(order[:100], [600, 700])
    assert np.abs(np.bincount(group) - [60, 10, 30]).max() <= 1
