"""From the flags of zoos and spaces to fields: shapes, pictures or signals."""

import dataclasses
import logging
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
    if config.batch > samples and config.kind != "shapes":
        logging.warning("--zoo.batch is %d, as many samples as a field has, not %d", samples, config.batch)
        config = dataclasses.replace(config, batch=samples)
    if config.batch > samples:
        raise InputError(
            f"--zoo.batch {config.batch} is more than the {samples} samples of one field: raise --zoo.points"
        )
    fields = len(loaded.items)
    members = tuple(min(max(count // config.views, 1), fields) * config.views for count in config.members)
    config = _fitting(config, fields)
    splits = loaded.splits or splits_of_items(config, fields, config.views)
    return loaded._replace(config=dataclasses.replace(config, members=members), splits=splits)


def _fitting(config: FieldZooConfig, fields: int) -> FieldZooConfig:
    """The configuration with a sixth each for validation and test where they would leave less than half to train."""
    held = [share if share >= 1 else share * fields * config.views for share in (config.validation, config.test)]
    if config.kind != "signals" or sum(held) <= fields * config.views / 2:
        return config
    sixth = float(max(fields // 6, 1) * config.views)
    logging.warning(
        "--zoo.validation %g and --zoo.test %g leave less than half of %d signals to train: %g each instead",
        config.validation, config.test, fields, sixth,
    )  # fmt: skip
    return dataclasses.replace(config, validation=sixth, test=sixth)


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
