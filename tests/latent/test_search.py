"""Search, sampling and lines, in spaces whose embeddings are weights."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from jaxtyping import Array

from netspace_jax.config import SearchConfig
from netspace_jax.latent.objectives import Labels
from netspace_jax.latent.search import Region, fine_tune, fit_kernel, fit_mixture, region_of, sample, search
from netspace_jax.ops.devices import network_mesh
from tests import tiny

SIZE = tiny.PREP[0] * tiny.PREP[1]
CONFIG = SearchConfig(steps=40, learning_rate=0.1, trust=0.1, looks=4)
PLAIN = Region(jnp.zeros(SIZE), jnp.ones(SIZE))


@flax.struct.dataclass
class Imitate:
    """Answer inputs as is wanted; a loss of weight zero leaves nothing but trust to move an embedding."""

    inputs: Array
    wanted: Array
    weight: float = 1.0

    def loss(self, network, key, step):
        return -self.weight * self.merit(network)

    def merit(self, network):
        return -jnp.square(network(self.inputs) - self.wanted).mean()


@pytest.fixture(scope="module")
def task():
    return tiny.task()


def embedded(networks):
    """Embeddings of networks: their weights, and zeros."""
    return jnp.pad(networks.flats, ((0, 0), (0, SIZE - networks.flats.shape[1])))


def searched(goal, starts, config=CONFIG, region=PLAIN, widths=(3,), kind=0, mesh=network_mesh(2)):
    return search(tiny.unchanged(widths), tiny.NO_PARAMS, tiny.constants(len(widths)), region, goal, starts, kind, config, mesh)


def imitate(task, z, weight=1.0):
    inputs = task.probes(8)
    return Imitate(inputs, tiny.perceptron().apply(z[:67], inputs), weight)


def accuracies(task, z, width=3):
    """On validation images, of the networks of `width` that begin each row."""
    images = task.examples("validation", jnp.int32(0))
    logits = np.stack([tiny.perceptron(width).apply(row[:tiny.perceptron(width).size], images.inputs) for row in z])
    return (logits.argmax(-1) == np.asarray(images.targets)).mean(1)


# search


@pytest.fixture(scope="module")
def starts():
    return embedded(tiny.networks(4))


@pytest.fixture(scope="module")
def found(task, starts):
    return searched(Labels(task, 16), starts)


def test_from_an_optimum_it_is_kept(task, starts):
    """Trust draws the search away from it, and it is the result all the same."""
    found = searched(imitate(task, starts[0], weight=0.01), starts[:1])
    assert found.losses[0, -1] < 0.9 * 0.1 * jnp.square(starts[0]).mean()
    np.testing.assert_array_equal(found.z, starts[:1])
    np.testing.assert_allclose((found.merit, found.start_merit), 0, atol=1e-10)


def test_what_is_found_is_no_worse_than_its_start_and_has_the_merit_that_it_says(task, starts, found):
    assert (found.merit >= found.start_merit).all() and (found.merit > found.start_merit + 0.1).any()
    np.testing.assert_allclose(found.start_merit, accuracies(task, starts), atol=1e-6)
    np.testing.assert_allclose(found.merit, accuracies(task, found.z), atol=1e-6)
    assert found.losses.shape == (4, 4) and (found.losses[:, -1] < found.losses[:, 0]).all()


def test_what_else_is_searched_does_not_matter(task, starts, found):
    """Four times one start, and what it came to among others."""
    same = searched(Labels(task, 16), starts[jnp.array([2, 2, 2, 2])])
    for ours, theirs in zip(jax.tree.leaves(same), jax.tree.leaves(found), strict=True):
        np.testing.assert_allclose(ours, np.array([theirs[2]] * 4), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("devices", [1, 8])
def test_devices_do_not_change_what_is_found(task, starts, found, devices):
    spread = searched(Labels(task, 16), starts, mesh=network_mesh(devices))
    assert len(spread.merit) == len(starts)
    np.testing.assert_allclose(spread.z, found.z, rtol=1e-4, atol=1e-5)


def test_trust_pulls_towards_the_centre(task, starts):
    """In deviations of the region, where the goal's own loss weighs nothing."""
    region = Region(starts[1], jnp.full(SIZE, 2.0))
    goal = imitate(task, starts[1], weight=0.0)
    pulled = searched(goal, starts[:1], region=region)
    before, after = (jnp.square(region.standardise(z)).mean() for z in (starts[:1], pulled.z))
    assert after < 0.05 * before
    assert pulled.merit > pulled.start_merit


@pytest.fixture(scope="module")
def asked(task):
    """Searches for the second of two architectures from embeddings that are read as the first, the last too far from it.

    A look at each step.
    """
    z = embedded(tiny.networks(4, 4)).at[:, :2].set(jnp.array([[0.6, -0.6]] * 3 + [[60.0, -60.0]]))
    region = Region(jnp.full(SIZE, 0.25), jnp.full(SIZE, 1.5))
    return z, searched(Labels(task, 16), z, dataclasses.replace(CONFIG, looks=40), region, (3, 4), 1)


def test_what_is_found_is_read_as_the_architecture_that_was_asked_for(task, asked):
    z, found = asked
    assert (found.start_merit == -np.inf).all()
    assert (found.z[:3, 1] > found.z[:3, 0]).all()
    np.testing.assert_allclose(found.merit[:3], accuracies(task, found.z[:3], 4), atol=1e-6)


def test_what_is_read_as_another_has_no_merit_and_is_no_result(asked):
    z, found = asked
    assert found.merit[3] == -np.inf and found.losses[3, -1] < found.losses[3, 0]
    np.testing.assert_allclose(found.z[3], z[3], rtol=1e-5, atol=1e-5)


def test_the_loss_is_the_goals_with_trust_and_the_heads_by_hand(task, asked):
    """At the start: labels, a tenth of the squared distance in deviations, and the cross-entropy to the architecture."""
    z, found = asked
    batch = task.sample(jax.random.key(0), jnp.int32(0), jnp.int32(0), 16)
    for start, losses in zip(np.asarray(z)[:3], found.losses[:3], strict=True):
        log_p = scipy.special.log_softmax(np.asarray(tiny.perceptron(4).apply(jnp.asarray(start[:88]), batch.inputs)), -1)
        labels = -log_p[np.arange(16), batch.targets].mean()
        trust = np.square((start - 0.25) / 1.5).mean()
        np.testing.assert_allclose(losses[0], labels + 0.1 * trust + np.log(1 + np.exp(1.2)), rtol=1e-5)


def test_fine_tuning_is_search_among_weights(task, starts):
    """Without trust, whatever the configuration says, and from networks as they start: they learn."""
    small = 0.3 * starts
    config = dataclasses.replace(CONFIG, steps=100)
    tuned = fine_tune(tiny.perceptron(), Labels(task, 16), small[:, :67], config)
    np.testing.assert_allclose(tuned.merit, accuracies(task, tuned.z), atol=1e-6)
    assert tuned.merit.min() > 0.5 > tuned.start_merit.max()
    found = searched(Labels(task, 16), small, dataclasses.replace(config, trust=0.0))
    np.testing.assert_allclose(found.z[:, :67], tuned.z, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.losses, tuned.losses, rtol=1e-4)


# regions and samples


def test_a_region_is_mean_and_deviation():
    z = jnp.array([[1.0, 0.0, 5.0], [3.0, 8.0, 5.0]])
    region = region_of(z)
    np.testing.assert_allclose(region.mean, [2, 4, 5])
    np.testing.assert_allclose(region.deviation, [1, 4, 0.004], rtol=1e-4)
    np.testing.assert_allclose(region.standardise(z), [[-1, -1, 0], [1, 1, 0]], atol=1e-6)


def test_what_is_standardised_is_restored():
    region = region_of(jax.random.normal(jax.random.key(0), (20, 7)) * jnp.arange(1.0, 8.0)[None] + 3)
    z = jax.random.normal(jax.random.key(1), (2, 5, 7))
    np.testing.assert_allclose(region.restore(region.standardise(z)), z, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(region.restore(region.standardise(z[0, 0])), z[0, 0], rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def correlated():
    """400 embeddings of 4 dimensions, and their mean and covariance."""
    rng = np.random.default_rng(0)
    mix = np.array([[3.0, 0, 0, 0], [1, 1, 0, 0], [0, 0.5, 1.5, 0], [0, 0, 1, 2]])
    z = (rng.standard_normal((400, 4)) @ mix.T + np.array([5.0, 0, -2, 1])).astype(np.float32)
    return z, z.mean(0), np.cov(z.T, bias=True)


@pytest.mark.parametrize("fit", [fit_mixture, fit_kernel])
def test_samples_have_mean_and_covariance_of_what_was_fitted(correlated, fit):
    """A kernel density has its bandwidth squared more in each direction, in deviations."""
    z, mean, covariance = correlated
    deviation = np.sqrt(np.diag(covariance))
    extra = 400 ** (-2 / 8) if fit is fit_kernel else 0.0
    drawn = (np.asarray(sample(fit(z), 3, 40_000)) - mean) / deviation
    assert drawn.shape == (40_000, 4)
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), covariance / np.outer(deviation, deviation) + extra * np.eye(4), atol=0.08)


@pytest.mark.parametrize("fit", [fit_mixture, fit_kernel])
def test_one_seed_draws_one_sample(correlated, fit):
    first, again, other = (sample(fit(correlated[0]), seed, 5) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(1).all()


@pytest.mark.parametrize("fit", [fit_mixture, fit_kernel])
def test_samples_lie_in_the_directions_of_real_embeddings(fit):
    """A plane in nine dimensions."""
    rng = np.random.default_rng(1)
    plane = rng.standard_normal((2, 9))
    drawn = np.asarray(sample(fit((rng.standard_normal((50, 2)) @ plane + 1).astype(np.float32)), 0, 100)) - 1
    outside = drawn - drawn @ np.linalg.pinv(plane) @ plane
    assert np.abs(outside).max() < 1e-3 and np.linalg.matrix_rank(drawn, 1e-2) == 2


def test_a_mixture_has_nothing_between_two_groups():
    rng = np.random.default_rng(2)
    z = (0.1 * rng.standard_normal((80, 3)) + np.where(np.arange(80) % 4 == 0, 5.0, -5.0)[:, None]).astype(np.float32)
    drawn = np.asarray(sample(fit_mixture(z), 0, 2000))
    assert (np.abs(np.abs(drawn) - 5) < 2).all()
    np.testing.assert_allclose((drawn[:, 0] > 0).mean(), 0.25, atol=0.04)
