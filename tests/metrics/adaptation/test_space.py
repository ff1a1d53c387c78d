"""A space's own adaptation as an adapter."""

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.fit import as_group
from netspace_jax.metrics.adaptation import Adapter
from netspace_jax.metrics.adaptation.space import SpaceNetwork
from netspace_jax.space.build import initial_params, make_constants, make_netspace
from netspace_jax.space.loop import as_space
from tests import tiny
from tests.metrics.adaptation import tasks


def test_it_gives_the_network_that_the_space_gives():
    data, config = tiny.dataset(), tiny.netspace_config(encoder="set", probes=8)
    networks, built = tiny.networks(6, 3, split="train"), (tiny.perceptron(3),)
    netspace = make_netspace(config, built, data.behaviour, make_constants(config, built, data, (networks.parameters,)))
    netspace = netspace.replace(params=jax.jit(initial_params)(netspace, jax.random.key(0)))
    groups = {0: as_group(networks)}
    space = as_space(netspace, groups, data, groups)
    assert space.calibration is not None
    adapter, given = SpaceNetwork(built[0], space.netspace, 0), tasks.examples(count=5)
    assert isinstance(adapter, Adapter) and adapter.one_network and adapter.parameters == built[0].size
    flat = jax.jit(lambda examples: adapter.flat(jax.random.key(0), examples))(given)
    adapted = space.adapt(np.asarray(given.inputs[:5]), np.asarray(given.targets[:5]))
    np.testing.assert_allclose(flat, adapted.network.flat, rtol=1e-3, atol=1e-4)
    changed = given._replace(inputs=given.inputs.at[5:].set(jnp.float32(9)))
    np.testing.assert_allclose(adapter.flat(jax.random.key(0), changed), flat, rtol=1e-3, atol=1e-4)
