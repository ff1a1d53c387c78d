"""Domains and presets: each can be, is found by name, and comes back from JSON."""

import dataclasses
import json

import pytest

from netspace_jax import architectures
from netspace_jax.checks import check_netspace, check_zoo
from netspace_jax.domain import domain, domains, preset, preset_text, presets, read_config, register
from netspace_jax.errors import InputError

SHAPES = {
    "digits": ((8, 8, 1), 10),
    "cifar10": ((32, 32, 3), 10),
    "tiny_imagenet": ((64, 64, 3), 200),
}
COORDINATES = {"shapes": 3, "pictures": 2, "signals": 1}
COLUMNS = 13  # inputs of the preset's table


@pytest.mark.parametrize("name", sorted(set(presets()) - {"imported"}))
def test_every_preset_can_be(name):
    config = preset(name)
    assert config.name == name
    if config.domain == "fields":
        shape, outputs = (COORDINATES[config.zoo.kind],), 1
    elif config.domain == "tables":
        shape, outputs = (COLUMNS,), 1
    else:
        shape, outputs = SHAPES[config.zoo.dataset]
    sizes = {one: architectures.build(one, shape, outputs).size for one, _ in config.zoo.populations}
    check_zoo(config.zoo)
    domain(config.domain).check(config)
    check_netspace(config.netspace, config.zoo, sizes)


def test_a_space_of_nothing_is_refused():
    """The one preset that trains no zoo wants to be given one."""
    with pytest.raises(InputError, match="--zoo DIR"):
        check_zoo(preset("imported").zoo)


def test_the_papers_recipe():
    config = preset("cifar10-single")
    assert (config.zoo.members, config.zoo.validation, config.zoo.test, config.netspace.train_members) == (
        (186,),
        16,
        16,
        100,
    )
    assert (config.zoo.optimizer, config.zoo.learning_rate, config.zoo.batch, config.zoo.crop_padding) == (
        "adam",
        1e-4,
        128,
        4,
    )
    space = config.netspace
    assert (space.prep, space.embedding, space.encoder, space.decoder) == ((8, 10_000), 4096, "conv", "conv")
    assert (space.networks, space.batch, space.learning_rate, space.schedule, space.temperature) == (
        8,
        128,
        1e-4,
        "constant",
        4.0,
    )
    assert (
        space.steps == 1000 * (40_000 // 128) and config.zoo.steps == 599 * (40_000 // 128) and space.teaching == "self"
    )


@pytest.mark.parametrize(
    ("name", "near"), [("digit", "digits"), ("cifar10-singel", "cifar10-single"), ("zzz", "digits")]
)
def test_an_unknown_preset_gets_the_nearest_names(name, near):
    with pytest.raises(InputError, match=f"unknown preset '{name}'.*{near}"):
        preset(name)


def test_the_shared_initialisation_of_digits_shared():
    """It is digits, but for that and for what the two cost."""
    base, shared = preset("digits"), preset("digits-shared")
    assert (
        dataclasses.replace(shared.zoo, shared_init=False, members=base.zoo.members) == base.zoo
        and shared.zoo.shared_init
    )
    assert dataclasses.replace(shared.netspace, steps=base.netspace.steps) == base.netspace


def test_every_preset_says_what_it_is():
    for name in presets():
        assert f"`python train.py {name}" in preset_text(name) or name == "digits"


@pytest.mark.parametrize("name", presets())
def test_a_run_comes_back_from_json(name):
    config = preset(name)
    assert read_config(json.loads(json.dumps(dataclasses.asdict(config))), "here") == config


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"domain": "sounds"}, ("unknown domain 'sounds'", "images", "fields")),
        ({"zoo": {"steps": "3"}}, ("steps must be a whole number",)),
        ({"zoo": {"colour": 1}}, ("colour",)),
        ({"domain": "fields", "zoo": {"crop_padding": 4}}, ("crop_padding",)),
        ({"netspace": []}, ("list",)),
    ],
)
def test_what_is_no_run_is_named(change, said):
    description = {**json.loads(json.dumps(dataclasses.asdict(preset("digits")))), **change}
    with pytest.raises(InputError) as error:
        read_config(description, "runs/digits/config.json")
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)


def test_a_run_without_a_domain_is_named():
    description = dataclasses.asdict(preset("digits"))
    del description["domain"]
    with pytest.raises(InputError, match="config.json is not the configuration of a run.*domain"):
        read_config(description, "config.json")


def test_an_unknown_domain_is_refused_with_those_that_are_known():
    with pytest.raises(InputError, match="unknown domain 'sounds'; known are images, fields"):
        domain("sounds")


def test_a_domain_of_ones_own(monkeypatch):
    """One value, and its presets and evaluations are known."""
    monkeypatch.setattr("netspace_jax.domain._DOMAINS", {each.name: each for each in domains()})
    own = dataclasses.replace(domain("images"), name="sounds", presets={"beeps": presets()["digits"]})
    register(own)
    assert domain("sounds") is own and own in domains() and "beeps" in presets()
    assert preset("beeps") == preset("digits")
