"""Spread: how much networks of like score differ."""

import numpy as np

from netspace_jax.behaviour import Metric
from netspace_jax.metrics.spread import pairwise_agreement, score_at, spread
from tests import tiny


def said(*classes):
    """Outputs that name these classes."""
    return np.eye(tiny.CLASSES, dtype=np.float32)[np.array(classes)]


def test_only_pairs_of_like_score_count():
    outputs = np.stack([said(0, 1, 2, 3), said(0, 1, 2, 0), said(0, 0, 0, 0), said(0, 1, 2, 3)])
    scores = np.array([0.50, 0.52, 0.90, 0.10])
    assert spread(tiny.TASK, outputs, scores) == np.float32(0.25)  # the first two alone are near each other


def test_copies_have_no_spread_and_strangers_have_all():
    same = np.stack([said(0, 1), said(0, 1), said(0, 1)])
    assert spread(tiny.TASK, same, np.full(3, 0.9)) == 0
    assert spread(tiny.TASK, np.stack([said(0, 1), said(1, 0)]), np.full(2, 0.9)) == 1


def test_without_a_pair_there_is_none():
    outputs = np.stack([said(0, 1), said(1, 0)])
    assert np.isnan(spread(tiny.TASK, outputs, np.array([0.2, 0.9])))
    assert np.isnan(spread(tiny.TASK, outputs, np.array([0.2, 0.2]), least=0.8))


def test_pairs_agree_as_often_as_they_name_the_same_class():
    outputs = np.stack([said(0, 1), said(0, 1), said(0, 0)])
    np.testing.assert_allclose(pairwise_agreement(tiny.TASK, outputs), (1 + 0.5 + 0.5) / 3)
    assert np.isnan(pairwise_agreement(tiny.TASK, outputs[:1]))


def test_scores_without_bounds_are_near_by_the_range_that_networks_have():
    """Of 0 to 100: 2 apart are near, 4 apart are not."""

    class Return(type(tiny.TASK)):
        metric = Metric("return", low=-np.inf, high=np.inf)

    behaviour = Return(tiny.SHAPE, tiny.CLASSES, (0.4,), (0.3,))
    outputs = np.stack([said(0, 1), said(0, 1), said(1, 0), said(1, 1)])
    scores = np.array([0.0, 2.0, 6.0, 100.0])
    assert spread(behaviour, outputs, scores) == 0
    assert [score_at(behaviour.metric, scores, share) for share in (0.0, 0.5, 1.0)] == [0, 50, 100]
    assert [score_at(tiny.TASK.metric, scores, share) for share in (0.0, 0.3, 0.8, 1.0)] == [0, 0.3, 0.8, 1]
