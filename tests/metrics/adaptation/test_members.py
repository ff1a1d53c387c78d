"""The nearest members, their vote, the mean of their weights."""

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.metrics.adaptation import example_loss
from netspace_jax.metrics.adaptation.members import MeanWeights, NearestMember, TrainedNetworks, Vote
from tests import tiny
from tests.metrics.adaptation import tasks

ARCHITECTURE, KEY = tiny.perceptron(6), jax.random.key(0)


def population(count=20):
    return TrainedNetworks(ARCHITECTURE, tiny.flats(count, 6), tiny.TASK)


def order_of(members, given):
    """Rows by their loss, each computed alone."""
    losses = [float(example_loss(tiny.TASK, ARCHITECTURE.bind(flat), given)) for flat in members.flats]
    return np.argsort(losses)


def test_the_nearest_member_has_the_least_loss():
    members, given = population(), tasks.examples()
    found = NearestMember(ARCHITECTURE, members).flat(KEY, given)
    np.testing.assert_array_equal(found, members.flats[order_of(members, given)[0]])


def test_the_best_are_averaged_in_weights_and_in_outputs():
    members, given = population(), tasks.examples()
    best = members.flats[order_of(members, given)[:4]]
    np.testing.assert_allclose(MeanWeights(ARCHITECTURE, members, 4).flat(KEY, given), best.mean(0), atol=1e-6)
    vote, outputs = Vote(members, 4), jax.vmap(ARCHITECTURE.apply, (0, None))(best, given.inputs)
    np.testing.assert_allclose(vote.adapt(KEY, given)(given.inputs), outputs.mean(0), atol=1e-5)
    assert vote.parameters == 4 * ARCHITECTURE.size and not vote.one_network


def test_more_voters_than_members_are_all_members():
    members, given = population(3), tasks.examples()
    np.testing.assert_allclose(
        MeanWeights(ARCHITECTURE, members, 16).flat(KEY, given), members.flats.mean(0), atol=1e-6
    )
    assert Vote(members, 16).parameters == 3 * ARCHITECTURE.size


def test_what_does_not_count_changes_nothing():
    members, given = population(), tasks.examples(count=2)
    other = given._replace(inputs=given.inputs.at[2:].set(jnp.nan))
    np.testing.assert_array_equal(members.best(given, 5), members.best(other, 5))


def test_a_member_that_diverged_is_never_the_nearest():
    members = population(3)
    broken = members.replace(flats=members.flats.at[0].set(jnp.nan))
    assert 0 not in broken.best(tasks.examples(), 2)
