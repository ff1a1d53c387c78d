"""What a network is: architectures by name, and their parameters as trees, flat vectors and PReps."""

from netspace_jax.architectures.architecture import Architecture
from netspace_jax.architectures.registry import build, names, register
from netspace_jax.architectures.symmetry import permuted_copies

__all__ = ["Architecture", "build", "names", "permuted_copies", "register"]
