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
from netspace_jax.zoo.plan import splits_of


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
    splits = loaded.splits or _drawn_splits(config, fields)
    return loaded._replace(config=dataclasses.replace(config, members=members), splits=splits)


def _drawn_splits(config: FieldZooConfig, fields: int) -> tuple[str, ...]:
    """Split of each field: those that a zoo of one network of each would draw."""

    def of_fields(networks: int | float) -> int | float:
        return networks if networks < 1 else max(networks // config.views, 1)

    architecture = config.architectures[0]
    one_view = dataclasses.replace(
        config,
        architectures=(architecture,),
        members=(fields,),
        teacher="",
        validation=of_fields(config.validation),
        test=of_fields(config.test),
    )
    return tuple(splits_of(one_view, architecture))


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
