"""The encoder of behaviour and the decoder that knows each layer's size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.space.modules import (
    LinearHead,
    LowRankChange,
    ProbeEncoder,
    ScaledDecoder,
    SetEncoder,
    count_coefficients,
    max_coefficients,
)
from netspace_jax.space.observation import Observation, Pairs, observe_task
from tests import tiny


def test_the_encoder_looks_at_behaviour_and_sizes():
    """And not at the parameters themselves, in which the order of neurons shows."""
    module = ProbeEncoder(embedding=5, hidden=16)
    keys = jax.random.split(jax.random.key(0), 4)
    seen = Observation(
        *(jax.random.normal(key, shape) for key, shape in zip(keys[:3], ((9,), (4,), (8, 8)), strict=True)),
        tiny.no_pairs(),
    )
    params = module.init(keys[3], seen)
    z = module.apply(params, seen)
    assert z.shape == (5,)
    for part, changed in (("description", seen.description + jnp.arange(9.0)), ("statistics", 10 * seen.statistics)):
        assert np.abs(z - module.apply(params, seen._replace(**{part: changed}))).max() > 1e-3
    np.testing.assert_array_equal(module.apply(params, seen._replace(prep=10 * seen.prep)), z)


def test_a_set_encoder_knows_neither_order_nor_what_fills_up():
    """Pairs in another order, and pairs of no weight, are the same set; another answer is another one."""
    module, random = SetEncoder(5, 8, hidden=16, constant=0.25), np.random.default_rng(0)
    inputs, answers = random.standard_normal((6, 4, 4, 1)), np.eye(4)[random.integers(0, 4, 6)]
    pairs = Pairs(*(jnp.asarray(part, jnp.float32) for part in (inputs, answers, [1, 1, 1, 1, 0, 0])))
    params = module.init(jax.random.key(0), observe_task(pairs))
    z = module.apply(params, observe_task(pairs))
    assert z.shape == (5,)
    for rows in ([3, 1, 0, 2, 4, 5], [0, 1, 2, 3, 5, 4], [0, 1, 2, 3]):
        same = jax.tree.map(lambda leaf, rows=rows: leaf[jnp.asarray(rows)], pairs)
        np.testing.assert_allclose(module.apply(params, observe_task(same)), z, rtol=1e-4, atol=1e-5)
    other = pairs._replace(answers=pairs.answers.at[0].set(jnp.roll(pairs.answers[0], 1)))
    assert np.abs(module.apply(params, observe_task(other)) - z).max() > 1e-3


@pytest.mark.parametrize("architectures", [1, 3])
def test_the_decoder_scales_and_shifts(architectures):
    """Twice the scale is twice the distance from the shift, and where the scale is zero the shift comes out."""
    module = ScaledDecoder((4, 6), 16, architectures)
    z, shift = jax.random.normal(jax.random.key(0), (5,)), jax.random.normal(jax.random.key(1), (4, 6))
    scale = jnp.ones((4, 6)).at[0].set(0).at[1].set(2)
    params = module.init(jax.random.key(2), z, scale, shift, 0)
    out = module.apply(params, z, scale, shift, 0)
    plain = module.apply(params, z, jnp.ones((4, 6)), jnp.zeros((4, 6)), 0)
    np.testing.assert_array_equal(out[0], shift[0])
    np.testing.assert_allclose(out, shift + scale * plain, rtol=1e-6, atol=1e-6)
    assert np.abs(plain).min(axis=1).max() > 0


def test_initial_scale_is_how_far_from_the_shift_values_start():
    z, shift = jax.random.normal(jax.random.key(0), (5,)), jax.random.normal(jax.random.key(1), (40, 60))
    near, far = (
        ScaledDecoder((40, 60), 16, 1, initial_scale).init_with_output(
            jax.random.key(2), z, jnp.ones((40, 60)), shift, 0
        )[0]
        for initial_scale in (0.1, 2.0)
    )
    np.testing.assert_allclose(far - shift, 20 * (near - shift), rtol=1e-3, atol=1e-4)
    assert (near - shift).std() > 0.02


def test_the_decoder_is_told_the_architecture_where_there_are_several():
    z, table = jnp.ones(5), jnp.ones((4, 6))
    for architectures, differs in ((1, False), (3, True)):
        module = ScaledDecoder((4, 6), 16, architectures)
        params = module.init(jax.random.key(0), z, table, table, 0)
        first, second = (module.apply(params, z, table, table, which) for which in (0, 1))
        assert bool((first != second).any()) == differs


def test_head_has_a_logit_for_each_architecture():
    module = LinearHead(4)
    z = jnp.arange(6.0)
    params = module.init(jax.random.key(0), z)["params"]
    np.testing.assert_allclose(module.apply({"params": params}, z), z @ params["Dense_0"]["kernel"], rtol=1e-6)


@pytest.mark.long
def test_coefficients_change_each_tensor_by_a_matrix_of_low_rank():
    """U S Vᵀ for every tensor, with entries of 1 for coefficients of 1; at full rank any change can be reached."""
    rows, columns = (6, 6, 3), (8, 1, 6)
    assert count_coefficients(rows, columns, 2) == 4 + 2 + 4 and count_coefficients(rows, columns, 8) == 48 + 6 + 18
    module = LowRankChange(rows, columns, 2)
    coefficients = jax.random.normal(jax.random.key(0), (10,))
    changes, params = jax.jit(module.init_with_output)(jax.random.key(1), coefficients)
    left, right = params["params"]["left_0"], params["params"]["right_0"]
    np.testing.assert_allclose(left.T @ left, np.eye(2), atol=1e-5)
    expected = np.sqrt(48 / 4) * left @ coefficients[:4].reshape(2, 2) @ right.T
    np.testing.assert_allclose(changes[:48].reshape(6, 8), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(module.apply(params, jnp.zeros(10)), 0)
    full = LowRankChange(rows, columns, 8)
    params = jax.jit(full.init)(jax.random.key(1), jnp.zeros(72))
    reach = jax.jit(jax.jacobian(lambda own: full.apply(params, own)))(jnp.zeros(72))
    assert np.linalg.matrix_rank(reach) == 72


def test_a_decoder_with_a_rank_reads_its_coefficients_from_the_end():
    module = ScaledDecoder((4, 6), 16, 1, rank=2, rows=((4, 4),), columns=((5, 1),))
    z, table = jnp.ones(5 + count_coefficients((4, 4), (5, 1), 2)), jnp.ones((4, 6))
    params = module.init(jax.random.key(0), z, table, table, 0)
    decoded, moved = (module.apply(params, own, table, table, 0) for own in (z, z.at[-1].add(1)))
    np.testing.assert_array_equal(moved[:3], decoded[:3])  # the last coefficient is the vector's
    assert (moved.reshape(-1)[20:24] != decoded.reshape(-1)[20:24]).any()


def test_each_architecture_has_tensors_of_its_own_to_change():
    """They share the coefficients, of which the larger takes all."""
    rows, columns = ((4, 4), (3,)), ((5, 1), (2,))
    assert max_coefficients(rows, columns, 2) == count_coefficients((4, 4), (5, 1), 2) == 6
    module = ScaledDecoder((4, 6), 16, 2, rank=2, rows=rows, columns=columns)
    z, table = jnp.ones(5 + 6), jnp.ones((4, 6))
    params = module.init(jax.random.key(0), z, table, table, 0)
    moved = [module.apply(params, z.at[5].add(1), table, table, which).reshape(-1) for which in (0, 1)]
    still = [module.apply(params, z, table, table, which).reshape(-1) for which in (0, 1)]
    for which, size in enumerate((24, 6)):
        changed = np.flatnonzero(moved[which] != still[which])
        assert changed.size and changed.max() < size
    np.testing.assert_array_equal(module.apply(params, z.at[-1].add(1), table, table, 1).reshape(-1), still[1])
