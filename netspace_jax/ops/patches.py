"""Convolutions as accelerators compute them: by the library, or by products over patches, batched over networks."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Pair = tuple[int, int]


def library_conv2d(
    x: Float[Array, "h c w batch"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair
) -> Float[Array, "h2 out w2 batch"]:
    """2-D convolution with zero padding, as XLA has it: grouped, and slow, where kernels are vmapped."""
    return jax.lax.conv_general_dilated(
        x, kernel, stride, [(p, p) for p in padding], dimension_numbers=("HCWN", "HWIO", "HCWN")
    )


def patch_conv2d(
    x: Float[Array, "h c w batch"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair
) -> Float[Array, "h2 out w2 batch"]:
    """The same by one matrix product over patches, batched where kernels are vmapped."""
    (rows, columns), (kh, kw) = padding, kernel.shape[:2]
    x = jnp.pad(x, ((rows, rows), (0, 0), (columns, columns), (0, 0)))
    height, width = ((size - k) // s + 1 for size, k, s in zip(x.shape[::2], (kh, kw), stride, strict=True))
    down, right = stride[0] * (height - 1) + 1, stride[1] * (width - 1) + 1
    patches = [
        x[row : row + down : stride[0], :, column : column + right : stride[1]]
        for row in range(kh)
        for column in range(kw)
    ]
    matrix = kernel.reshape(-1, kernel.shape[3])  # taps and channels in the order of the patches
    y = jnp.einsum("ko,hkwn->hown", matrix, jnp.concatenate(patches, 1), preferred_element_type=jnp.float32)
    return y.astype(x.dtype)
