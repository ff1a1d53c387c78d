"""Sentences computed from figures: each outcome has its own, and none claims what the figures do not."""

import numpy as np
import pytest

from netspace_jax.domains.images.redundancy import enough
from netspace_jax.report.architectures import kept
from netspace_jax.report.words import difference, interval, listed, number, relation

NOISE = np.random.default_rng(0).standard_normal(200)


@pytest.mark.parametrize(
    ("shift", "word"), [(1.0, "higher by 1.0"), (-1.0, "lower by 1.0"), (0.0, "no different within the 95 % interval")]
)
def test_a_difference_is_claimed_where_its_interval_is_off_zero(shift, word):
    """Of networks that differ among each other far more than by what is asked about."""
    base = 100 * np.arange(200.0)
    text = difference(base + shift + NOISE - NOISE.mean(), base, digits=1, unit=" dB")
    assert text.startswith(word) and "95 % interval" in text and " dB" in text


def test_an_interval_is_told_from_its_nearer_end_to_its_farther():
    text = difference(np.zeros(50), 1 + 0.1 * NOISE[:50], more="larger", less="smaller")
    low, high = (float(word) for word in text.split("interval ")[1].rstrip(")").split(" to "))
    assert text.startswith("smaller by ") and 0.9 < low < high < 1.1


def test_equal_values_do_not_differ():
    assert difference(NOISE, NOISE) == "the same for each"


@pytest.mark.parametrize(
    ("value", "other", "text"),
    [
        (0.5, 0.25, "higher by 0.250"),
        (0.25, 0.5, "lower by 0.250"),
        (0.5001, 0.5004, "the same"),
        (0.5, float("nan"), "not comparable: one of them is undefined"),
    ],
)
def test_a_relation_says_no_more_than_the_digits_shown(value, other, text):
    assert relation(value, other) == text


def test_names_for_people():
    assert number(float("nan")) == "–" and number(0.25) == "0.250"
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c"


def test_what_a_common_teacher_costs_is_said_where_it_costs_something():
    lost = kept({"lenet": (0.9, 0.98)}, "predict the same class", "common")
    assert "of their disagreement 20% is kept" in lost and "One common teacher" in lost
    assert "teacher" not in kept({"lenet": (0.9, 0.98)}, "predict the same class", "self")
    same = kept({"lenet": (0.9, 0.89)}, "predict the same class", "common")
    assert same.endswith("what tells them apart is kept.")


def test_how_many_values_are_enough():
    sizes = np.array([2, 4, 8])
    found = np.array([[0.2, 0.5], [0.1, 0.895], [0.1, 0.9]])
    assert "0.900, comes with 8 values; 4 have all of it but a hundredth (0.895)" in enough("values", sizes, found)
    found[1, 1] = 0.7
    assert "fewer than 8 cost more than a hundredth" in enough("values", sizes, found)


def test_few_networks_have_no_interval():
    few, many = np.linspace(0, 1, 9), np.linspace(0, 1, 10)
    assert "too" in interval(few) and "9" in interval(few) and "–" in interval(many)
    assert "too few (9)" in difference(few + 1, few) and "too few" not in difference(many + 1, many)
