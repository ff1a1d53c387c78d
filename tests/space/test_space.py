"""A space as a library has it: networks in, embeddings, networks out."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

import netspace_jax
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.config import SearchConfig
from netspace_jax.errors import InputError
from netspace_jax.exchange import torch_names
from netspace_jax.latent import Fit
from netspace_jax.space import Network, Space, batched
from tests import tiny

SEARCH = SearchConfig(steps=40, validations=4, learning_rate=0.1)


@pytest.fixture(scope="module")
def single():
    """A space of one architecture whose embeddings are weights."""
    return tiny.trained().space


def accuracy(data, network):
    images = data.examples("validation")
    return (np.asarray(network(images.inputs)).argmax(1) == np.asarray(images.targets)).mean()


# encoding


def test_an_embedding_is_the_encoders(space, members):
    z = space.encode(members[0], "perceptron4")
    np.testing.assert_allclose(z, space.embed(jnp.asarray(members[0]), 1), rtol=1e-4, atol=1e-5)
    assert np.abs(space.encode(members[1], "perceptron4") - z).max() > 1e-3


def test_whatever_holds_a_network_has_its_embedding(space, members, tmp_path):
    """Vector, tree, variables, `Network`, file of tensors."""
    flat, architecture = members[0], tiny.perceptron(4)
    z = space.encode(flat, "perceptron4")
    tree = unflatten(architecture.spec, jnp.asarray(flat))
    network = Network(architecture, space.behaviour, jnp.asarray(flat), jnp.zeros(6))
    spec = architecture.spec
    tensors = {
        name: flat[start : start + leaf.size].reshape(leaf.torch_shape)
        for name, leaf, start in zip(torch_names(architecture), spec.leaves, spec.offsets, strict=True)
    }
    file = tmp_path / "network.safetensors"
    safetensors.numpy.save_file(tensors, file)
    for given in (jnp.asarray(flat), tree, {"params": tree}, network, tensors, file, str(file)):
        np.testing.assert_array_equal(space.encode(given, "perceptron4"), z)
    np.testing.assert_array_equal(space.encode(network), z)


def test_many_at_once_are_each_alone(space, members):
    """As rows, or as a list of whatever holds one."""
    alone = np.stack([space.encode(flat, "perceptron4") for flat in members])
    trees = [unflatten(tiny.perceptron(4).spec, jnp.asarray(flat)) for flat in members[:2]]
    networks = space.decode(alone, "perceptron4")
    many = space.encode(members, "perceptron4")
    assert many.shape == (5, 6)
    np.testing.assert_allclose(many, alone, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(space.encode(jnp.asarray(members), "perceptron4"), alone, rtol=1e-5, atol=1e-6)
    mixed = space.encode([*trees, *members[2:]], "perceptron4")
    np.testing.assert_array_equal(mixed, many)
    np.testing.assert_array_equal(space.encode(networks), space.encode([n.flat for n in networks], "perceptron4"))
    assert space.encode(members[:1], "perceptron4").shape == space.encode([members[0]], "perceptron4").shape == (1, 6)


# decoding


def test_a_network_is_what_the_decoder_says_ready_to_use(space, data, members):
    z = space.encode(members[0], "perceptron4")
    network = space.decode(np.asarray(z), "perceptron4")
    np.testing.assert_allclose(network.flat, space.generate(z, 1), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(network.embedding, z)
    images = data.examples("test").inputs
    expected = network.architecture.module.apply({"params": network.params}, images)
    np.testing.assert_allclose(network(np.asarray(images)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["perceptron3", "perceptron4"])
def test_without_an_architecture_it_is_what_the_head_reads(space, z_read_as, name):
    z = z_read_as(name)
    network = space.decode(z)
    assert network.architecture.name == name == space.read(z)
    assert network.flat.shape == (tiny.perceptron(int(name[-1])).size,)
    np.testing.assert_array_equal(network.flat, space.decode(z, name).flat)


def test_many_embeddings_come_back_in_their_order(space, z_read_as):
    """Of two architectures in turn."""
    z = jnp.stack([scale * z_read_as(space.names[i % 2]) for i, scale in enumerate((1.0, 2.0, 3.0, 1.5, 0.5))])
    networks = space.decode(z)
    assert [network.architecture.name for network in networks] == [space.names[i % 2] for i in range(5)]
    for row, network in zip(z, networks, strict=True):
        np.testing.assert_array_equal(network.embedding, row)
        np.testing.assert_allclose(network.flat, space.decode(row).flat, rtol=1e-5, atol=1e-6)


def test_where_embeddings_are_weights_a_network_comes_back(single):
    """And its only architecture need not be named."""
    flat = tiny.flats(1)[0]
    network = single.decode(single.encode(flat))
    assert single.names == ("perceptron3",) and network.architecture == tiny.perceptron()
    np.testing.assert_array_equal(network.flat, flat)


def test_a_way_has_both_ends_and_equal_steps(space, z_read_as):
    a, b = (z_read_as(name) for name in space.names)
    way = space.interpolate(a, b, 5)
    np.testing.assert_allclose([network.embedding for network in way], np.linspace(a, b, 5), rtol=1e-5, atol=1e-5)
    assert (way[0].architecture.name, way[-1].architecture.name) == space.names
    for network in (way[0], way[-1]):
        np.testing.assert_allclose(network.flat, space.decode(network.embedding).flat, rtol=1e-5, atol=1e-6)
    assert {network.architecture.name for network in space.interpolate(a, b, 3, "perceptron4")} == {"perceptron4"}


# the embeddings that trained it


def test_embeddings_are_those_of_the_members(space):
    assert tuple(space.embeddings) == space.names
    for width, (name, z) in zip((3, 4), space.embeddings.items(), strict=True):
        flats = tiny.flats(6, width)
        assert z.shape == (6, space.embedding_size) == (6, 6)
        np.testing.assert_allclose(z[3], space.encode(flats[3], name), rtol=1e-4, atol=1e-5)
    everyone = np.concatenate(list(space.embeddings.values()))
    np.testing.assert_allclose(space.statistics.mean, everyone.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(space.statistics.deviation, everyone.std(0), rtol=1e-3, atol=1e-5)


def test_it_says_what_it_is(space):
    said = repr(space)
    for part in ("classification", "6 values", "perceptron3, perceptron4", "6 perceptron3s, 6 perceptron4s"):
        assert part in said
    assert "trained on nothing yet" in repr(space.replace(embeddings={}))


def test_samples_are_repeatable_and_of_the_architecture_asked_for(space):
    first, again, other = ([network.embedding for network in space.sample(4, seed)] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert len(first) == 4 and (np.array(first) != np.array(other)).any(1).all()
    drawn = space.sample(400, architecture="perceptron3")
    assert {network.architecture.name for network in drawn} == {"perceptron3"}
    own, others = (space.embeddings[name].mean(0) for name in space.names)
    centre = np.mean([network.embedding for network in drawn], 0)
    assert np.linalg.norm(centre - own) < np.linalg.norm(centre - others)


# search


def test_search_is_no_worse_than_its_starts_and_repeatable(space, data, z_read_as):
    """With an objective's usual batch, which is more than the images there are."""
    starts = np.array([*space.embeddings["perceptron4"], z_read_as("perceptron4")])
    network = space.search(Fit(data), starts, architecture="perceptron4", config=SEARCH)
    assert network.architecture.name == "perceptron4" == space.read(network.embedding)
    allowed = [accuracy(data, space.decode(z, "perceptron4")) for z in starts if space.read(z) == "perceptron4"]
    assert allowed and accuracy(data, network) >= max(allowed)
    again = space.search(Fit(data), starts, architecture="perceptron4", config=SEARCH)
    np.testing.assert_array_equal(again.embedding, network.embedding)


@pytest.mark.long
def test_of_all_architectures_search_takes_the_best_within_the_budget(space, data):
    best = [space.search(Fit(data), 6, architecture=name, config=SEARCH) for name in space.names]
    either = space.search(Fit(data), 6, config=SEARCH)
    assert accuracy(data, either) == max(accuracy(data, network) for network in best)
    small = space.search(Fit(data), 6, budget=tiny.perceptron(3).size, config=SEARCH)
    assert small.architecture.name == "perceptron3"
    np.testing.assert_array_equal(small.embedding, best[0].embedding)


def test_images_and_labels_are_an_objective(space, data):
    """As a user has them: pixels. It is chosen by those held out, and does better there than where it began."""
    x, y = np.asarray(data.train.x), np.asarray(data.train.y)
    starts = space.embeddings["perceptron4"]
    found = space.search((x, y), starts, architecture="perceptron4", config=SEARCH)
    explicit = space.search(
        netspace_jax.fit_objective(space.behaviour, x, y), starts, architecture="perceptron4", config=SEARCH
    )
    np.testing.assert_array_equal(found.embedding, explicit.embedding)

    def score(network):
        return (np.asarray(network(x[::5])).argmax(1) == y[::5]).mean()

    before = [score(space.decode(z, "perceptron4")) for z in starts if space.read(z) == "perceptron4"]
    assert score(found) >= max(before, default=0) and score(found) > 0.3


# what is refused


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, "no architecture was named: this space has perceptron3, perceptron4"),
        ("resnet8", "'resnet8' was named: this space has perceptron3, perceptron4"),
    ],
)
def test_architectures_that_are_not_there(space, name, said):
    with pytest.raises(InputError, match=said):
        space.encode(jnp.zeros(67), name)


def test_an_embedding_that_is_not_finite_is_refused(single, monkeypatch):
    """As that of a network whose outputs are beyond what floats hold."""
    embeddings = np.stack([np.zeros(single.embedding_size), np.full(single.embedding_size, np.nan)])
    monkeypatch.setattr(batched, "embed_many", lambda *_: embeddings.astype(np.float32))
    with pytest.raises(InputError, match="network 1 has no finite embedding"):
        single.encode(jnp.zeros((2, 67)))


def test_parameters_that_do_not_fit(space, single):
    with pytest.raises(InputError, match=r"perceptron4 has 88 parameters; these have shape \(67,\)"):
        space.encode(jnp.zeros(67), "perceptron4")
    with pytest.raises(InputError, match=r"perceptron4 has 88 parameters; these have shape \(67,\)"):
        space.encode(jnp.zeros((3, 67)), "perceptron4")
    with pytest.raises(InputError, match="missing"):
        single.encode({"kernel": jnp.zeros((3, 3))})
    with pytest.raises(InputError, match="parameter 2 of the network is not finite"):
        single.encode(jnp.zeros(67).at[2].set(jnp.nan))
    network = space.decode(jnp.zeros(6), "perceptron3")
    with pytest.raises(InputError, match="parameter 0 of the network is not finite"):
        space.encode(dataclasses.replace(network, flat=network.flat * jnp.nan))
    with pytest.raises(InputError, match="a perceptron3 among networks that are encoded as perceptron4"):
        space.encode(space.decode(jnp.zeros(6), "perceptron3"), "perceptron4")
    with pytest.raises(InputError, match="int is not a network"):
        single.encode(3)


@pytest.mark.parametrize("nothing", [[], (), np.zeros((0, 67), np.float32)])
def test_no_networks_at_all(single, nothing):
    with pytest.raises(InputError, match="no networks"):
        single.encode(nothing)


@pytest.mark.parametrize(
    ("z", "said"),
    [
        (np.zeros(7, np.float32), r"shape \(6,\), not \(7,\)"),
        (np.zeros((2, 7), np.float32), r"shape \(6,\), not \(2, 7\)"),
        (np.zeros((0, 6), np.float32), "no embeddings"),
        (np.full(6, np.inf, np.float32), "not finite"),
        (np.array([np.zeros(6), np.full(6, np.nan)], np.float32), "not finite"),
    ],
)
def test_embeddings_that_are_none(space, z, said):
    with pytest.raises(InputError, match=said):
        space.decode(z)


def test_budgets_that_nothing_is_within(space, data):
    with pytest.raises(InputError, match="no architecture has at most 50 parameters.*'perceptron3': 67"):
        space.search(Fit(data), budget=50)
    with pytest.raises(InputError, match="at most 70"):
        space.search(Fit(data), budget=70, architecture="perceptron4")


def test_architectures_that_trained_nothing(space):
    half = space.replace(embeddings={"perceptron4": space.embeddings["perceptron4"]})
    with pytest.raises(InputError, match="no perceptron3 trained this space"):
        half.sample(3, architecture="perceptron3")
    assert len(half.sample(3)) == 3


def test_spaces_and_names_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match="nothing"):
        netspace_jax.load(tmp_path / "nothing")
    assert isinstance(netspace_jax, types.ModuleType) and netspace_jax.Space is Space
    with pytest.raises(AttributeError, match="no attribute 'spaces'"):
        netspace_jax.spaces


def test_a_space_is_one_pytree(space):
    """It passes through jit, and comes back a space."""
    z = space.embeddings["perceptron3"][0]
    doubled = jax.jit(lambda space: jax.tree.map(lambda leaf: 2 * leaf, space))(space)
    assert isinstance(doubled, Space) and doubled.names == space.names
    np.testing.assert_array_equal(doubled.embeddings["perceptron3"][0], 2 * z)
    flat = jax.jit(lambda space, z: space.generate(z, 0))(space, z)
    np.testing.assert_allclose(flat, space.decode(z, "perceptron3").flat, rtol=1e-4, atol=1e-6)
