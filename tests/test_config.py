"""Configurations: what a hash stands for, and what comes back from JSON."""

import dataclasses
import json

import pytest

from netspace_jax.config import NetSpaceConfig, ZooConfig
from netspace_jax.digest import NOT_IN_DIGEST, digest
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig
from netspace_jax.domains.tables.config import TableZooConfig
from netspace_jax.rules import rebuild

ZOOS = (ImageZooConfig, FieldZooConfig, TableZooConfig)
FIELDS = [(kind, field) for kind in ZOOS for field in dataclasses.fields(kind)]


def changed(value):
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case tuple():
            return (*value, *value, 1)


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=lambda value: getattr(value, "name", ""))
def test_the_hash_stands_for_every_field_that_can_change_a_network(kind, field):
    other = dataclasses.replace(kind(), **{field.name: changed(getattr(kind(), field.name))})
    assert (digest(other) != digest(kind())) == (field.name not in NOT_IN_DIGEST)


def test_a_field_that_is_added_later_leaves_the_hash_as_it_is():
    assert digest(ImageZooConfig(steps=7)) == digest(ZooConfig(steps=7))
    assert digest(ZooConfig(validation=16.0)) == digest(ZooConfig(validation=16))


def test_the_hash_stands_for_the_data():
    assert digest(ZooConfig(), "a") != digest(ZooConfig(), "b")
    assert digest(ZooConfig(), "a") == digest(ZooConfig(), "a") and len(digest(ZooConfig())) == 8


@pytest.mark.parametrize("kind", [*ZOOS, ImageNetSpaceConfig, NetSpaceConfig])
def test_configurations_come_back_from_json(kind):
    config = kind()
    assert rebuild(kind, json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    "values", [[], None, 3, {"colour": 1}, {"steps": "4"}, {"steps": 4.5}, {"seed": None}, {"flip": 1}, {"members": 5}]
)
def test_other_json_is_refused(values):
    with pytest.raises(TypeError):
        rebuild(ImageZooConfig, values)
