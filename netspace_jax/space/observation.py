"""What an encoder may look at of ONE network."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import to_prep
from netspace_jax.behaviour import Behaviour


class Observation(NamedTuple):
    """What there is to see of a network; an encoder looks at what it needs.

    Attributes:
      description: what the behaviour says of its outputs on the probes.
      statistics: size of each of its parameter tensors.
      prep: its parameters.
    """

    description: Float[Array, "features"]
    statistics: Float[Array, "statistics"]
    prep: Float[Array, "h w"]


def observe(
    architecture: Architecture,
    flat: Float[Array, "size"],
    outputs: Float[Array, "probe *output"],
    *,
    behaviour: Behaviour,
    prep: tuple[int, int],
    tensors: int,
) -> Observation:
    """All that an encoder may look at of a network.

    Args:
      outputs: its outputs on the probes.
      prep: rows and columns of a PRep.
      tensors: parameter tensors of the architecture that has the most, to which statistics are filled up.
    """
    return Observation(behaviour.describe(outputs), tensor_statistics(architecture, flat, tensors), to_prep(flat, prep))


def tensor_statistics(architecture: Architecture, flat: Float[Array, "size"], count: int) -> Float[Array, "statistics"]:
    """Log root mean square of each parameter tensor, in forward order; zeros for those that the architecture lacks.

    They show how far each layer was trained and, since architectures differ in number and sizes of their layers, which
    one it is. The order of a layer's neurons does not change them (docs/method.md, eq. 6).
    """
    spec = architecture.spec
    squares = [
        jnp.square(flat[start : start + leaf.size]).mean()
        for leaf, start in zip(spec.leaves, spec.offsets, strict=True)
    ]
    return 0.5 * jnp.log(jnp.pad(jnp.stack(squares), (0, count - len(squares))) + 1e-6)
