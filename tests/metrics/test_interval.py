"""Intervals of means."""

import numpy as np

from netspace_jax.metrics.interval import mean_interval


def test_the_interval_is_that_of_the_normal_approximation_for_many_values():
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    low, high = mean_interval(values)
    error = 1.96 * values.std() / 20
    np.testing.assert_allclose([low, high], [values.mean() - error, values.mean() + error], atol=0.03)


def test_equal_values_and_one_value_have_no_width():
    assert mean_interval(np.full(5, 0.25)) == (0.25, 0.25)
    assert mean_interval(np.array([0.5])) == (0.5, 0.5)
