"""Configurations: what cannot be is refused by name, and what a hash stands for."""

import dataclasses
import json

import pytest

from netspace_jax import architectures
from netspace_jax.config import NetSpaceConfig, ZooConfig, check_netspace, check_zoo, digest, rebuild
from netspace_jax.domains.presets import PRESETS, preset
from netspace_jax.errors import InputError

THREE = ("lenetlike", "vanilla_cnn", "resnet8")


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


@pytest.mark.parametrize("field", dataclasses.fields(ZooConfig), ids=lambda field: field.name)
def test_the_hash_stands_for_every_field_but_where_data_lies(field):
    other = dataclasses.replace(ZooConfig(), **{field.name: changed(getattr(ZooConfig(), field.name))})
    assert (digest(other) != digest(ZooConfig())) == (field.name != "data_dir")


def test_the_hash_stands_for_the_data():
    assert digest(ZooConfig(), "a") != digest(ZooConfig(), "b")
    assert digest(ZooConfig(), "a") == digest(ZooConfig(), "a") and len(digest(ZooConfig())) == 8


@pytest.mark.parametrize("kind", [ZooConfig, NetSpaceConfig])
def test_configurations_come_back_from_json(kind):
    config = kind()
    assert rebuild(kind, json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize("values", [[], None, 3, {"colour": 1}, {"steps": "4"}, {"steps": 4.5}, {"seed": None}, {"flip": 1},
                                    {"members": 5}])
def test_other_json_is_refused(values):
    with pytest.raises(TypeError):
        rebuild(ZooConfig, values)


@pytest.mark.parametrize(("change", "said"), [
    ({"members": (3, 3)}, ("1 architectures", "not 2")), ({"teacher": "lenetlike"}, ("lenetlike", "--zoo.teacher")),
    ({"architectures": ("a", "a"), "members": (1, 1)}, ("twice",)), ({"members": (0,)}, ("--zoo.members", "0")),
    ({"steps": 0}, ("--zoo.steps", "0")), ({"batch": 0}, ("--zoo.batch",)), ({"chunk": -3}, ("--zoo.chunk", "-3")),
    ({"learning_rate": 0.0}, ("--zoo.learning-rate",)), ({"learning_rate": float("nan")}, ("--zoo.learning-rate", "nan")),
    ({"learning_rate": float("inf")}, ("--zoo.learning-rate", "inf")),
    ({"min_steps": 500}, ("--zoo.min-steps", "500", "400")), ({"min_steps": 0}, ("--zoo.min-steps",)),
    ({"teacher_steps": 9}, ("--zoo.teacher-steps 9", "--zoo.teacher")), ({"validation": 1.5}, ("--zoo.validation", "1.5")), ({"test": -0.1}, ("--zoo.test", "-0.1")),
    ({"architectures": (), "members": ()}, ("--zoo.members",)),
    ({"task": "fields", "precision": "bfloat16"}, ("--zoo.precision bfloat16", "float32")),
])
def test_a_zoo_that_cannot_be_is_refused(change, said):
    with pytest.raises(InputError) as error:
        check_zoo(dataclasses.replace(ZooConfig(), **change))
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)


@pytest.mark.parametrize(("change", "zoo", "said"), [
    ({"prep": (8, 8)}, {}, ("lenetlike has 3718", "8×8", "64", "--netspace.prep")),
    ({"interpolation": True}, {}, ("--netspace.interpolation", "at least 3", "1")),
    ({"interpolation": True}, {"architectures": THREE[:2], "members": (9, 9)}, ("at least 3", "2")),
    ({"teaching": "common"}, {}, ("--netspace.teaching", "--zoo.teacher")),
    ({"decoder": "conv", "prep": (66, 64)}, {}, ("4", "8", "66×64")),
    ({"decoder": "conv", "prep": (64, 60)}, {}, ("64×60",)),
    ({"decoder": "conv", "embedding": 256}, {}, ("4096", "256")),
    ({"encoder": "conv", "embedding": 100}, {}, ("32", "100")),
    ({"shown": ("siren",)}, {}, ("siren", "lenetlike")),
    ({"shown": THREE[:1], "networks": 4, "prep": (80, 80)}, {"architectures": THREE, "members": (9, 9, 9)}, ("--netspace.interpolation",)),
    ({"shown": THREE[:2], "interpolation": True, "networks": 4, "prep": (80, 80)}, {"architectures": THREE, "members": (9, 9, 9)}, ("resnet8",)),
    ({"networks": 64, "prep": (80, 80)}, {"architectures": THREE, "members": (90, 90, 90)}, ("64", "3")),
    ({"steps": 0}, {}, ("--netspace.steps", "0")), ({"log_every": 0}, {}, ("--netspace.log-every",)),
    ({"learning_rate": float("nan")}, {}, ("--netspace.learning-rate",)),
    ({}, {"members": (20,), "validation": 10, "test": 10}, ("20", "lenetlike", "--zoo.validation")),
    ({}, {"validation": 0.6, "test": 0.4}, ("--zoo.validation (0.6)", "--zoo.test (0.4)")),
])
def test_a_netspace_that_does_not_fit_its_zoo_is_refused(change, zoo, said):
    sizes = {name: architectures.build(name, (8, 8, 1), 10).size for name in THREE}
    with pytest.raises(InputError) as error:
        check_netspace(dataclasses.replace(NetSpaceConfig(), **change), dataclasses.replace(ZooConfig(), **zoo), sizes)
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)


SHAPES = {"digits": ((8, 8, 1), 10), "cifar10": ((32, 32, 3), 10), "tiny_imagenet": ((64, 64, 3), 200), "chairs": ((3,), 1),
          "": ((3,), 1)}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be(name):
    config = preset(name)
    assert config.name == name
    shape, outputs = SHAPES[config.zoo.dataset]
    sizes = {one: architectures.build(one, shape, outputs).size for one, _ in config.zoo.populations}
    check_zoo(config.zoo)
    check_netspace(config.netspace, config.zoo, sizes)


def test_the_papers_recipe():
    config = preset("cifar10-single")
    assert (config.zoo.members, config.zoo.validation, config.zoo.test, config.netspace.train_members) == ((186,), 16, 16, 100)
    assert (config.zoo.optimizer, config.zoo.learning_rate, config.zoo.batch, config.zoo.crop_padding) == ("adam", 1e-4, 128, 4)
    space = config.netspace
    assert (space.prep, space.embedding, space.encoder, space.decoder) == ((8, 10_000), 4096, "conv", "conv")
    assert (space.networks, space.batch, space.learning_rate, space.schedule, space.temperature) == (8, 128, 1e-4, "constant", 4.0)
    assert space.steps == 1000 * (40_000 // 128) and config.zoo.steps == 599 * (40_000 // 128) and space.teaching == "self"


@pytest.mark.parametrize(("name", "near"), [("digit", "digits"), ("cifar10-singel", "cifar10-single"), ("zzz", "digits")])
def test_an_unknown_preset_gets_the_nearest_names(name, near):
    with pytest.raises(InputError, match=f"unknown preset '{name}'.*{near}"):
        preset(name)


def test_digits_shared_differs_in_one_thing():
    base, shared = preset("digits"), preset("digits-shared")
    assert dataclasses.replace(shared.zoo, shared_start=False) == base.zoo and shared.zoo.shared_start
    assert shared.netspace == base.netspace
