"""Configurations that cannot be are refused, by flag, before anything trains."""

import dataclasses

import pytest

from netspace_jax import architectures
from netspace_jax.checks import check_netspace, check_values, check_zoo
from netspace_jax.config import NetSpaceConfig, ZooConfig
from netspace_jax.domain import domain, preset
from netspace_jax.errors import InputError

THREE = ("lenetlike", "vanilla_cnn", "resnet8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"members": (3, 3)}, ("1 architectures", "not 2")),
        ({"teacher": "lenetlike"}, ("lenetlike", "--zoo.teacher")),
        ({"architectures": ("a", "a"), "members": (1, 1)}, ("twice",)),
        ({"members": (0,)}, ("--zoo.members", "0")),
        ({"steps": 0}, ("--zoo.steps", "0")),
        ({"batch": 0}, ("--zoo.batch",)),
        ({"chunk": -3}, ("--zoo.chunk", "-3")),
        ({"learning_rate": 0.0}, ("--zoo.learning-rate",)),
        ({"learning_rate": float("nan")}, ("--zoo.learning-rate", "nan")),
        ({"learning_rate": float("inf")}, ("--zoo.learning-rate", "inf")),
        ({"min_steps": 500}, ("--zoo.min-steps", "500", "400")),
        ({"min_steps": 0}, ("--zoo.min-steps",)),
        ({"teacher_steps": 9}, ("--zoo.teacher-steps 9", "--zoo.teacher")),
        ({"validation": 1.5}, ("--zoo.validation", "1.5")),
        ({"test": -0.1}, ("--zoo.test", "-0.1")),
        ({"architectures": (), "members": ()}, ("--zoo DIR",)),
        ({"stops": "end", "min_steps": 5}, ("--zoo.min-steps 5", "no effect", "--zoo.stops end", "leave it at 3")),
        ({"stops": "paper", "min_steps": 5}, ("--zoo.min-steps 5", "--zoo.stops paper")),
        ({"decay": 0.1}, ("--zoo.decay ", "--zoo.decay-at")),
        ({"decay_at": (0.5,)}, ("--zoo.decay ", "--zoo.decay-at")),
        ({"decay": 0.1, "decay_at": (0.5, 1.0)}, ("--zoo.decay-at", "0.5 1.0")),
        ({"decay": -0.1, "decay_at": (0.5,)}, ("--zoo.decay",)),
        ({"weight_decay": -1.0}, ("--zoo.weight-decay", "-1.0")),
        ({"validate_from": 1.0}, ("--zoo.validate-from", "1.0")),
        ({"validations": -1}, ("--zoo.validations", "-1")),
        ({"seed": 1, "teacher": "lenetlike"}, ("lenetlike",)),
        ({"seed": -1}, ("--zoo.seed", "at least 0", "-1")),
        ({"seed": 10**12}, ("--zoo.seed", "4294967295")),
        ({"steps": 10**12}, ("--zoo.steps", "at most 2147483647")),
        ({"steps": 10**5000}, ("--zoo.steps", "many digits")),
        ({"members": (10**9 * 2,)}, ("table of members", "TiB", "--zoo.members")),
        ({"validation": float("inf")}, ("--zoo.validation", "inf")),
        ({"weight_decay": float("nan"), "optimizer": "sgd"}, ("--zoo.weight-decay", "nan")),
        ({"decay": 0.5, "decay_at": (float("nan"),)}, ("--zoo.decay-at", "nan")),
        ({"validations": 1, "validate_from": float("inf")}, ("--zoo.validate-from", "inf")),
        ({"validate_from": 0.5}, ("--zoo.validate-from 0.5", "no effect", "--zoo.validations 0")),
        ({"optimizer": "lion"}, ("--zoo.optimizer", "'adam' or 'sgd'")),
    ],
)
def test_a_zoo_that_cannot_be_is_refused(change, said):
    with pytest.raises(InputError) as error:
        check_zoo(dataclasses.replace(ZooConfig(), **change))
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)


@pytest.mark.parametrize(
    ("change", "zoo", "said"),
    [
        ({"prep": (8, 8)}, {}, ("lenetlike has 3718", "8×8", "64", "--netspace.prep")),
        ({"interpolation": True}, {}, ("--netspace.interpolation", "at least 3", "1")),
        ({"interpolation": True}, {"architectures": THREE[:2], "members": (9, 9)}, ("at least 3", "2")),
        ({"teaching": "common"}, {}, ("--netspace.teaching", "--zoo.teacher")),
        ({"decoder": "conv", "prep": (66, 64)}, {}, ("4", "8", "66×64")),
        ({"decoder": "conv", "prep": (64, 60)}, {}, ("64×60",)),
        ({"decoder": "conv", "embedding": 256}, {}, ("4096", "256")),
        ({"encoder": "conv", "embedding": 100}, {}, ("32", "100")),
        ({"train_architectures": ("siren",)}, {}, ("siren", "lenetlike")),
        (
            {"train_architectures": THREE[:1], "networks": 4, "prep": (80, 80)},
            {"architectures": THREE, "members": (9, 9, 9)},
            ("--netspace.interpolation",),
        ),
        (
            {"train_architectures": THREE[:2], "interpolation": True, "networks": 4, "prep": (80, 80)},
            {"architectures": THREE, "members": (9, 9, 9)},
            ("resnet8",),
        ),
        ({"networks": 64, "prep": (80, 80)}, {"architectures": THREE, "members": (90, 90, 90)}, ("64", "3")),
        ({"steps": 0}, {}, ("--netspace.steps", "0")),
        ({"log_every": 0}, {}, ("--netspace.log-every",)),
        ({"learning_rate": float("nan")}, {}, ("--netspace.learning-rate",)),
        ({}, {"members": (20,), "validation": 10, "test": 10}, ("20", "lenetlike", "--zoo.validation")),
        (
            {"encoder": "conv", "probes": 64},
            {},
            ("--netspace.probes 64", "no effect", "--netspace.encoder conv", "128"),
        ),
        (
            {"decoder": "conv", "embedding": 4096, "prep": (64, 64), "center": "network"},
            {},
            ("--netspace.center network", "conv"),
        ),
        ({"decoder": "conv", "embedding": 4096, "initial_scale": 0.1}, {}, ("--netspace.initial-scale 0.1", "conv")),
        ({"noise": -1.0}, {}, ("--netspace.noise", "-1.0")),
        ({"label_weight": 1.5}, {}, ("--netspace.label-weight", "1.5")),
        ({"resident": 8}, {}, ("--netspace.resident 8", "32")),
        ({"train_members": -1}, {}, ("--netspace.train-members", "-1")),
        ({"resident": 64, "train_members": 9}, {}, ("--netspace.resident 64", "--netspace.train-members")),
        ({"prep": (-64, -64)}, {}, ("--netspace.prep", "-64")),
        ({"noise": float("inf")}, {}, ("--netspace.noise", "inf")),
        ({"embedding": 10**9}, {}, ("modules of this space", "TiB", "--netspace.embedding")),
        ({"networks": 10**9}, {}, ("networks of one step", "TiB", "--netspace.networks")),
        ({"steps": 10**9, "log_every": 1}, {}, ("--netspace.log-every",)),
        ({"correct_share": 0.5}, {}, ("--netspace.correct-share 0.5", "--netspace.corrections 0")),
        ({}, {"validation": 0.6, "test": 0.4}, ("--zoo.validation (0.6)", "--zoo.test (0.4)")),
    ],
)
def test_a_netspace_that_does_not_fit_its_zoo_is_refused(change, zoo, said):
    sizes = {name: architectures.build(name, (8, 8, 1), 10).size for name in THREE}
    with pytest.raises(InputError) as error:
        check_netspace(dataclasses.replace(NetSpaceConfig(), **change), dataclasses.replace(ZooConfig(), **zoo), sizes)
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)


@pytest.mark.parametrize(
    ("name", "part", "change", "said"),
    [
        ("digits", "zoo", {"images": -1}, ("--zoo.images", "-1")),
        ("digits", "zoo", {"crop_padding": -2}, ("--zoo.crop-padding", "-2")),
        ("digits", "netspace", {"temperature": 0.0}, ("--netspace.temperature", "0.0")),
        ("digits", "netspace", {"temperature": float("nan")}, ("--netspace.temperature", "nan")),
        ("chairs", "zoo", {"points": 1}, ("--zoo.points", "1")),
        ("chairs", "zoo", {"points": -5}, ("--zoo.points", "-5")),
        ("chairs", "zoo", {"points": 10**9}, ("points of all shapes", "TiB of memory", "--zoo.points")),
        ("signals", "zoo", {"members": (10**9,)}, ("of memory", "--zoo.members")),
        ("pictures", "zoo", {"points": 5}, ("--zoo.points 5", "no effect", "--zoo.kind pictures")),
        ("digits", "refine", {"trust": float("nan")}, ("--refine.trust", "nan")),
        ("chairs", "netspace", {"teaching": "common"}, ("--netspace.teaching common",)),
    ],
)
def test_flags_of_a_domain_are_refused_by_it(name, part, change, said):
    config = preset(name)
    config = dataclasses.replace(config, **{part: dataclasses.replace(getattr(config, part), **change)})
    with pytest.raises(InputError) as error:
        check_values(config)
        domain(config.domain).check(config)
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)
