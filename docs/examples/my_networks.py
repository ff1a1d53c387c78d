"""An architecture of one's own.

python train.py digits --out runs/tiny --modules docs/examples/my_networks.py --zoo.architectures tiny
"""

import flax.linen as nn

from netspace_jax import architectures


class Tiny(nn.Module):
    """One hidden layer."""

    outputs: int

    @nn.compact
    def __call__(self, x):
        x = x.reshape(len(x), -1)
        return nn.Dense(self.outputs)(nn.relu(nn.Dense(16)(x)))


architectures.register("tiny", lambda input_shape, outputs: Tiny(outputs))
