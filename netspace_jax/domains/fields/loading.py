"""From the flags of zoos and spaces to fields: shapes, pictures or signals."""

import dataclasses
from collections.abc import Callable

from netspace_jax.domain import Loaded
from netspace_jax.domains.fields.behaviour import Field
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig
from netspace_jax.domains.fields.dataset import field_data
from netspace_jax.domains.fields.images import load_pictures
from netspace_jax.domains.fields.sampling import load_shapes
from netspace_jax.domains.fields.series import load_signals
from netspace_jax.errors import InputError


def load(config: FieldZooConfig) -> Loaded:
    """The fields of a zoo, and its configuration with as many members as there are fields where it asked for more.

    Raises:
      InputError: the data is missing, cannot be read, or is too small for a batch.
    """
    if not config.dataset:
        raise InputError("this preset needs data of yours: --dataset FOLDER")
    loaded = _LOADERS[config.kind](config)
    samples = len(loaded.dataset.of(0).examples("train").targets)
    if config.batch > samples:
        more = ": raise --zoo.points" if config.kind == "shapes" else ""
        raise InputError(f"--zoo.batch {config.batch} is more than the {samples} samples of one field{more}")
    return loaded


def _shapes(config: FieldZooConfig) -> Loaded:
    found = load_shapes(config.dataset, config.members[0], config.seed, config.points)
    members = tuple(min(count, len(found.names)) for count in config.members)
    return Loaded(field_data(found), found.names, dataclasses.replace(config, members=members))


_LOADERS: dict[str, Callable[[FieldZooConfig], Loaded]] = {
    "shapes": _shapes,
    "pictures": load_pictures,
    "signals": load_signals,
}


def behaviour_of(config: FieldNetSpaceConfig, behaviour: Field) -> Field:
    """The behaviour with the error that a space of this configuration imitates by."""
    return dataclasses.replace(behaviour, error=config.error)
