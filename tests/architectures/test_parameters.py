"""PRep: nothing is lost on the way there and back, and the order is the forward pass's in PyTorch's layouts."""

import chex
import flax.linen as nn
import hypothesis.extra.numpy as hnp
import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspace_jax.architectures import parameters as prep

DTYPES = {np.float32: np.uint32, np.float16: np.uint16, ml_dtypes.bfloat16: np.uint16}


@st.composite
def leaves(draw):
    """An array of any bits whatever: NaN, infinities, subnormals, negative zeros."""
    dtype = draw(st.sampled_from(list(DTYPES)))
    shape = draw(st.sampled_from([(), (0,), (3,), (2, 3), (4, 1), (2, 1, 3), (1, 2, 2, 3), (2, 1, 2, 1, 3)]))
    return draw(hnp.arrays(DTYPES[dtype], shape)).view(dtype).reshape(shape)


TREES = st.recursive(
    leaves(),
    lambda child: st.dictionaries(
        st.sampled_from(["kernel", "bias", "Conv_1", "Conv_0", "a/b", "a", "b", "scale"]), child, min_size=1, max_size=4
    ),
    max_leaves=6,
).filter(lambda tree: isinstance(tree, dict))


def bits(array):
    """Of every value; of all NaN the same."""
    array = np.asarray(array)
    one_nan = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return one_nan.view(DTYPES[array.dtype.type]) if array.size else np.zeros(array.shape)


@settings(max_examples=50)
@given(TREES, st.integers(1, 7))
def test_round_trip_loses_no_bit(tree, columns):
    spec = prep.spec_of(tree)
    rows = -(-spec.size // columns) + 1

    @jax.jit
    def there_and_back(tree):
        table = prep.to_prep(prep.flatten(spec, tree), (rows, columns))
        return prep.unflatten(spec, prep.from_prep(table, spec.size))

    back = there_and_back(jax.tree.map(jnp.asarray, tree))
    assert jax.tree.structure(back) == jax.tree.structure(tree)
    for (path, old), new in zip(jax.tree_util.tree_leaves_with_path(tree), jax.tree.leaves(back), strict=True):
        assert new.dtype == old.dtype and new.shape == old.shape, path
        np.testing.assert_array_equal(bits(new), bits(old), err_msg=str(path))


def test_round_trip_of_jitted_and_vmapped_networks():
    tree = {"b": {"kernel": jnp.arange(24.0).reshape(2, 3, 4)}, "a": jnp.arange(4, dtype=jnp.bfloat16)}
    spec = prep.spec_of(tree)
    many = jax.tree.map(lambda leaf: jnp.stack([leaf, -leaf, leaf + 1]), tree)
    flats = jax.jit(jax.vmap(lambda one: prep.flatten(spec, one)))(many)
    back = jax.jit(jax.vmap(lambda flat: prep.unflatten(spec, flat)))(flats)
    chex.assert_trees_all_equal(back, many)
    np.testing.assert_array_equal(flats[0], prep.flatten(spec, tree))


def test_layouts_are_pytorchs():
    """By hand: element [h, w, i, o] of a convolution and [i, o] of a linear layer go to [o, i, h, w] and [o, i]."""
    conv = jnp.arange(8.0).reshape(1, 2, 2, 2)  # 4·w + 2·i + o
    linear = jnp.array([[10.0, 11, 12], [13, 14, 15]])
    tree = {
        "conv": {"kernel": conv, "bias": jnp.array([20.0, 21])},
        "linear": {"kernel": linear, "bias": jnp.array([30.0, 31, 32])},
    }
    flat = prep.flatten(prep.spec_of(tree), tree)
    np.testing.assert_array_equal(flat, [0, 4, 2, 6, 1, 5, 3, 7, 20, 21, 10, 13, 11, 14, 12, 15, 30, 31, 32])


@pytest.mark.parametrize("spatial", [(3,), (3, 2), (3, 2, 4)])
def test_kernels_of_one_to_three_dimensions(spatial):
    shape = (*spatial, 5, 6)  # in, out
    kernel = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    spec = prep.spec_of({"kernel": kernel})
    found = np.asarray(prep.flatten(spec, {"kernel": jnp.asarray(kernel)})).reshape(6, 5, *spatial)
    for index in np.ndindex(*spatial):
        np.testing.assert_array_equal(found[(slice(None), slice(None), *index)], kernel[index].T)
    assert spec.leaves[0].torch_shape == (6, 5, *spatial)
    assert spec.leaves[0].fan_in == 5 * np.prod(spatial)


def test_only_kernels_change_their_layout():
    table = jnp.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(prep.flatten(prep.spec_of({"embedding": table}), {"embedding": table}), np.arange(6))


class Backwards(nn.Module):
    """Names in the opposite of forward order, so that sorting them would show."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(1, name="a")(nn.Dense(2, name="z")(x))


def test_order_is_the_forward_passs():
    module, x = Backwards(), jnp.zeros((1, 3))
    spec = prep.spec_in_forward_order(lambda: module.init(jax.random.key(0), x)["params"])
    assert [leaf.path for leaf in spec.leaves] == [("z", "kernel"), ("z", "bias"), ("a", "kernel"), ("a", "bias")]
    assert spec.offsets == (0, 6, 8, 10) and spec.size == 11
    params = jax.jit(module.init)(jax.random.key(1), x)["params"]  # sorted by jit
    flat = prep.flatten(spec, params)
    np.testing.assert_array_equal(flat[:6].reshape(2, 3), params["z"]["kernel"].T)
    np.testing.assert_array_equal(flat[8:10], params["a"]["kernel"][:, 0])


def test_rows_are_filled_in_order_and_padded_with_zeros():
    table = prep.to_prep(jnp.arange(1.0, 6), (2, 4))
    np.testing.assert_array_equal(table, [[1, 2, 3, 4], [5, 0, 0, 0]])
    np.testing.assert_array_equal(prep.from_prep(table, 5), np.arange(1, 6))
    np.testing.assert_array_equal(prep.from_prep(prep.to_prep(jnp.arange(8.0), (2, 4)), 8), np.arange(8))


@pytest.mark.parametrize(
    ("convert", "sizes"),
    [
        (lambda: prep.to_prep(jnp.zeros(9), (2, 4)), ("9", "2×4", "8")),
        (lambda: prep.from_prep(jnp.zeros((2, 4)), 9), ("9", "2×4", "8")),
        (lambda: prep.unflatten(prep.spec_of({"w": jnp.zeros(3)}), jnp.zeros(4)), ("3", "4")),
        (
            lambda: prep.flatten(prep.spec_of({"w": jnp.zeros((3, 2))}), {"w": jnp.zeros((2, 3))}),
            ("w", "(2, 3)", "(3, 2)"),
        ),
        (lambda: prep.flatten(prep.spec_of({"w": jnp.zeros(3)}), {"v": jnp.zeros(4)}), ("3", "4", "'w'", "'v'")),
        (
            lambda: prep.flatten(prep.spec_of({"w": jnp.zeros(3)}), {"w": jnp.zeros(3), "v": jnp.zeros(2)}),
            ("3", "5", "'v'"),
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_both_sizes(convert, sizes):
    with pytest.raises(ValueError) as error:
        convert()
    assert "\n" not in str(error.value)
    for size in sizes:
        assert size in str(error.value)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.bool_, np.complex64])
def test_what_a_prep_cannot_hold_is_refused_by_name(dtype):
    with pytest.raises(ValueError, match=f"layer/weird is {np.dtype(dtype)}"):
        prep.spec_of({"layer": {"weird": np.zeros(3, dtype)}})


def test_of_nothing():
    assert prep.spec_of({}).size == 0
    assert prep.unflatten(prep.spec_of({}), prep.flatten(prep.spec_of({}), {})) == {}
