"""The convolution that all architectures share: one that stays fast when its kernel is vmapped or inside a loop.

On CPU a vmapped kernel makes `lax.conv` a grouped convolution, whose gradient is slow, and any `lax.conv` inside a
loop runs a naive kernel, some 50 times slower. Slices and one matrix product have neither problem, so the CPU takes
them, in the form that costs least for the layer; other backends keep their own convolution.
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Pair = tuple[int, int]

_MOST_GROUPS = 16  # each is a slice of its own in the program


def conv2d(x: Float[Array, "batch h w c"], kernel: Float[Array, "kh kw c out"], stride: Pair,
           padding: Pair) -> Float[Array, "batch h2 w2 out"]:
    """2-D convolution (cross-correlation) with zero padding."""
    if jax.default_backend() != "cpu":
        return jax.lax.conv_general_dilated(x, kernel, stride, [(p, p) for p in padding],
                                            dimension_numbers=("NHWC", "HWIO", "NHWC"))
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


def columns_together(image: tuple[int, int, int], kernel: tuple[int, int, int, int], stride: Pair, padding: Pair) -> int:
    """How many output columns one row of the matrix product computes: 1, 2 or a whole row, whichever costs least.

    The cost of each element of the patches is that of copying it, higher for short runs, and of its share of the
    products, which are no cheaper for fewer than 32 columns; the weights were fitted to times on an AMD EPYC.
    """
    kh, kw, channels, out = kernel
    out_h, out_w = (max((size + 2 * p - k) // s + 1, 1) for size, p, k, s in zip(image, padding, kernel, stride, strict=False))

    def cost(group: int) -> float:
        groups, span = -(-out_w // group), stride[1] * (group - 1) + kw
        copy = 2 + 8 / channels if group == 1 else 2.0 if groups == 1 else 3.5
        return math.prod((out_h, groups, kh, span, channels)) * (copy + 0.07 * max(group * out, 32))

    return min([group for group in (1, 2, out_w) if group == 1 or kw > 1 and -(-out_w // group) <= _MOST_GROUPS], key=cost)
