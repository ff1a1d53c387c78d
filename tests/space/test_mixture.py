"""The posterior of a task whose answers are numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.space import mixture
from netspace_jax.space.observation import Pairs
from tests.domains.fields.test_signals import run  # noqa: F401  networks whose embeddings are their weights


@pytest.fixture(scope="module")
def known(run):  # noqa: F811
    """A space, its training networks as an ensemble, and 40 instants."""
    space = run.space
    ensemble = mixture.ensemble_of(space, np.asarray(space.embeddings[space.names[0]]))
    return space, ensemble, jnp.linspace(-1, 1, 40)[:, None]


def answers(space, flat, x):
    return space.architectures[0].apply(flat, x)


def test_shares_of_components_add_up_to_one(known):
    np.testing.assert_allclose(known[1].shares.sum(1), 1, rtol=1e-4)


def test_a_training_network_is_found_from_its_answers_and_others_are_closer_than_the_mean(known):
    space, ensemble, x = known
    wanted = jax.vmap(lambda flat: answers(space, flat, x))(ensemble.networks[:4])
    z = mixture.find_many(space, ensemble, jnp.broadcast_to(x, (4, *x.shape)), wanted)
    found = jax.vmap(lambda z: answers(space, space.generate(z, 0), x))(z)
    mean = jax.vmap(lambda flat: answers(space, flat, x))(ensemble.networks).mean(0)
    assert jnp.square(found - wanted).mean() < 0.1 * jnp.square(mean[None] - wanted).mean()


def test_pairs_that_only_fill_up_have_no_say(known):
    space, ensemble, x = known
    pairs = Pairs(x, answers(space, ensemble.networks[0], x), jnp.ones(len(x)))
    filled = jax.tree.map(lambda leaf: jnp.concatenate([leaf, 0 * leaf[:9]]), pairs)
    find = jax.jit(mixture.find)
    alone, beside = (find(space.netspace, ensemble, some) for some in (pairs, filled))
    np.testing.assert_allclose(alone.mean, beside.mean, atol=2e-3)
    np.testing.assert_allclose(alone.deviation, beside.deviation, atol=2e-2)


def test_more_examples_leave_less_open(known):
    space, ensemble, x = known
    pairs = Pairs(x, answers(space, ensemble.networks[0], x), jnp.ones(len(x)))
    few = pairs._replace(weight=jnp.zeros(len(x)).at[20].set(1.0))
    assert mixture.find(space.netspace, ensemble, pairs).deviation.sum() < (
        mixture.find(space.netspace, ensemble, few).deviation.sum()
    )
