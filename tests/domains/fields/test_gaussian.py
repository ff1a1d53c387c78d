"""A Gaussian of the data, conditioned on what was seen."""

import numpy as np

from netspace_jax.domains.fields.gaussian import conditioned


def test_two_values_that_vary_together_tell_of_each_other():
    """With correlation r and equal variances the mean of one, given the other, is r times it."""
    x = np.random.default_rng(0).standard_normal((20_000, 2))
    training = np.stack([x[:, 0], 0.6 * x[:, 0] + 0.8 * x[:, 1]], 1)[..., None]
    mask = np.array([[True, False]])
    filled = conditioned(training, np.array([[[2.0], [99.0]]]), mask, 1e-9)
    np.testing.assert_allclose(filled[0, :, 0], [2.0, 1.2], atol=0.05)
    timid = conditioned(training, np.array([[[2.0], [99.0]]]), mask, 1.0)
    np.testing.assert_allclose(timid[0, :, 0], [1.0, 0.6], atol=0.05)


def test_each_signal_is_filled_by_its_own_mask_and_all_of_its_channels():
    rng = np.random.default_rng(1)
    training = (rng.standard_normal((500, 3)) @ rng.standard_normal((3, 10))).reshape(500, 5, 2)
    masks = np.array([[True, True, False, False, True], [False, True, True, True, False]])
    filled = conditioned(training, np.where(masks[..., None], training[:2], 7.0), masks, 1e-9)
    np.testing.assert_allclose(filled, training[:2], atol=1e-2)
