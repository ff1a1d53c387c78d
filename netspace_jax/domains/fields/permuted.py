"""Networks with their hidden neurons in another order: other weights, the same function."""

import numpy as np
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.ops.mapping import Rows


def permuted(
    architecture: Architecture, flats: Float[Rows, "network size"], seed: int = 0
) -> Float[np.ndarray, "network size"]:
    """Copies of networks of dense layers, one after another, with the neurons of each hidden layer in a random order.

    Raises:
      ValueError: the architecture has other layers.
    """
    spec, rng = architecture.spec, np.random.default_rng(seed)
    shapes = [leaf.torch_shape for leaf in spec.leaves]
    kernels, biases = shapes[::2], shapes[1::2]
    chained = all(len(kernel) == 2 and bias == kernel[:1] for kernel, bias in zip(kernels, biases, strict=False))
    if len(kernels) != len(biases) or not chained or [k[1] for k in kernels[1:]] != [k[0] for k in kernels[:-1]]:
        raise ValueError(f"{architecture.name} is not a chain of dense layers")
    found, offsets = np.array(flats), spec.offsets
    for layer in range(len(kernels) - 1):
        order = np.argsort(rng.random((len(found), kernels[layer][0])), 1)
        # Rows of a kernel are its outputs, columns its inputs; a bias is a column of outputs.
        for leaf, axis in ((2 * layer, 1), (2 * layer + 1, 1), (2 * layer + 2, 2)):
            part = slice(offsets[leaf], offsets[leaf] + spec.leaves[leaf].size)
            values = found[:, part].reshape(len(found), *shapes[leaf])
            index = order.reshape(len(found), *(-1 if i == axis else 1 for i in range(1, values.ndim)))
            found[:, part] = np.take_along_axis(values, index, axis).reshape(len(found), -1)
    return found
