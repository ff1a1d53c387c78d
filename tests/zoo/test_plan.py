"""What is drawn for each member: keys, stopping steps, splits, and who trains together."""

import dataclasses

import jax
import numpy as np
import pytest
import scipy.stats

from netspace_jax.config import ZooConfig
from netspace_jax.ops.keys import Purpose
from netspace_jax.zoo.plan import (
    CHUNK_BYTES,
    MAX_CHUNK,
    PAPER_EPOCHS,
    chunk_size,
    chunks_of,
    draws_of,
    member_keys,
    splits_of,
    stops_of,
    validation_steps,
)
from tests import tiny

NAME = "perceptron3"


def test_seeds_and_architectures_give_other_keys():
    keys = [
        jax.random.key_data(member_keys(config, name, 4))
        for config, name in ((ZooConfig(), "a"), (ZooConfig(), "b"), (ZooConfig(seed=1), "a"))
    ]
    assert len(np.unique(np.concatenate(keys), axis=0)) == 12


def test_a_bigger_zoo_draws_the_same_for_its_earlier_members():
    for drawn in (stops_of, lambda *who: draws_of(*who, Purpose.SPLIT)):
        small, big = (drawn(ZooConfig(), "lenetlike", count) for count in (10, 1000))
        np.testing.assert_array_equal(big[:10], small)
    few, many = (jax.random.key_data(member_keys(ZooConfig(), "lenetlike", count)) for count in (10, 1000))
    np.testing.assert_array_equal(many[:10], few)


# where members stop


def test_stops_are_log_uniform_within_their_bounds():
    stops = stops_of(ZooConfig(steps=400, min_steps=3), "lenetlike", 4000)
    assert stops.min() == 3 and stops.max() == 400
    share = np.histogram(stops, 3 * 2.0 ** np.arange(8))[0] / len(stops)
    np.testing.assert_allclose(share, np.log(2) / np.log(401 / 3), atol=0.02)  # each doubling as likely as the next


def test_split_draws_are_uniform_and_do_not_follow_the_stops():
    draws = draws_of(ZooConfig(), "lenetlike", 4000, Purpose.SPLIT)
    assert scipy.stats.kstest(draws, "uniform").pvalue > 1e-3
    assert abs(scipy.stats.spearmanr(draws, stops_of(ZooConfig(), "lenetlike", 4000)).statistic) < 0.06


def test_the_papers_stops():
    """0 to 99 by 1, 101 to 199 by 2, 204 to 299 by 5, 309 to 399 by 10, 424 to 499 by 25, 549, 599: 186 of them."""
    assert len(set(PAPER_EPOCHS)) == 186 and list(PAPER_EPOCHS) == sorted(PAPER_EPOCHS)
    for low, high, by, count in (
        (0, 99, 1, 100),
        (101, 199, 2, 50),
        (204, 299, 5, 20),
        (309, 399, 10, 10),
        (424, 499, 25, 4),
    ):
        assert np.array_equal([epoch for epoch in PAPER_EPOCHS if low <= epoch <= high], np.linspace(low, high, count))
        assert (high - low) // by + 1 == count
    config = ZooConfig(stops="paper", steps=599 * 312)
    np.testing.assert_array_equal(stops_of(config, "resnet8", 186), np.array(PAPER_EPOCHS) * 312)


def test_members_that_stop_at_the_end_and_the_teacher():
    assert (stops_of(ZooConfig(stops="end", steps=7), "lenetlike", 3) == 7).all()
    assert (stops_of(ZooConfig(steps=7, teacher="resnet56"), "resnet56", 1) == 7).all()
    longer = ZooConfig(steps=7, teacher="resnet56", teacher_steps=50)
    assert (stops_of(longer, "resnet56", 1) == 50).all() and stops_of(longer, "lenetlike", 9).max() <= 7


@pytest.mark.parametrize(
    ("count", "share", "steps"),
    [(0, 0.7, ()), (1, 0.7, (12,)), (4, 0.25, (3, 6, 9, 12)), (4, 0.0, (0, 4, 8, 12)), (40, 0.9, (11, 12))],
)
def test_validation_checks_are_spread_over_the_end_of_training(count, share, steps):
    assert validation_steps(tiny.zoo_config(steps=12, validations=count, validate_from=share)) == steps


# splits


@pytest.mark.parametrize(
    ("validation", "test", "counts"),
    [(4, 5, (11, 4, 5)), (0.0, 5, (15, 0, 5)), (4, 0.0, (16, 4, 0)), (20, 20, (0, 0, 20))],
)
def test_numbers_and_shares_may_be_mixed(validation, test, counts):
    config = tiny.zoo_config(validation=validation, test=test)
    splits = splits_of(config, NAME)
    assert tuple(splits.count(name) for name in ("train", "validation", "test")) == counts


def test_a_share_beside_a_number():
    config = tiny.zoo_config(validation=0.5, test=400)
    splits = splits_of(dataclasses.replace(config, members=(4000,)), NAME)
    assert splits.count("test") == 400 and 1900 < splits.count("validation") < 2100


def test_the_teacher_is_in_a_split_of_its_own():
    config = tiny.zoo_config(teacher="perceptron5")
    assert splits_of(config, "perceptron5") == ["teacher"] and "teacher" not in splits_of(config, NAME)


def test_a_member_is_in_the_split_of_its_item():
    config = tiny.zoo_config(members=(7,), teacher="perceptron5")
    assert splits_of(config, NAME, ("train", "test", "train")) == ["train", "test", "train"] * 2 + ["train"]
    assert splits_of(config, "perceptron5", ("train",)) == ["teacher"]


# chunks


def test_a_chunk_has_as_many_networks_as_its_bytes_hold():
    config = tiny.zoo_config(chunk=0)
    assert chunk_size(config, 1185) == 3520 and CHUNK_BYTES > 3520 * 4 * 1185
    assert chunk_size(config, 10) == MAX_CHUNK and chunk_size(config, 10**7) == 64
    assert chunk_size(tiny.zoo_config(chunk=6), 1185) == 6


def test_members_of_like_stops_train_together_and_the_longest_first():
    config = tiny.zoo_config()
    stops = stops_of(config, NAME, 20)
    chunks = chunks_of(stops, 6)
    assert [len(indices) for indices in chunks] == [6, 6, 6, 2]
    order = np.concatenate(chunks)
    assert sorted(order) == list(range(20))
    assert (np.diff(stops[order]) <= 0).all()
