"""Populations of trained networks: how one trains, how many do, and how they lie on disk."""

from netspace_jax.zoo.export import export_zoo
from netspace_jax.zoo.storage import Networks, Zoo
from netspace_jax.zoo.table import Member
from netspace_jax.zoo.train import fingerprint, train_zoo, zoo_name
from netspace_jax.zoo.training import supervised
from netspace_jax.zoo.write import LeftOut, Scored, write_zoo

__all__ = [
    "LeftOut",
    "Member",
    "Networks",
    "Scored",
    "Zoo",
    "export_zoo",
    "fingerprint",
    "supervised",
    "train_zoo",
    "write_zoo",
    "zoo_name",
]
