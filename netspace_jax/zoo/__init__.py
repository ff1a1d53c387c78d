"""Populations of trained networks: how one trains, how many do, and how they lie on disk."""

from netspace_jax.zoo.export import export_zoo
from netspace_jax.zoo.storage import Networks, Zoo
from netspace_jax.zoo.table import Member
from netspace_jax.zoo.train import train_zoo, zoo_name
from netspace_jax.zoo.training import supervised

__all__ = ["Member", "Networks", "Zoo", "export_zoo", "supervised", "train_zoo", "zoo_name"]
