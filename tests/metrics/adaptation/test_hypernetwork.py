"""The set encoder and decoder trained end to end on true targets."""

import dataclasses

import chex
import jax
import numpy as np
import pytest

from netspace_jax.metrics.adaptation.hypernetwork import fit_hypernetwork
from netspace_jax.metrics.adaptation.space import SpaceNetwork
from netspace_jax.space.build import make_constants, make_netspace
from tests import tiny
from tests.metrics.adaptation import tasks


@pytest.mark.long
def test_it_learns_from_true_targets_and_not_from_networks():
    """Its loss falls, other parameters of the space change nothing, and other targets do."""
    data, networks = tiny.dataset(), tiny.networks(6, 3, split="train")
    config = tiny.netspace_config(encoder="set", probes=8, pairs=8, steps=60, networks=4, learning_rate=1e-2)
    built = (tiny.perceptron(3),)
    constants = make_constants(config, built, data, (networks.parameters,))
    netspace = make_netspace(config, built, data.behaviour, constants)

    def fitted(data, steps, params=None):
        settings = dataclasses.replace(config, steps=steps)
        start = netspace.replace(params=params)
        return fit_hypernetwork(jax.random.key(0), start, data, np.arange(1), config=settings)

    def accuracy(trained):
        given, test = tasks.examples(count=5), data.examples("test")
        adapter = SpaceNetwork(built[0], trained.netspace, 0)
        outputs = adapter.adapt(jax.random.key(0), given)(test.inputs)
        return float(data.behaviour.score(outputs, test.targets))

    trained = fitted(data, 60)
    assert accuracy(trained) > accuracy(fitted(data, 1)) + 0.2
    chex.assert_trees_all_equal(fitted(data, 1, params=trained.params).params, fitted(data, 1).params)
    other = data.replace(train=data.train.replace(y=(data.train.y + 1) % tiny.CLASSES))
    moved = jax.tree.map(lambda a, b: float(abs(a - b).max()), fitted(other, 1).params, fitted(data, 1).params)
    assert max(jax.tree.leaves(moved)) > 1e-4
