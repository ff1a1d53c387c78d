"""Populations of trained networks as values: trained in memory or on disk, read, written and imported."""

from netspace_jax.zoo.export import export_zoo
from netspace_jax.zoo.fit import OnZooProgress, fit_zoo
from netspace_jax.zoo.storage import open_zoo, save_zoo
from netspace_jax.zoo.table import Members
from netspace_jax.zoo.train import fingerprint, train_zoo, zoo_name
from netspace_jax.zoo.training import MakeTraining, recipe
from netspace_jax.zoo.write import LeftOut, Scored, write_zoo
from netspace_jax.zoo.zoo import Networks, Zoo

__all__ = [
    "LeftOut",
    "MakeTraining",
    "Members",
    "Networks",
    "OnZooProgress",
    "Scored",
    "Zoo",
    "export_zoo",
    "fingerprint",
    "fit_zoo",
    "open_zoo",
    "recipe",
    "save_zoo",
    "train_zoo",
    "write_zoo",
    "zoo_name",
]
