"""What takes no space: the nearest training network, and distillation."""

import numpy as np

from netspace_jax.metrics.baselines import distilled, nearest_networks
from netspace_jax.metrics.outputs import agreements, outputs_of
from tests import tiny
from tests.compiles import nothing_compiles


def test_the_nearest_training_network_is_the_one_that_agrees_most():
    data, training = tiny.dataset(), np.asarray(tiny.flats(12))
    wanted = training[[7, 2]] + 1e-4
    inputs = data.examples("train").inputs
    found = nearest_networks(data.behaviour, tiny.perceptron(), wanted, training, inputs)
    np.testing.assert_array_equal(found, [7, 2])


def agreement_of(data, flats, others):
    """Mean agreement of networks with as many others."""
    outputs = [outputs_of(data, tiny.perceptron(), rows) for rows in (flats, others)]
    return agreements(data.behaviour, *outputs).mean()


def test_a_distilled_network_does_what_the_given_one_does_with_other_weights():
    data, wanted = tiny.dataset(), np.asarray(tiny.flats(3))
    inputs = data.examples("train").inputs
    short, long = (
        distilled(data.behaviour, tiny.perceptron(), wanted, inputs, steps=steps, batch=32) for steps in (2, 1500)
    )
    agreement = [agreement_of(data, wanted, flats) for flats in (short, long)]
    assert agreement[1] > agreement[0] + 0.2 and agreement[1] > 0.75
    assert np.abs(long - wanted).mean() > 0.1


def test_distillation_of_one_does_not_depend_on_the_others():
    data, wanted = tiny.dataset(), np.asarray(tiny.flats(3))
    inputs = data.examples("train").inputs
    alone = distilled(data.behaviour, tiny.perceptron(), wanted[:1], inputs, steps=5, batch=8)
    together = distilled(data.behaviour, tiny.perceptron(), wanted, inputs, steps=5, batch=8)
    np.testing.assert_allclose(alone[0], together[0], atol=1e-5)


def test_another_seed_or_number_of_steps_compiles_nothing_anew():
    data, wanted = tiny.dataset(), np.asarray(tiny.flats(3))
    inputs = data.examples("train").inputs
    first = distilled(data.behaviour, tiny.perceptron(), wanted, inputs, steps=5, batch=8)
    with nothing_compiles():
        other = distilled(data.behaviour, tiny.perceptron(), wanted, inputs, steps=3, batch=8, seed=4)
    assert (first != other).any(1).all()
