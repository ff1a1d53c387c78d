"""Conditions: known pictures, and what leaves a picture as it is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.domains.images.conditions import Conditions, blurred, jittered, recoloured, seen, warped
from netspace_jax.domains.images.tasks import rotations, warps

IMAGE = jnp.asarray(np.random.default_rng(0).random((5, 5, 3)), jnp.float32)


def one(function, *values):
    return jnp.asarray(function(*(np.array([value]) for value in values))[0], jnp.float32)


@pytest.mark.parametrize("quarters", range(-3, 4))
def test_a_quarter_turn_is_numpys(quarters):
    turned = warped(IMAGE, one(warps, quarters * np.pi / 2, 0.0, 1.0))
    np.testing.assert_allclose(turned, np.rot90(IMAGE, quarters), atol=1e-5)


def test_a_larger_scale_shows_the_middle_larger_and_a_smaller_one_black_around_it():
    middle = jnp.zeros((5, 5, 1)).at[2, 2].set(1.0)
    large, small = (warped(middle, one(warps, 0.0, 0.0, scale)) for scale in (2.0, 0.5))
    np.testing.assert_allclose(large[2, :, 0], [0, 0.5, 1, 0.5, 0], atol=1e-6)
    np.testing.assert_allclose(small[2, :, 0], [0, 0, 1, 0, 0], atol=1e-6)
    white = warped(jnp.ones((5, 5, 1)), one(warps, 0.0, 0.0, 0.5))
    assert white[0].max() == 0 and white[2, 2, 0] == 1


def test_shear_moves_rows_by_how_far_they_are_from_the_middle():
    column = jnp.zeros((5, 5, 1)).at[:, 2].set(1.0)
    sheared = warped(column, one(warps, 0.0, 1.0, 1.0))[..., 0]
    np.testing.assert_allclose(sheared, np.eye(5)[::-1], atol=1e-6)


def test_a_blur_spreads_a_point_and_leaves_what_is_flat():
    point = blurred(jnp.zeros((9, 9, 1)).at[4, 4].set(1.0), jnp.float32(1.0))
    np.testing.assert_allclose(point.sum(), 1, rtol=1e-2)
    np.testing.assert_allclose(point[4, 5] / point[4, 4], np.exp(-0.5), rtol=1e-3)
    np.testing.assert_allclose(blurred(jnp.full((4, 6, 3), 0.3), jnp.float32(2.0)), 0.3, rtol=1e-5)
    np.testing.assert_allclose(blurred(IMAGE, jnp.float32(0.0)), IMAGE, atol=1e-6)


def test_colours_turn_about_grey_and_keep_their_distance_from_it():
    rotation = one(rotations, 1.0, 0.3, 2.0)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(np.trace(rotation), 1 + 2 * np.cos(1.0), rtol=1e-5)
    grey = jnp.full((1, 1, 3), 0.5)
    np.testing.assert_allclose(recoloured(grey, rotation), grey, atol=1e-6)
    before, after = (np.linalg.norm(image - 0.5, axis=-1) for image in (IMAGE, recoloured(IMAGE, rotation)))
    np.testing.assert_allclose(before, after, rtol=1e-4)


def test_contrast_inversion_and_noise():
    key = jax.random.key(0)
    flat = seen(key, IMAGE, Conditions(contrast=jnp.float32(0.0)))
    np.testing.assert_allclose(flat, IMAGE.mean(), rtol=1e-5)
    np.testing.assert_allclose(seen(key, IMAGE, Conditions(inverted=jnp.array(True))), 1 - IMAGE, rtol=1e-6)
    np.testing.assert_array_equal(seen(key, IMAGE, Conditions(inverted=jnp.array(False))), IMAGE)
    noisy = seen(key, jnp.zeros((64, 64, 1)), Conditions(noise=jnp.float32(0.2)))
    np.testing.assert_allclose(noisy.std(), 0.2, rtol=0.05)
    np.testing.assert_array_equal(seen(key, IMAGE, Conditions()), IMAGE)


def test_jitter_changes_each_image_on_its_own_and_by_as_much_as_asked():
    turned = Conditions(warp=one(warps, 0.3, 0.1, 0.9))
    many = jax.vmap(lambda normal: jittered(normal, turned, 0.1, 8))(jax.random.normal(jax.random.key(0), (400, 6)))
    change = many.warp @ jnp.linalg.inv(turned.warp) - jnp.eye(2)[None]
    assert float(jnp.abs(change.mean(0)).max()) < 0.02 and abs(float(change.std()) - 0.1) < 0.01
    assert abs(float(many.shift.std()) - 0.4) < 0.04
    still = jittered(jnp.ones(6), Conditions(), 0.0, 5)
    np.testing.assert_allclose(seen(jax.random.key(2), IMAGE, still), IMAGE, atol=1e-6)


def test_a_shift_moves_what_is_seen():
    shifted = seen(jax.random.key(0), IMAGE, Conditions(warp=jnp.eye(2), shift=jnp.array([1.0, 0.0])))
    np.testing.assert_allclose(shifted[:, :-1], IMAGE[:, 1:], atol=1e-6)
