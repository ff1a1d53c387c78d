"""NetSpace: encoder, decoder, loss and training; and the trained space as one value."""

from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.space.network import Network
from netspace_jax.space.opening import load
from netspace_jax.space.space import Space

__all__ = ["Constants", "NetSpace", "Network", "Space", "load"]
