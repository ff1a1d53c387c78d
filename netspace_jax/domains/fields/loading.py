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
from netspace_jax.zoo.plan import splits_of_items


def load(config: FieldZooConfig) -> Loaded:
    """The fields of a zoo, and its configuration with as many members as the fields have views where it asked for more.

    All networks of a field are in one split, so that no field is trained on and tested with.

    Raises:
      InputError: the data is missing, cannot be read, or is too small for a batch.
    """
    if not config.dataset:
        raise InputError("this preset needs data of yours: --dataset FOLDER")
    loaded = _LOADERS[config.kind](config, max(max(config.members) // config.views, 1))
    samples = len(loaded.dataset.of(0).examples("train").targets)
    if config.batch > samples:
        more = ": raise --zoo.points" if config.kind == "shapes" else ""
        raise InputError(f"--zoo.batch {config.batch} is more than the {samples} samples of one field{more}")
    fields = len(loaded.items)
    members = tuple(min(max(count // config.views, 1), fields) * config.views for count in config.members)
    splits = loaded.splits or splits_of_items(config, fields, config.views)
    return loaded._replace(config=dataclasses.replace(config, members=members), splits=splits)


def _shapes(config: FieldZooConfig, count: int) -> Loaded:
    names, samples = load_shapes(config.dataset, count, config.seed, config.points)
    return Loaded(field_data(samples), names, config)


_LOADERS: dict[str, Callable[[FieldZooConfig, int], Loaded]] = {
    "shapes": _shapes,
    "pictures": load_pictures,
    "signals": load_signals,
}


def behaviour_of(config: FieldNetSpaceConfig, behaviour: Field) -> Field:
    """The behaviour with the error that a space of this configuration imitates by."""
    return dataclasses.replace(behaviour, error=config.error)
