"""Augmentation by its properties: crops are windows of the padded image, flips are fair, keys decide everything."""

import itertools

import jax
import numpy as np
import pytest

from netspace_jax.data.augment import augment, normalise

jitted = jax.jit(augment, static_argnums=(2, 3))


def labelled_images(batch, height, width):
    """Images whose pixels tell where they stand: 1 + row, 1 + column, number of the image; never black."""
    image = np.stack(np.broadcast_arrays(1 + np.arange(height)[:, None], 1 + np.arange(width)[None, :]), -1)
    images = np.broadcast_to(image, (batch, height, width, 2))
    numbers = np.broadcast_to(1 + np.arange(batch).reshape(-1, 1, 1, 1) % 255, (batch, height, width, 1))
    return np.concatenate([images, numbers], -1).astype(np.uint8)


def windows(image, padding):
    """Every crop of the padded image, plain and mirrored, by (top, left, mirrored)."""
    height, width, _ = image.shape
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)))
    for top, left, mirrored in itertools.product(range(2 * padding + 1), range(2 * padding + 1), (False, True)):
        crop = padded[top : top + height, left : left + width]
        yield (top, left, mirrored), crop[:, ::-1] if mirrored else crop


def which(result, image, padding):
    found = [at for at, window in windows(image, padding) if np.array_equal(window, result)]
    assert len(found) == 1, f"the result is {len(found)} windows of the padded image"
    return found[0]


@pytest.mark.parametrize(("height", "width", "padding"), [(8, 8, 1), (6, 9, 2), (5, 5, 4), (3, 4, 5)])
def test_each_result_is_a_window_of_its_padded_image(height, width, padding):
    x = labelled_images(32, height, width)
    result = np.asarray(jitted(jax.random.key(0), x, padding, True))
    assert result.dtype == np.uint8
    # A window wholly outside the image is black whatever its place; only large padding has those.
    seen = [which(r, image, padding) for r, image in zip(result, x, strict=True) if r.any()]
    assert len(seen) >= 8
    assert len(set(seen)) > 4, "images of a batch are cropped independently"


def test_crops_and_flips_are_uniform_and_independent():
    x = labelled_images(4500, 3, 3)
    result = np.asarray(jitted(jax.random.key(1), x, 1, True))
    counts = dict.fromkeys(itertools.product(range(3), range(3), (False, True)), 0)
    for r, image in zip(result, x, strict=True):
        counts[which(r, image, 1)] += 1
    expected = 4500 / 18
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 46  # χ² of 17: beyond this 1 in 5,000


def test_flip_alone_mirrors_half_of_the_images_and_nothing_else():
    x = labelled_images(2000, 4, 5)
    result = np.asarray(jitted(jax.random.key(2), x, 0, True))
    mirrored = (result == x[:, :, ::-1]).all((1, 2, 3))
    assert ((result == x).all((1, 2, 3)) ^ mirrored).all()
    assert abs(mirrored.mean() - 0.5) < 0.045  # four standard deviations


def test_crop_alone_never_mirrors():
    x = labelled_images(200, 6, 6)
    result = np.asarray(jitted(jax.random.key(3), x, 2, False))
    assert not any(which(r, image, 2)[2] for r, image in zip(result, x, strict=True))


def test_without_padding_and_flip_nothing_happens():
    x = labelled_images(7, 4, 4)
    np.testing.assert_array_equal(jitted(jax.random.key(4), x, 0, False), x)


def test_the_key_decides():
    x = labelled_images(16, 8, 8)
    first, again, other = (np.asarray(jitted(jax.random.key(seed), x, 2, True)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_vmapped_and_jitted_equals_alone():
    x = np.stack([labelled_images(8, 6, 6), labelled_images(8, 6, 6)[::-1], 255 - labelled_images(8, 6, 6)])
    vmapped = jax.jit(jax.vmap(lambda key, images: augment(key, images, 2, True)))
    together = vmapped(jax.random.split(jax.random.key(7), 3), x)
    for i, key in enumerate(jax.random.split(jax.random.key(7), 3)):
        np.testing.assert_array_equal(together[i], jitted(key, x[i], 2, True))


def test_negative_padding_is_refused():
    with pytest.raises(ValueError, match="-1"):
        augment(jax.random.key(8), labelled_images(1, 4, 4), -1, False)


def test_normalise_gives_known_values():
    x = np.array([[[[0, 51, 255]]]], np.uint8)
    result = normalise(x, (0.0, 0.5, 0.5), (1.0, 0.1, 0.25))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, [[[[0.0, -3.0, 2.0]]]], atol=1e-6)


def test_normalise_gives_zero_mean_and_unit_standard_deviation():
    x = np.random.RandomState(0).randint(0, 256, (5, 4, 6, 6, 1), dtype=np.uint8)
    mean, std = float((x / 255).mean()), float((x / 255).std())
    result = np.asarray(jax.jit(normalise, static_argnums=(1, 2))(x, (mean,), (std,)))
    assert abs(result.mean()) < 1e-6 and abs(result.std() - 1) < 1e-6


def test_normalise_wants_a_mean_for_each_channel():
    with pytest.raises(ValueError, match="1 means"):
        normalise(np.zeros((1, 2, 2, 3), np.uint8), (0.5,), (0.5,))
