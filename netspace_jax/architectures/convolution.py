"""The convolution that all architectures share: one that stays fast when its kernel is vmapped or inside a loop.

On CPU a vmapped kernel makes `lax.conv` a grouped convolution, whose gradient is slow, and any `lax.conv` inside a
loop runs a naive kernel, some 50 times slower. Slices and one matrix product have neither problem, so the CPU takes
them, in the form that costs least for the layer; other backends keep their own convolution.
"""

import functools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Pair = tuple[int, int]

_MOST_GROUPS = 16  # each is a slice of its own in the program
_TILE_BYTES = 2_000_000  # patches that a core's cache holds


def conv2d(x: Float[Array, "batch h w c"], kernel: Float[Array, "kh kw c out"], stride: Pair,
           padding: Pair) -> Float[Array, "batch h2 w2 out"]:
    """2-D convolution (cross-correlation) with zero padding."""
    if jax.default_backend() != "cpu":
        return jax.lax.conv_general_dilated(x, kernel, stride, [(p, p) for p in padding],
                                            dimension_numbers=("NHWC", "HWIO", "NHWC"))
    if isinstance(x.shape[0], int):  # and not the symbol of any batch, of a network that is exported
        tile = images_together(x.shape, kernel.shape, stride, padding)
        if tile < x.shape[0]:
            return tiled_conv2d(x, kernel, stride, padding, tile)
    group = columns_together(x.shape[1:], kernel.shape, stride, padding)
    if group == 1:
        kh, kw, channels, out = kernel.shape
        return im2col(x, (kh, kw), stride, padding) @ kernel.reshape(kh * kw * channels, out)
    return banded_conv2d(x, kernel, stride, padding, group)


def im2col(x: Float[Array, "batch h w c"], kernel_size: Pair, stride: Pair, padding: Pair) -> Float[Array, "batch h2 w2 k"]:
    """Patches under a sliding window, ordered (row, column, channel), by strided slices alone."""
    (kh, kw), (sh, sw), (ph, pw) = kernel_size, stride, padding
    if ph or pw:
        x = jnp.pad(x, ((0, 0), (ph, ph), (pw, pw), (0, 0)))
    out_h, out_w = (x.shape[1] - kh) // sh + 1, (x.shape[2] - kw) // sw + 1
    windows = [x[:, i:i + sh * (out_h - 1) + 1:sh, j:j + sw * (out_w - 1) + 1:sw] for i in range(kh) for j in range(kw)]
    return windows[0] if len(windows) == 1 else jnp.concatenate(windows, axis=-1)


def banded_conv2d(x: Float[Array, "batch h w c"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair,
                  group: int) -> Float[Array, "batch h2 w2 out"]:
    """The same for `group` neighbouring output columns at once.

    Their windows overlap, so that less is copied, in longer runs, than patch by patch; in return the matrix of the
    product is banded, and its zeros are multiplied too.
    """
    kh, kw, channels, out = kernel.shape
    (sh, sw), (ph, pw) = stride, padding
    out_h, out_w = (x.shape[1] + 2 * ph - kh) // sh + 1, (x.shape[2] + 2 * pw - kw) // sw + 1
    groups, span = -(-out_w // group), sw * (group - 1) + kw
    right = sw * group * (groups - 1) + span - x.shape[2] - pw
    x = jnp.pad(x, ((0, 0), (ph, ph), (pw, max(right, 0)), (0, 0)))

    def windows(rows):
        parts = [rows[:, :, sw * group * i:sw * group * i + span] for i in range(groups)]
        return jnp.stack(parts, 2).reshape(x.shape[0], out_h, groups, span * channels)

    patches = jnp.concatenate([windows(x[:, i:i + sh * (out_h - 1) + 1:sh]) for i in range(kh)], -1)
    band = jnp.stack([jnp.pad(kernel, ((0, 0), (sw * j, span - kw - sw * j), (0, 0), (0, 0))) for j in range(group)], 3)
    y = patches @ band.reshape(kh * span * channels, group * out)
    return y.reshape(x.shape[0], out_h, groups * group, out)[:, :, :out_w]


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def tiled_conv2d(x: Float[Array, "batch h w c"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair,
                 tile: int) -> Float[Array, "batch h2 w2 out"]:
    """The same for `tile` images after `tile` images, so that the patches of a tile never leave the cache.

    They are not kept for the gradient, but cut again: that costs less than to write and read the patches of a batch
    (ResNet8, 32×32, batch 128: 155 ms a network step on two cores against 220).
    """
    y = jax.lax.map(lambda part: _patch_products(part, kernel, stride, padding), _tiles(x, tile))
    return y.reshape(len(x), *y.shape[2:])


def _tiles(x: Float[Array, "batch h w c"], tile: int) -> Float[Array, "tiles tile h w c"]:
    return x.reshape(-1, tile, *x.shape[1:])


def _patch_products(x, kernel, stride, padding):
    patches = im2col(x, kernel.shape[:2], stride, padding)
    # As one matrix: XLA turns the product of more axes, and above all its gradient, into slower ones.
    y = patches.reshape(-1, patches.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1])
    return y.reshape(*patches.shape[:3], -1)


def _tiled_forward(x, kernel, stride, padding, tile):
    return tiled_conv2d(x, kernel, stride, padding, tile), (x, kernel)


def _tiled_backward(stride, padding, tile, kept, dy):
    x, kernel = kept

    def one(total, parts):
        _, back = jax.vjp(lambda part, kernel: _patch_products(part, kernel, stride, padding), parts[0], kernel)
        dx, dkernel = back(parts[1])
        return total + dkernel, dx

    dkernel, dx = jax.lax.scan(one, jnp.zeros_like(kernel), (_tiles(x, tile), _tiles(dy, tile)))
    return dx.reshape(x.shape), dkernel


tiled_conv2d.defvjp(_tiled_forward, _tiled_backward)


def _output_size(image, kernel_size, stride, padding) -> Pair:
    return tuple(max((size + 2 * p - k) // s + 1, 1) for size, p, k, s in zip(image, padding, kernel_size, stride, strict=True))


def images_together(x: tuple[int, int, int, int], kernel: tuple[int, int, int, int], stride: Pair, padding: Pair) -> int:
    """How many images' patches are made at once: all, or as many as divide the batch and as a core's cache holds."""
    each = 4 * math.prod(_output_size(x[1:3], kernel[:2], stride, padding)) * math.prod(kernel[:3])
    most = max(_TILE_BYTES // each, 1)
    return max(tile for tile in range(1, min(most, x[0]) + 1) if x[0] % tile == 0)


def columns_together(image: tuple[int, int, int], kernel: tuple[int, int, int, int], stride: Pair, padding: Pair) -> int:
    """How many output columns one row of the matrix product computes: 1, 2 or a whole row, whichever costs least.

    The cost of each element of the patches is that of copying it, higher for short runs, and of its share of the
    products, which are no cheaper for fewer than 32 columns; the weights were fitted to times on an AMD EPYC.
    """
    kh, kw, channels, out = kernel
    out_h, out_w = _output_size(image[:2], kernel[:2], stride, padding)

    def cost(group: int) -> float:
        groups, span = -(-out_w // group), stride[1] * (group - 1) + kw
        copy = 2 + 8 / channels if group == 1 else 2.0 if groups == 1 else 3.5
        return math.prod((out_h, groups, kh, span, channels)) * (copy + 0.07 * max(group * out, 32))

    return min([group for group in (1, 2, out_w) if group == 1 or kw > 1 and -(-out_w // group) <= _MOST_GROUPS], key=cost)
