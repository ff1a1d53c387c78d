"""Several processes are told how to find each other; what makes no sense is refused before they try."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import Hosts, join, netspace_mesh


@pytest.mark.parametrize(
    ("hosts", "word"),
    [
        (Hosts(processes=2), "--hosts.coordinator"),
        (Hosts("127.0.0.1:1", 2, 2), "--hosts.process 2"),
        (Hosts("127.0.0.1:1"), "--hosts.process -1"),
        (Hosts("127.0.0.1", 2, 0), "no port"),
        (Hosts("auto", 2, 0), "leave them out"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(hosts, word):
    with pytest.raises(InputError, match=word):
        join(hosts)


def test_one_process_alone_needs_nothing():
    join(Hosts())
    assert jax.process_count() == 1


def test_users_level_of_optimisation_has_the_same_gradients():
    """Tests compile at level 0, the commands at level 1."""
    built = architectures.build("lenetlike", (8, 8, 1), 10)
    flat = jax.jit(lambda key: built.finish(built.init(key)))(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (16, 8, 8, 1))
    gradient = jax.jit(jax.grad(lambda flat: jnp.square(built.apply(flat, x)).mean())).lower(flat)
    as_tests, as_users = (gradient.compile({"xla_backend_optimization_level": level})(flat) for level in (0, 1))
    assert np.abs(as_tests).max() > 1e-3
    np.testing.assert_allclose(as_users, as_tests, rtol=1e-4, atol=1e-6)


def test_networks_that_do_not_divide_take_fewer_devices(caplog):
    assert netspace_mesh(8, 16, 5).size == 8
    assert netspace_mesh(8, 6, 5).size == 2
    assert "6 networks" in caplog.text and "8 devices" in caplog.text
    assert netspace_mesh(8, 1, 5).size == 1
    assert netspace_mesh(8, 1, 20).shape == {"network": 1, "input": 4}
