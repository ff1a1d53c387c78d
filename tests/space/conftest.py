"""A space as it starts: of two architectures, and of networks as they start."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.fit import as_group
from netspace_jax.space.build import initial_params, make_constants, make_netspace
from netspace_jax.space.loop import as_space
from tests import tiny


@pytest.fixture(scope="package")
def data():
    """Noisy pictures."""
    return tiny.dataset()


@pytest.fixture(scope="package")
def space(data):
    """A space that has not learned yet, with the embeddings of six networks of each of two architectures."""
    config, widths = tiny.netspace_config(), (3, 4)
    networks = {f"perceptron{width}": tiny.networks(6, width, split="train") for width in widths}
    built = tuple(tiny.perceptron(width) for width in widths)
    constants = make_constants(config, built, data, tuple(found.parameters for found in networks.values()))
    netspace = make_netspace(config, built, data.behaviour, constants)
    groups = {number: as_group(group) for number, group in enumerate(networks.values())}
    return as_space(netspace.replace(params=jax.jit(initial_params)(netspace, jax.random.key(0))), groups, data)


@pytest.fixture(scope="package")
def members():
    """Perceptrons of width 4 that are none of the space's."""
    return np.asarray(tiny.flats(5, 4, seed=1))


@pytest.fixture(scope="package")
def z_read_as(space):
    """From a name to an embedding that the head reads as that architecture, far from the boundary."""
    kernel = space.params["head"]["Dense_0"]["kernel"]
    direction = kernel[:, 1] - kernel[:, 0]
    direction = 10 * direction / jnp.linalg.norm(direction)
    return lambda name: direction if name == space.names[1] else -direction
