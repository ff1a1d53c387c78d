"""Gradient search on plain points, where what it should come to is known."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array

from netspace_jax.config import SearchConfig
from netspace_jax.latent import Ground, Region, climb

CONFIG = SearchConfig(steps=200, learning_rate=0.3, trust=0.0, validations=10)
PLAIN = Region(jnp.zeros(3), jnp.ones(3))
STARTS = jnp.array([[0.0, 0.0, 0.0], [2.0, -1.0, 0.5], [-3.0, 0.0, 3.0]])
WANTED = jnp.array([1.0, -2.0, 0.5])


@flax.struct.dataclass
class Near:
    """A point as near as can be to another; what chooses may want another one than what is minimised."""

    wanted: Array
    chosen_by: Array

    def loss(self, network, key, step):
        return jnp.square(network(jnp.eye(3)) - self.wanted[:, None]).sum()

    def score(self, network):
        return -jnp.square(network(jnp.eye(3)) - self.chosen_by[:, None]).sum()


def network_of(point):
    return lambda inputs: inputs @ point[:, None]


NEAR = Near(WANTED, WANTED)


def climbed(objective=NEAR, region=PLAIN, config=CONFIG, starts=STARTS, **ground):
    return jax.jit(lambda: climb(Ground(network_of, **ground), region, objective, starts, config))()


def test_it_comes_to_what_is_wanted_from_everywhere():
    found = climbed()
    np.testing.assert_allclose(found.z, np.tile(WANTED, (3, 1)), atol=0.02)
    np.testing.assert_allclose(found.initial_score, -np.square(STARTS - WANTED[None]).sum(1), rtol=1e-5)
    np.testing.assert_allclose(found.score, -np.square(found.z - WANTED[None]).sum(1), atol=1e-5)
    assert found.losses.shape == (3, 200) and (found.losses[:, -1] < 0.01 * found.losses[:, 0]).all()


def test_the_best_on_the_way_is_kept_and_the_end_is_told():
    """What is minimised leads past what chooses."""
    found = climbed(Near(WANTED, 0.5 * WANTED), starts=jnp.zeros((1, 3)))
    np.testing.assert_allclose(found.last, [WANTED], atol=0.02)
    np.testing.assert_allclose(found.score, -np.square(found.z[0] - 0.5 * WANTED).sum(), atol=1e-5)
    assert found.score[0] > found.initial_score[0]
    assert np.linalg.norm(found.z - 0.5 * WANTED[None]) < np.linalg.norm(found.last - 0.5 * WANTED[None])


def test_a_start_that_is_best_stays():
    found = climbed(Near(WANTED, STARTS[0]), starts=STARTS[:1])
    np.testing.assert_array_equal(found.z, STARTS[:1])
    assert found.score[0] == found.initial_score[0] == 0 and (found.last != found.z).any()


def test_trust_is_towards_the_centre_in_the_regions_units():
    """Of (x − w)² + t·mean(u²) with x = m + s·u, the minimum is known."""
    region = Region(jnp.array([1.0, 0.0, -1.0]), jnp.array([0.5, 1.0, 2.0]))
    trust, mean, std = 3.0, np.asarray(region.mean), np.asarray(region.std)
    config = SearchConfig(steps=400, learning_rate=0.1, trust=trust, validations=4)
    found = climbed(region=region, config=config, starts=STARTS[:1])
    u = std * (WANTED - mean) / (std**2 + trust / 3)
    np.testing.assert_allclose(found.last[0], mean + std * u, atol=0.02)


def test_a_penalty_is_part_of_the_loss():
    found = climbed(penalty=lambda point: jnp.square(point[0]))
    np.testing.assert_allclose(found.last, np.tile([0.5, -2.0, 0.5], (3, 1)), atol=0.02)


def test_what_is_not_allowed_is_no_result():
    found = climbed(allowed=lambda point: point[0] < 0.5)
    assert found.initial_score[1] == -np.inf and np.isfinite(np.asarray(found.initial_score)[[0, 2]]).all()
    np.testing.assert_array_equal(found.z[1], STARTS[1])
    assert found.score[1] == -np.inf
    assert (np.asarray(found.z)[[0, 2], 0] < 0.5).all() and (found.last[:, 0] > 0.5).all()


@flax.struct.dataclass
class Downhill:
    """As small as can be, so that the loss says where a step began; chosen is what is nearest to some point."""

    nearest_to: Array

    def loss(self, network, key, step):
        return network(jnp.ones((1, 1)))[0, 0]

    def score(self, network):
        return -jnp.abs(network(jnp.ones((1, 1)))[0, 0] - self.nearest_to)


@pytest.mark.parametrize(("steps", "validations"), [(10, 4), (3, 20), (12, 4), (10, 1), (10, 10)])
def test_only_what_a_check_sees_is_chosen(steps, validations):
    """Checks lie evenly, the last at the end; at each step, where more are asked for."""
    config = SearchConfig(steps=steps, validations=validations, trust=0.0, learning_rate=1.0)
    plain, start = Region(jnp.zeros(1), jnp.ones(1)), jnp.ones((1, 1))
    due = {0, *np.rint(np.linspace(0, steps, validations + 1)).astype(int)}
    for aimed_at in range(steps + 1):
        found = climbed(Downhill(jnp.float32(0)), plain, config, start)
        assert found.losses.shape == (1, steps)
        way = np.append(found.losses[0], found.last[0])
        found = climbed(Downhill(jnp.float32(way[aimed_at])), plain, config, start)
        expected = min((way[step] for step in due), key=lambda x: abs(x - way[aimed_at]))
        np.testing.assert_allclose(found.z, [[expected]], atol=1e-5)
