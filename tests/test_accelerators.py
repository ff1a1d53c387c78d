"""An accelerator's way, on a CPU: the same results, programs without what is slow there, work shared by all devices."""

import dataclasses
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.domains.images.loading import training
from netspace_jax.metrics.outputs import evaluate
from netspace_jax.ops.devices import netspace_mesh, network_mesh, part_of, put_everywhere
from netspace_jax.ops.platform import lowering
from netspace_jax.ops.shuffle import shuffled
from netspace_jax.population.trainer import Trainer
from netspace_jax.space.build import make_constants, make_netspace
from netspace_jax.space.loss import Group
from netspace_jax.space.step import TrainData, make_training
from netspace_jax.zoo import train_zoo
from netspace_jax.zoo.plan import untrained, validation_steps
from tests import tiny

ZOO = tiny.zoo_config(steps=12, optimizer="sgd", validations=2, flip=True, crop_padding=1)
STOPS = np.array([12, 0, 3, 1, 9, 12, 5, 2], np.int32)
SPACE = tiny.netspace_config(log_every=3, networks=8)


@pytest.fixture(scope="module")
def data():
    return tiny.dataset(crop_padding=1)


def trainer(devices=1):
    return Trainer(
        lambda architecture: training(architecture, ZOO), network_mesh(devices), checks=validation_steps(ZOO)
    )


def networks():
    return dataclasses.replace(untrained(ZOO, "normed", 8), stop=STOPS)


def trained(data, way, devices=1):
    with lowering(way):
        return jax.tree.map(np.asarray, trainer(devices).train(networks(), tiny.normed(), data))


@pytest.mark.long
def test_a_zoo_is_the_same_both_ways(data):
    """A convolution, batch norm, augmentation, order, validation checks and stops of each one's own."""
    cpu, accelerator = trained(data, "cpu"), trained(data, "accelerator", devices=4)
    chex.assert_trees_all_close(accelerator, cpu, rtol=1e-4, atol=2e-5)


def space_of(data, networks=8, architecture=None):
    built = architecture or tiny.normed()
    flats = jax.random.normal(jax.random.key(0), (12, built.size)) / 3
    constants = make_constants(SPACE, (built,), data, (np.asarray(flats),))
    netspace = make_netspace(SPACE, (built,), data.behaviour, constants)
    return TrainData(data, netspace, {0: Group(flats, jnp.arange(12))}, None, jax.random.key(SPACE.seed))


@pytest.mark.long
def test_a_netspace_and_its_evaluation_are_the_same_both_ways(data):
    found = {}
    for way in ("cpu", "accelerator"):
        with lowering(way):
            one, shown = make_training(SPACE, (0,), network_mesh(1)), space_of(data)
            state, losses = one.advance(one.init(shown), shown, 4, False)
            flats = np.asarray(shown.groups[0].parameters)
            scores = evaluate(data, tiny.normed(), flats)
        found[way] = (state.params, losses, scores)
    chex.assert_trees_all_close(found["accelerator"], found["cpu"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("count", [64, 65])
def test_a_walk_of_static_length_is_the_permutation(count):
    wanted = shuffled(jax.random.key(5), jnp.arange(count), count)
    with lowering("accelerator"):
        np.testing.assert_array_equal(shuffled(jax.random.key(5), jnp.arange(count), count), wanted)


def assert_suits_accelerators(text):
    """No grouped convolution, no call of the host, and every loop counts to a constant."""
    assert {*re.findall(r"(?:feature|batch)_group_count = (\d+)", text)} <= {"1"}
    assert "callback" not in text
    for condition in re.findall(r"\bcond \{(.*?)\} do \{", text, re.DOTALL):
        compared = re.search(r"stablehlo\.compare\s+LT, %iterArg\w*, (%c\w*),", condition)
        assert compared and f"{compared[1]} = stablehlo.constant" in text, condition
        assert condition.count(" = stablehlo.") <= 2, condition


@pytest.mark.parametrize("platform", ["cuda", pytest.param("tpu", marks=pytest.mark.long)])
def test_what_is_lowered_for_accelerators_suits_them(data, platform):
    with lowering("accelerator"):
        population, normed = trainer(), tiny.normed()
        state = jax.eval_shape(population._start, networks(), data, normed)
        zoo = population._advance[8].trace(state, data, 0, 8, normed).lower(lowering_platforms=(platform,)).as_text()
        shown, one = space_of(data), make_training(SPACE, (0,), network_mesh(1))
        state = jax.eval_shape(one.init, shown)
        space = one.advance.static.trace(state, shown, 3, False).lower(lowering_platforms=(platform,)).as_text()
    for text in (zoo, space):
        assert "stablehlo.while" in text and "dot_general" in text
        assert_suits_accelerators(text)


def test_the_check_of_programs_finds_what_a_core_likes(data):
    population, normed = trainer(), tiny.normed()
    state = jax.eval_shape(population._start, networks(), data, normed)
    with pytest.raises(AssertionError):
        assert_suits_accelerators(population._advance[0].trace(state, data, 0, 8, normed).lower().as_text())


def operations(compiled):
    return compiled.cost_analysis()["flops"]


@pytest.mark.long
def test_devices_share_the_work_of_a_zoo(data):
    found = {}
    for devices in (1, 8):
        with lowering("accelerator"):
            population, here = trainer(devices), put_everywhere(data, network_mesh(devices))
            state = population._start(networks(), here, tiny.normed())
            found[devices] = operations(population._advance[8].lower(state, here, 0, 8, tiny.normed()).compile())
    assert found[8] <= 1.05 * found[1] / 8


def sizes_in_products(devices, networks, batch):
    """All sizes of the factors and results of products of matrices, in one device's program of a NetSpace step."""
    config, data = tiny.netspace_config(networks=networks, batch=batch), tiny.dataset()
    shown, mesh = space_of(data, networks, tiny.perceptron(5)), netspace_mesh(devices, networks, batch)
    with lowering("accelerator"):
        one, here = make_training(config, (0,), mesh), put_everywhere(shown, mesh)
        text = one.advance.static.lower(one.init(here), here, 1, False).compile().as_text()
    shapes = dict(re.findall(r"(%[\w.-]+) = \w+\[([\d,]+)\]", text))
    names = [name for found in re.findall(r"(%[\w.-]+) = \S+ dot\((%[\w.-]+), (%[\w.-]+)\)", text) for name in found]
    return {size for name in names for size in shapes[name].split(",")}


@pytest.mark.long
@pytest.mark.parametrize(("networks", "batch", "shared"), [(24, 40, "24"), (2, 40, "40")])
def test_devices_share_the_networks_of_a_netspace_step_or_their_inputs(networks, batch, shared):
    """No device's program has a product over all networks, or where those do not divide, over all of their inputs."""
    assert shared in sizes_in_products(1, networks, batch)
    assert shared not in sizes_in_products(8, networks, batch)


def test_devices_that_cannot_share_the_work_do_not_repeat_it(caplog):
    assert netspace_mesh(8, 3, 7).size == 1 and "3 networks" in caplog.text and "8 devices: 1 are used" in caplog.text
    with pytest.raises(ValueError, match="do not divide"):
        make_training(tiny.netspace_config(networks=3), (0,), network_mesh(2))
    assert part_of(network_mesh(8), 3).size == 3


@pytest.mark.long
def test_a_zoo_of_an_accelerator_goes_on_with_its_chunks(data, tmp_path):
    """Networks of a chunk come from the memory, once; another machine keeps to what was written."""
    config = tiny.zoo_config(chunk=0, members=(5,), validation=1, test=1)
    with lowering("accelerator"):
        train_zoo(tmp_path / "zoo", config, data, mesh=network_mesh(1), domain="images", make_training=training)
    assert (tmp_path / "zoo" / "chunk_sizes.json").read_text() == '{"perceptron3": 4096}'
    assert len(train_zoo(tmp_path / "zoo", config, data, mesh=network_mesh(1), domain="images").members) == 5
