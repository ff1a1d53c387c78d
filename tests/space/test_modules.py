"""The encoder of behaviour and the decoder that knows each layer's size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.space.modules import LinearHead, ProbeEncoder, ScaledDecoder, segment_statistics


def test_statistics_are_log_sizes_of_segments_of_32_values():
    table = jnp.concatenate([jnp.full(32, 3.0), -jnp.full(32, 0.5), jnp.zeros(64)]).reshape(8, 16)
    np.testing.assert_allclose(segment_statistics(table), np.log([3.0, 0.5, 1e-3, 1e-3]), rtol=1e-4)


def test_statistics_of_a_prep_that_does_not_divide():
    statistics = segment_statistics(jnp.ones((4, 20)))  # 80 values: two segments and a half
    np.testing.assert_allclose(statistics, [0, 0, 0.5 * np.log(0.5)], atol=1e-5)


def test_a_large_prep_has_at_most_1024_segments():
    assert segment_statistics(jnp.ones((8, 10_000))).shape == (1013,)  # of 79 values
    assert segment_statistics(jnp.ones((88, 10_000))).shape == (1024,)  # of 860


def test_the_encoder_looks_at_behaviour_and_prep():
    module = ProbeEncoder(embedding=5, hidden=16)
    description, table = jax.random.normal(jax.random.key(0), (9,)), jax.random.normal(jax.random.key(1), (8, 8))
    params = module.init(jax.random.key(2), description, table)
    z = module.apply(params, description, table)
    assert z.shape == (5,)
    assert np.abs(z - module.apply(params, description + jnp.arange(9.0), table)).max() > 1e-3
    assert np.abs(z - module.apply(params, description, table.at[:4].multiply(10.0))).max() > 1e-3


@pytest.mark.parametrize("architectures", [1, 3])
def test_the_decoder_scales_and_shifts(architectures):
    """Twice the scale is twice the distance from the shift, and where the scale is zero the shift comes out."""
    module = ScaledDecoder((4, 6), 16, architectures)
    z, shift = jax.random.normal(jax.random.key(0), (5,)), jax.random.normal(jax.random.key(1), (4, 6))
    scale = jnp.ones((4, 6)).at[0].set(0).at[1].set(2)
    params = module.init(jax.random.key(2), z, scale, shift, jnp.int32(0))
    out = module.apply(params, z, scale, shift, jnp.int32(0))
    plain = module.apply(params, z, jnp.ones((4, 6)), jnp.zeros((4, 6)), jnp.int32(0))
    np.testing.assert_array_equal(out[0], shift[0])
    np.testing.assert_allclose(out, shift + scale * plain, rtol=1e-6, atol=1e-6)
    assert np.abs(plain).min(axis=1).max() > 0


def test_spread_is_how_far_from_the_shift_values_start():
    z, shift = jax.random.normal(jax.random.key(0), (5,)), jax.random.normal(jax.random.key(1), (40, 60))
    near, far = (ScaledDecoder((40, 60), 16, 1, spread).init_with_output(jax.random.key(2), z, jnp.ones((40, 60)), shift,
                                                                        jnp.int32(0))[0] for spread in (0.1, 2.0))
    np.testing.assert_allclose(far - shift, 20 * (near - shift), rtol=1e-3, atol=1e-4)
    assert (near - shift).std() > 0.02


def test_the_decoder_is_told_the_architecture_where_there_are_several():
    z, table = jnp.ones(5), jnp.ones((4, 6))
    for architectures, differs in ((1, False), (3, True)):
        module = ScaledDecoder((4, 6), 16, architectures)
        params = module.init(jax.random.key(0), z, table, table, jnp.int32(0))
        first, second = (module.apply(params, z, table, table, jnp.int32(which)) for which in (0, 1))
        assert bool((first != second).any()) == differs


def test_head_has_a_logit_for_each_architecture():
    module = LinearHead(4)
    z = jnp.arange(6.0)
    params = module.init(jax.random.key(0), z)["params"]
    np.testing.assert_allclose(module.apply({"params": params}, z), z @ params["Dense_0"]["kernel"], rtol=1e-6)
