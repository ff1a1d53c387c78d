"""Search in spaces whose embeddings are weights, and the same on weights."""

import contextlib
import dataclasses

import chex
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jaxtyping import Array

from netspace_jax.config import SearchConfig
from netspace_jax.latent import EmbeddingStatistics, Fit
from netspace_jax.ops.devices import network_mesh
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.platform import lowering
from netspace_jax.space.search import fine_tune, search
from tests import tiny
from tests.compiles import nothing_compiles

SIZE = tiny.PREP[0] * tiny.PREP[1]
CONFIG = SearchConfig(steps=40, learning_rate=0.1, trust=0.1, validations=4)


def around(centre, deviation):
    centre = jnp.broadcast_to(jnp.float32(centre), (SIZE,))
    return EmbeddingStatistics(centre, jnp.full(SIZE, deviation), jnp.zeros((0, SIZE)), jnp.ones(0))


PLAIN = around(0.0, 1.0)


@flax.struct.dataclass
class Imitate:
    """Answer inputs as is wanted; a loss of weight zero leaves nothing but trust to move an embedding."""

    inputs: Array
    wanted: Array
    weight: float = 1.0

    def loss(self, network, key, step):
        return -self.weight * self.score(network)

    def score(self, network):
        return -jnp.square(network(self.inputs) - self.wanted).mean()


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def embedded(flats):
    """Embeddings of networks: their weights, and zeros."""
    return jnp.pad(flats, ((0, 0), (0, SIZE - flats.shape[1])))


def searched(objective, starts, config=CONFIG, statistics=PLAIN, widths=(3,), which=0, devices=2):
    return search(
        tiny.unchanged(widths),
        statistics,
        objective,
        starts,
        architecture_id=which,
        config=config,
        mesh=network_mesh(devices),
    )


def imitate(dataset, z, weight=1.0):
    inputs = dataset.probes(8)
    return Imitate(inputs, tiny.perceptron().apply(z[:67], inputs), weight)


def accuracies(dataset, z, width=3):
    """On validation images, of the networks of `width` that begin each row."""
    images = dataset.examples("validation")
    logits = np.stack([tiny.perceptron(width).apply(row[: tiny.perceptron(width).size], images.inputs) for row in z])
    return (logits.argmax(-1) == np.asarray(images.targets)).mean(1)


@pytest.fixture(scope="module")
def starts():
    return embedded(tiny.flats(4))


@pytest.fixture(scope="module")
def found(dataset, starts):
    return searched(Fit(dataset, 16), starts)


def test_from_an_optimum_it_is_kept(dataset, starts):
    """Trust draws the search away from it, and it is the result all the same."""
    found = searched(imitate(dataset, starts[0], weight=0.01), starts[:1])
    assert found.losses[0, -1] < 0.9 * 0.1 * jnp.square(starts[0]).mean()
    np.testing.assert_array_equal(found.point, starts[:1])
    np.testing.assert_allclose((found.score, found.initial_score), 0, atol=1e-10)


@pytest.mark.long
def test_what_is_found_is_no_worse_than_its_start_and_has_the_score_that_it_says(dataset, starts, found):
    assert (found.score >= found.initial_score).all() and (found.score > found.initial_score + 0.1).any()
    np.testing.assert_allclose(found.initial_score, accuracies(dataset, starts), atol=1e-6)
    np.testing.assert_allclose(found.score, accuracies(dataset, found.point), atol=1e-6)
    assert found.losses.shape == (4, 4) and (found.losses[:, -1] < found.losses[:, 0]).mean() > 0.5


def test_what_else_is_searched_does_not_matter(dataset, starts, found):
    """Four times one start, and what it came to among others."""
    same = searched(Fit(dataset, 16), starts[jnp.array([2, 2, 2, 2])])
    repeated = jax.tree.map(lambda leaf: np.array([leaf[2]] * 4), found)
    chex.assert_trees_all_close(same, repeated, rtol=1e-4, atol=1e-5)


def test_an_accelerators_way_finds_the_same(dataset, starts, found):
    with lowering("accelerator"):
        other = searched(Fit(dataset, 16), starts)
    np.testing.assert_allclose(other.losses[:, 0], found.losses[:, 0], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(other.score, found.score, atol=0.1)


@pytest.mark.parametrize("devices", [1, 8])
def test_devices_do_not_change_what_is_found(dataset, starts, found, devices):
    spread = searched(Fit(dataset, 16), starts, devices=devices)
    assert len(spread.score) == len(starts)
    np.testing.assert_allclose(spread.point, found.point, rtol=1e-4, atol=1e-5)


def test_trust_pulls_towards_the_centre(dataset, starts):
    """In standard deviations of real embeddings, where the objective's own loss weighs nothing."""
    statistics = around(starts[1], 2.0)
    objective = imitate(dataset, starts[1], weight=0.0)
    pulled = searched(objective, starts[:1], statistics=statistics)
    before, after = (jnp.square(statistics.standardise(z)).mean() for z in (starts[:1], pulled.point))
    assert after < 0.05 * before
    assert pulled.score > pulled.initial_score


@pytest.fixture(scope="module")
def asked(dataset):
    """Searches for the second of two architectures from embeddings read as the first, the last too far from it.

    A validation check at each step.
    """
    z = embedded(tiny.flats(4, 4)).at[:, :2].set(jnp.array([[0.6, -0.6]] * 3 + [[60.0, -60.0]]))
    config = dataclasses.replace(CONFIG, validations=40)
    return z, searched(Fit(dataset, 16), z, config, around(0.25, 1.5), (3, 4), 1)


def test_what_is_found_is_read_as_the_architecture_that_was_asked_for(dataset, asked):
    z, found = asked
    assert (found.initial_score == -np.inf).all()
    assert (found.point[:3, 1] > found.point[:3, 0]).all()
    np.testing.assert_allclose(found.score[:3], accuracies(dataset, found.point[:3], 4), atol=1e-6)


def test_what_is_read_as_another_has_no_score_and_is_no_result(asked):
    z, found = asked
    assert found.score[3] == -np.inf and found.losses[3, -1] < found.losses[3, 0]
    np.testing.assert_allclose(found.point[3], z[3], rtol=1e-5, atol=1e-5)


def test_the_loss_is_the_objectives_with_trust_and_the_heads_by_hand(dataset, asked):
    """At the start: labels, a tenth of the squared distance in standard deviations, and the head's cross-entropy."""
    z, found = asked
    batch = dataset.sample(key_of(CONFIG.seed, Purpose.BATCHES), jnp.int32(0), 16)
    for start, losses in zip(np.asarray(z)[:3], found.losses[:3], strict=True):
        log_p = scipy.special.log_softmax(
            np.asarray(tiny.perceptron(4).apply(jnp.asarray(start[:88]), batch.inputs)), -1
        )
        labels = -log_p[np.arange(16), batch.targets].mean()
        trust = np.square((start - 0.25) / 1.5).mean()
        np.testing.assert_allclose(losses[0], labels + 0.1 * trust + np.log(1 + np.exp(1.2)), rtol=1e-5)


def test_fine_tuning_is_search_among_weights(dataset, starts):
    """Without trust, whatever the configuration says, and from networks as they start: they learn."""
    small = 0.3 * starts
    config = dataclasses.replace(CONFIG, steps=100)
    tuned = fine_tune(tiny.perceptron(), Fit(dataset, 16), small[:, :67], config)
    np.testing.assert_allclose(tuned.score, accuracies(dataset, tuned.point), atol=1e-6)
    assert tuned.score.min() > 0.5 > tuned.initial_score.max()
    found = searched(Fit(dataset, 16), small, dataclasses.replace(config, trust=0.0))
    np.testing.assert_allclose(found.point[:, :67], tuned.point, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.losses, tuned.losses, rtol=1e-4)


def test_devices_are_taken_where_none_are_named(dataset, starts, found):
    """More of them than starts."""
    config = dataclasses.replace(CONFIG)
    own = search(tiny.unchanged(), PLAIN, Fit(dataset, 16), starts, architecture_id=0, config=config)
    assert own.point.shape == found.point.shape
    np.testing.assert_allclose(own.point, found.point, rtol=1e-4, atol=1e-5)


def test_other_settings_compile_nothing_anew(dataset, starts, found):
    """Seed, rate, trust and the number of steps, of searches and of fine-tunings."""
    other = SearchConfig(steps=7, learning_rate=1, trust=0.3, validations=4, seed=9)
    objective, flats = Fit(dataset, 16), starts[:, :67]
    for config in (CONFIG, other):
        with nothing_compiles() if config is other else contextlib.nullcontext():
            searched(objective, starts, config)
            fine_tune(tiny.perceptron(), objective, flats, config)
