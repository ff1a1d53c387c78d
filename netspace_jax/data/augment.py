"""What happens to images between a zoo's uint8 pixels and a network's input (docs/method.md, Zoos).

Pure JAX, so that it runs inside the jitted training step of every network of a vmapped zoo.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt8

from netspace_jax.ops.platform import on_cpu


def normalise(
    x: UInt8[Array | np.ndarray, "*batch h w c"], mean: Sequence[float], std: Sequence[float]
) -> Float[Array, "*batch h w c"]:
    """Pixels as float32, scaled to [0, 1], less the mean, over the standard deviation, channel by channel.

    Raises:
      ValueError: there is not one mean and one standard deviation for each channel.
    """
    if not x.shape[-1] == len(mean) == len(std):
        raise ValueError(f"{len(mean)} means and {len(std)} standard deviations for images of {x.shape[-1]} channels")
    scale = 1 / (255 * np.asarray(std, np.float64))
    shift = -np.asarray(mean, np.float64) / np.asarray(std, np.float64)
    scale, shift = (each.astype(np.float32).reshape((1,) * (x.ndim - 1) + (-1,)) for each in (scale, shift))
    return jnp.asarray(x, jnp.float32) * scale + shift


def augment(
    key: PRNGKeyArray, x: UInt8[Array | np.ndarray, "batch h w c"], crop_padding: int, flip: bool
) -> UInt8[Array, "batch h w c"]:
    """Each image cropped at a random place of itself padded with black, and flipped left to right half of the time.

    Args:
      key: one key for the batch.
      x: images, before normalising: that is what makes the padding black.
      crop_padding: pixels of padding on each side; 0 crops nothing. The paper (arXiv 2206.05194) pads CIFAR-10 by 4 and
        Tiny-ImageNet by 8.
      flip: whether images may be flipped.

    Raises:
      ValueError: the padding is negative.
    """
    if crop_padding < 0:
        raise ValueError(f"a crop padding of {crop_padding} pixels; 0 crops nothing")
    if not crop_padding and not flip:
        return jnp.asarray(x)
    batch, height, width, _ = x.shape
    crop_key, flip_key = jax.random.split(key)
    corners = jnp.zeros((batch, 2), jnp.int32)
    mirrored = jnp.zeros(batch, bool)
    if crop_padding:
        corners = jax.random.randint(crop_key, (batch, 2), -crop_padding, crop_padding + 1)
    if flip:
        mirrored = jax.random.bernoulli(flip_key, 0.5, (batch,))

    if not on_cpu():
        return _by_products(jnp.asarray(x), corners, mirrored)

    # One gather of whole pixels for crop and flip together: among slices, shifts by selection and products with
    # one-hot matrices the quickest on CPU when networks are vmapped inside a loop.
    def window(image: UInt8[Array, "h w c"], corner: Int[Array, "2"], mirror) -> UInt8[Array, "h w c"]:
        columns = jnp.arange(width)
        rows = jnp.arange(height) + corner[0]
        columns = jnp.where(mirror, width - 1 - columns, columns) + corner[1]
        inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
        rows, columns = jnp.clip(rows, 0, height - 1), jnp.clip(columns, 0, width - 1)
        pixels = image.at[rows[:, None], columns[None, :]].get(mode="promise_in_bounds")
        return jnp.where(inside[:, :, None], pixels, jnp.zeros((), image.dtype))

    return jax.vmap(window)(jnp.asarray(x), corners, mirrored)


def mix(
    key: PRNGKeyArray, x: Float[Array, "batch h w c"], others: Float[Array, "batch h w c"]
) -> Float[Array, "batch h w c"]:
    """Each image mixed with another, of which 0.3 to 0.7 is taken (mixup; Zhang et al. 2018, arXiv 1710.09412)."""
    share = jax.random.uniform(key, (len(x), 1, 1, 1), minval=0.3, maxval=0.7)
    return x + share * (others - x)


def _by_products(
    x: UInt8[Array, "batch h w c"], corners: Int[Array, "batch 2"], mirrored: Bool[Array, "batch"]
) -> UInt8[Array, "batch h w c"]:
    """Rows and columns chosen by products with ones and zeros, as accelerators like it: exact in bfloat16."""
    height, width = x.shape[1:3]
    along = jnp.arange(width)[None]
    rows = jnp.arange(height)[None] + corners[:, :1]
    columns = jnp.where(mirrored[:, None], width - 1 - along, along) + corners[:, 1:]
    # What lies outside is a row of zeros, which makes black.
    down, right = (jax.nn.one_hot(at, size, dtype=jnp.bfloat16) for at, size in ((rows, height), (columns, width)))
    moved = jnp.einsum("brh,bhwc->brwc", down, x.astype(jnp.bfloat16))
    return jnp.einsum("bsw,brwc->brsc", right, moved).astype(x.dtype)
