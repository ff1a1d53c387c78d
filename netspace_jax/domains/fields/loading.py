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
    splits = loaded.splits or _drawn_splits(config, fields)
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
