"""Tasks that are drawn: different, the same for a seed, of a larger zoo the first ones, and new in other splits."""

import itertools

import numpy as np
import pytest

from netspace_jax.domains.images.config import ImageZooConfig
from netspace_jax.domains.images.loading import task_splits
from netspace_jax.domains.images.tasks import drawn_classes, drawn_conditions, drawn_halves, drawn_names
from netspace_jax.errors import InputError


def test_conditions_are_within_their_ranges_and_what_is_off_is_no_part_of_them():
    config = ImageZooConfig(tasks="conditions", sheared=(0, 0), scaled=(0.5, 0.5), contrast=(0.2, 0.4), inverted=0.25)
    drawn = drawn_conditions(config, 400, channels=1, classes=10)
    conditions = drawn.conditions
    assert conditions.blur is conditions.noise is conditions.colours is None
    assert conditions.contrast.min() >= 0.2 and conditions.contrast.max() <= 0.4
    np.testing.assert_allclose(np.linalg.det(conditions.warp), 4, rtol=1e-4)  # half the size, whatever the angle
    assert 0.2 < conditions.inverted.mean() < 0.3
    assert len({*drawn.names}) > 350 and all("sheared" not in name for name in drawn.names)
    few = drawn_conditions(config, 3, channels=1, classes=10)
    assert few.names == drawn.names[:3]
    np.testing.assert_array_equal(few.conditions.warp, conditions.warp[:3])
    assert drawn_conditions(ImageZooConfig(seed=1), 3, channels=1, classes=10).names != few.names


def test_conditions_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="colour"):
        drawn_conditions(ImageZooConfig(colours=(0, 90)), 3, channels=1, classes=10)
    off = ImageZooConfig(turned=(0, 0), sheared=(0, 0), scaled=(1, 1), inverted=0.0)
    with pytest.raises(InputError, match="every condition off.*--zoo.turned"):
        drawn_conditions(off, 3, channels=1, classes=10)


@pytest.mark.parametrize(("classes", "count"), [(4, 6), (5, 20), (10, 252)])
def test_all_halves_once_each_beside_its_complement(classes, count):
    drawn = drawn_halves(ImageZooConfig(tasks="labels"), 5000, classes)
    assert len({row.tobytes() for row in drawn.labels}) == len(drawn.names) == count
    np.testing.assert_array_equal(drawn.labels[::2] + drawn.labels[1::2], 1)
    assert {*drawn.labels.sum(1).tolist()} == {classes // 2, -(-classes // 2)}
    np.testing.assert_array_equal(drawn.group[::2], drawn.group[1::2])
    assert drawn.classes == 2


def test_no_half_of_another_split_is_seen_in_training_nor_its_complement():
    config = ImageZooConfig(tasks="labels", members=(1008,), validation=80, test=80)
    drawn = drawn_halves(config, 1008, 10)
    splits = np.array(task_splits(config, drawn.group))
    assert {split: int((splits == split).sum()) for split in ("train", "validation", "test")} == {
        "train": 212,
        "validation": 20,
        "test": 20,
    }
    halves = {split: {*map(bytes, drawn.labels[splits == split])} for split in ("train", "validation", "test")}
    complements = {split: {*map(bytes, 1 - drawn.labels[splits == split])} for split in halves}
    for one, other in itertools.permutations(halves, 2):
        assert not halves[one] & halves[other] and not halves[one] & complements[other]


def test_too_few_classes_have_no_halves():
    with pytest.raises(InputError, match="at least 4 classes, not of 3"):
        drawn_halves(ImageZooConfig(tasks="labels"), 8, 3)


def test_names_are_permutations_each_once():
    drawn = drawn_names(ImageZooConfig(tasks="renamed"), 50, 3)
    assert len({row.tobytes() for row in drawn.labels}) == 6
    np.testing.assert_array_equal(np.sort(drawn.labels, 1), np.tile(np.arange(3), (6, 1)))


def test_some_classes_are_numbered_in_their_order():
    drawn = drawn_classes(ImageZooConfig(tasks="some", task_classes=2), 50, 4)
    assert drawn.names == tuple(dict.fromkeys(drawn.names)) and len(drawn.names) == 6 and drawn.classes == 2
    for row in drawn.labels:
        assert row[row >= 0].tolist() == [0, 1]
    with pytest.raises(InputError, match="--zoo.task-classes 5 must be less than the 4"):
        drawn_classes(ImageZooConfig(tasks="some"), 50, 4)


def test_shares_and_numbers_of_members_become_tasks():
    config = ImageZooConfig(members=(100,), validation=0.2, test=10)
    splits = task_splits(config, np.arange(50))
    assert splits.count("test") == 5 and 4 <= splits.count("validation") <= 16
