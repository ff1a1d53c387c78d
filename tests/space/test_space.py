"""A finished run as a library has it: networks in, embeddings, networks out."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import netspace_jax
from netspace_jax.architectures import parameters as prep
from netspace_jax.config import RunConfig, SearchConfig
from netspace_jax.domains.load import load_task
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh
from netspace_jax.runs import pipeline
from netspace_jax.runs.directory import RunDirectory
from netspace_jax.space.netspace import make_constants
from netspace_jax.space.space import Space
from tests import tiny

SEARCH = SearchConfig(steps=40, looks=4, learning_rate=0.1)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two architectures on images in a file, with a NetSpace as it starts, and where its zoo lies."""
    root, images = tmp_path_factory.mktemp("space"), tiny.task()
    np.savez(root / "quarters.npz", **{f"{kind}_{split}": np.asarray(getattr(part, kind)) for kind in "xy" for split, part in (
        ("train", images.train), ("val", images.validation), ("test", images.test))})
    config = RunConfig("tiny", tiny.zoo_config(dataset=str(root / "quarters.npz"), architectures=("perceptron3", "perceptron4"),
                                               members=(14, 14)), tiny.netspace_config())
    task, items, zoo_config = load_task(config.zoo)
    zoo = pipeline.make_zoo(zoo_config, "tiny", root / "zoos", task, items, network_mesh(1))
    netspace = pipeline.build_netspace(config, task)
    constants = make_constants(config.netspace, netspace, task, tuple(zoo.networks(name, "train").parameters
                                                                      for name in config.zoo.architectures))
    params = jax.jit(netspace.init)(jax.random.key(0), task, constants)
    RunDirectory(root / "run", config).save_best(0, params, constants)
    return root / "run", root / "zoos"


@pytest.fixture(scope="module")
def space(finished):
    return netspace_jax.load(*finished)


@pytest.fixture(scope="module")
def members(space):
    return space.trained.networks(1, "test").parameters


@pytest.fixture(scope="module")
def single():
    """A space of one architecture whose embeddings are weights."""
    return Space(tiny.trained())


def z_read_as(space, name):
    """An embedding that the head reads as an architecture, far from the boundary."""
    dense = space.trained.params["head"]["Dense_0"]
    direction = jnp.asarray(dense["kernel"][:, 1] - dense["kernel"][:, 0])
    return (10 if name == space.architectures[1] else -10) * direction / jnp.linalg.norm(direction)


def accuracy(space, network):
    images = space.trained.task.examples("validation", jnp.int32(0))
    return (np.asarray(network(images.inputs)).argmax(1) == np.asarray(images.targets)).mean()


def test_a_tree_and_a_vector_have_one_embedding(space, members):
    trained = space.trained
    z = space.encode(members[0], "perceptron4")
    np.testing.assert_allclose(z, trained.netspace.encode(trained.params, trained.constants, trained.task,
                                                          jnp.asarray(members[0]), 1), rtol=1e-4, atol=1e-5)
    tree = prep.unflatten(trained.netspace.architectures[1].spec, jnp.asarray(members[0]))
    np.testing.assert_array_equal(space.encode(tree, "perceptron4"), z)
    assert np.abs(space.encode(members[1], "perceptron4") - z).max() > 1e-3


def test_a_network_is_what_the_decoder_says_ready_to_use(space, members):
    trained, z = space.trained, space.encode(members[0], "perceptron4")
    network = space.decode(np.asarray(z), "perceptron4")
    flat = trained.netspace.decode(trained.params, trained.constants, z, 1)
    np.testing.assert_allclose(network.flat, flat, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(network.embedding, z)
    images = trained.task.examples("test", jnp.int32(0)).inputs
    expected = network.architecture.module.apply({"params": network.params}, images)
    np.testing.assert_allclose(network(np.asarray(images)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["perceptron3", "perceptron4"])
def test_without_an_architecture_it_is_what_the_head_predicts(space, name):
    z = z_read_as(space, name)
    network = space.decode(z)
    assert network.architecture.name == name == space.architectures[space.predict(z)]
    assert network.flat.shape == (tiny.perceptron(int(name[-1])).size,)
    np.testing.assert_array_equal(network.flat, space.decode(z, name).flat)


def test_where_embeddings_are_weights_a_network_comes_back(single):
    """And its only architecture need not be named."""
    flat = tiny.networks(1).flats[0]
    network = single.decode(single.encode(flat))
    assert single.architectures == ("perceptron3",) and network.architecture == tiny.perceptron()
    np.testing.assert_array_equal(network.flat, flat)


def test_a_way_has_both_ends_and_equal_steps(space):
    a, b = (z_read_as(space, name) for name in space.architectures)
    way = space.interpolate(a, b, 5)
    np.testing.assert_allclose([network.embedding for network in way], np.linspace(a, b, 5), rtol=1e-5, atol=1e-5)
    assert (way[0].architecture.name, way[-1].architecture.name) == space.architectures
    for network in (way[0], way[-1]):
        np.testing.assert_allclose(network.flat, space.decode(network.embedding).flat, rtol=1e-5, atol=1e-6)
    assert {network.architecture.name for network in space.interpolate(a, b, 3, "perceptron4")} == {"perceptron4"}


def test_embeddings_are_those_of_the_members(space):
    found = space.embeddings("test")
    assert tuple(found) == space.architectures
    for name, z in found.items():
        flats = space.trained.zoo.networks(name, "test").parameters
        assert len(z) == len(flats) == 5
        np.testing.assert_allclose(z[3], space.encode(flats[3], name), rtol=1e-4, atol=1e-5)
    everyone = np.concatenate(list(space.embeddings().values()))
    assert len(everyone) == 2 * (14 - 5 - 4)
    np.testing.assert_allclose(space.region().mean, everyone.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(space.region().deviation, everyone.std(0), rtol=1e-3, atol=1e-5)


def test_search_is_no_worse_than_its_starts_and_repeatable(space):
    """With a goal's usual batch, which is more than the images there are."""
    starts = np.array([*space.embeddings()["perceptron4"], z_read_as(space, "perceptron4")])
    network = space.search(None, starts, "perceptron4", config=SEARCH)
    assert network.architecture.name == "perceptron4" == space.architectures[space.predict(network.embedding)]
    allowed = [accuracy(space, space.decode(z, "perceptron4")) for z in starts if space.predict(z) == 1]
    assert allowed and accuracy(space, network) >= max(allowed)
    np.testing.assert_array_equal(space.search(None, starts, "perceptron4", config=SEARCH).embedding, network.embedding)


def test_of_all_architectures_search_takes_the_best_within_the_budget(space):
    best = [space.search(starts=6, architecture=name, config=SEARCH) for name in space.architectures]
    either = space.search(starts=6, config=SEARCH)
    assert accuracy(space, either) == max(accuracy(space, network) for network in best)
    small = space.search(starts=6, budget=tiny.perceptron(3).size, config=SEARCH)
    assert small.architecture.name == "perceptron3"
    np.testing.assert_array_equal(small.embedding, best[0].embedding)


def test_samples_are_repeatable_and_of_the_architecture_asked_for(space):
    first, again, other = ([network.embedding for network in space.sample(4, seed)] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(first) == 4 and (np.array(first) != np.array(other)).any(1).all()
    drawn = space.sample(40, architecture="perceptron3")
    assert {network.architecture.name for network in drawn} == {"perceptron3"}
    own, others = (space.embeddings()[name].mean(0) for name in space.architectures)
    centre = np.mean([network.embedding for network in drawn], 0)
    assert np.linalg.norm(centre - own) < np.linalg.norm(centre - others)


# what is refused


@pytest.mark.parametrize(("name", "said"), [(None, "no architecture was named: this space has perceptron3, perceptron4"),
                                            ("resnet8", "'resnet8' was named: this space has perceptron3, perceptron4")])
def test_architectures_that_are_not_there(space, name, said):
    with pytest.raises(InputError, match=said):
        space.encode(jnp.zeros(67), name)


def test_parameters_that_do_not_fit(space, single):
    with pytest.raises(ValueError, match=r"perceptron4 has 88 parameters; these have shape \(67,\)"):
        space.encode(jnp.zeros(67), "perceptron4")
    with pytest.raises(ValueError, match="missing"):
        single.encode({"kernel": jnp.zeros((3, 3))})
    with pytest.raises(InputError, match="parameter 2 of the network is not finite"):
        single.encode(jnp.zeros(67).at[2].set(jnp.nan))


@pytest.mark.parametrize(("z", "said"), [(np.zeros(7, np.float32), r"shape \(6,\), not \(7,\)"),
                                         (np.full(6, np.inf, np.float32), "not finite")])
def test_embeddings_that_are_none(space, z, said):
    with pytest.raises(InputError, match=said):
        space.decode(z)


def test_budgets_that_nothing_is_within(space):
    with pytest.raises(InputError, match="no architecture has at most 50 parameters.*'perceptron3': 67"):
        space.search(budget=50)
    with pytest.raises(InputError, match="at most 70"):
        space.search(budget=70, architecture="perceptron4")


def test_runs_and_names_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="nothing"):
        netspace_jax.load(tmp_path / "nothing", tmp_path)
    assert isinstance(netspace_jax, types.ModuleType) and netspace_jax.Space is Space
    with pytest.raises(AttributeError, match="no attribute 'spaces'"):
        netspace_jax.spaces  # noqa: B018
