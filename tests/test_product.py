"""The product: a trained space against what takes no space, on networks that it never saw."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures.parameters import flatten, unflatten
from netspace_jax.data.images import load_images
from netspace_jax.domains.images.dataset import image_data
from netspace_jax.fit import fit_space
from netspace_jax.metrics.outputs import evaluate, outputs_of
from netspace_jax.metrics.reconstruction import decode_and_compare, reconstruct
from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo import train_zoo
from tests import tiny

pytestmark = pytest.mark.long
NAME = "perceptron8"
architectures.register(NAME, lambda shape, outputs: tiny.Perceptron(8, outputs))


@dataclasses.dataclass
class Trained:
    """A space of 384 perceptrons on scikit-learn's digits, its zoo and its data."""

    space: object
    zoo: object
    data: object

    def networks(self, split):
        return self.zoo.networks(NAME, split)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data, place = image_data(load_images("digits")), tmp_path_factory.mktemp("product")
    config = tiny.run_config(
        tiny.zoo_config(
            architectures=(NAME,), members=(384,), validation=16, test=32, steps=300, min_steps=3, chunk=64,
            batch=16, learning_rate=1e-2,
        ),
        tiny.netspace_config(
            prep=(25, 25), embedding=64, hidden=128, probes=64, networks=32, batch=128, steps=1000, validations=2,
            noise=0.3, learning_rate=3e-3,
        ),
    )  # fmt: skip
    zoo = train_zoo(place / "zoo", config.zoo, data, mesh=network_mesh(1))
    space = fit_space(zoo, data.behaviour, data, config.netspace, devices=1)
    return Trained(space, zoo, data)


def original(trained):
    """Test members on test images."""
    return evaluate(trained.data, trained.space.architectures[0], trained.networks("test").parameters)


def decoded(trained, z):
    """The networks of some embeddings beside test members, on test images."""
    return decode_and_compare(trained.space, trained.data, original(trained), z, architecture_id=0)


def agreement(trained, z):
    """Mean agreement of the networks of some embeddings with test members."""
    return float(decoded(trained, z).agreement.mean())


@pytest.fixture(scope="module")
def found(trained):
    flats = trained.networks("test").parameters
    return reconstruct(trained.space, trained.data, flats, original(trained), architecture_id=0)


def test_a_space_beats_the_mean_embedding(trained, found):
    mean = np.repeat(np.asarray(trained.space.statistics.mean)[None], len(found.score), 0)
    assert found.agreement.mean() > agreement(trained, mean) + 0.1
    assert found.gap < decoded(trained, mean).gap / 3


def test_a_space_beats_shuffled_embeddings(trained, found):
    assert found.agreement.mean() > agreement(trained, np.roll(found.embedding, 1, 0)) + 0.2


def test_a_space_beats_the_nearest_training_network(trained, found):
    """Nearest by what two say of training images; judged, as everything here, on test images."""
    test, training = trained.networks("test").parameters, trained.networks("train").parameters
    built = trained.space.architectures[0]

    def said(flats, split):
        return outputs_of(trained.data, built, flats, split=split).argmax(-1)

    alike = (said(test, "train")[:, None] == said(training, "train")[None]).mean(-1)
    nearest = (said(test, "test") == said(training, "test")[alike.argmax(1)]).mean()
    assert found.agreement.mean() > nearest + 0.03


def test_refined_embeddings_are_better_still(trained, found):
    refined = trained.space.encode(
        trained.networks("test").parameters, refine_steps=100, inputs=trained.data.examples("train").inputs
    )
    assert agreement(trained, refined) > found.agreement.mean() + 0.02


def test_the_order_of_networks_is_kept(found):
    assert found.kendall_tau > 0.75


def test_a_network_with_permuted_neurons_is_read_the_same(trained):
    built, flat = trained.space.architectures[0], trained.networks("test").parameters[0]
    params = unflatten(built.spec, jnp.asarray(flat))
    order = np.random.default_rng(0).permutation(8)
    last, first = params["Linear_0"], params["Linear_1"]  # numbered as they are made, the outer one first
    permuted = flatten(
        built.spec,
        {
            "Linear_1": {"kernel": first["kernel"][:, order], "bias": first["bias"][order]},
            "Linear_0": {"kernel": last["kernel"][order], "bias": last["bias"]},
        },
    )
    assert np.abs(np.asarray(permuted) - flat).max() > 0.01
    z, again = trained.space.encode(np.stack([flat, np.asarray(permuted)]))
    np.testing.assert_allclose(again, z, atol=1e-4)
    inputs = trained.data.examples("test").inputs
    np.testing.assert_allclose(trained.space.decode(again)(inputs), trained.space.decode(z)(inputs), atol=1e-3)


def test_golden_figures(trained, found):
    """Fixed seeds; the tolerance is what rounding differs by between machines."""
    assert trained.zoo.summary["score_mean"] == pytest.approx(0.550, abs=0.005)
    assert found.agreement.mean() == pytest.approx(0.772, abs=0.03)
    assert found.gap == pytest.approx(0.035, abs=0.015)
