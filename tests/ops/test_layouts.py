import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.ops.layouts import has_slow_layouts, in_fast_layouts
from netspace_jax.ops.platform import portable


def key(number):
    return jax.random.key(number)


class Everything(nn.Module):
    """Flax's own layers of images, in one network."""

    @nn.compact
    def __call__(self, x):
        x = nn.max_pool(nn.relu(nn.Conv(6, (3, 3), padding="VALID")(x)), (2, 2), (2, 2))
        x = nn.BatchNorm(use_running_average=False)(x)
        x = nn.Dropout(0.5, deterministic=False)(x)
        y = nn.silu(nn.Conv(6, (3, 3), kernel_dilation=2)(nn.max_pool(x, (3, 3))))
        x = jnp.concatenate([x[:, :-2, :-2], y], -1)
        x = nn.ConvTranspose(8, (3, 3), strides=(2, 2))(x)
        x = nn.Conv(8, (3, 3), feature_group_count=4)(x)  # left to XLA
        x = nn.avg_pool(nn.leaky_relu(nn.Conv(16, (3, 3), strides=2)(x)), (2, 2), (2, 2))
        x = nn.softplus(nn.remat(nn.Conv)(4, (2, 2), use_bias=False)(nn.GroupNorm(4)(x)))
        x = x + nn.MultiHeadDotProductAttention(2)(nn.LayerNorm()(x).reshape(len(x), -1, 4)).reshape(x.shape)
        x = nn.Conv(4, (3,), strides=2)(nn.RNN(nn.GRUCell(4))(x.reshape(len(x), -1, 4)))
        return nn.Dense(3)(x.mean(1))


class Rows(nn.Module):
    """The same layer many times, by a scan, and channels first."""

    @nn.compact
    def __call__(self, x):
        many = nn.scan(
            lambda conv, x, _: (nn.relu(conv(x)), None),
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=2,
        )
        x, _ = many(nn.Conv(2, (3, 3)), x, None)
        x = jax.lax.conv_general_dilated(x.transpose(0, 3, 1, 2), jnp.ones((3, 2, 3, 3)), (1, 1), "SAME")
        return jax.lax.cond(x.sum() > 0, lambda x: nn.relu(x), lambda x: -x, x).mean((2, 3))


def trained(module, run, mapped):
    """Outputs, state and gradients of a step of two networks."""
    x = jax.random.normal(key(0), (2, 14, 14, 2))
    init = jax.jit(lambda own: module.init({"params": own, "dropout": key(2)}, x))
    variables = jax.vmap(init)(jax.random.split(key(1), 2))
    state = {name: value for name, value in variables.items() if name != "params"}

    def apply(params, state, x):
        return module.apply({"params": params, **state}, x, mutable=list(state), rngs={"dropout": key(3)})

    def loss(params, state, x):
        y, after = run(apply)(params, state, x)
        return jnp.square(y).sum(), (y, after)

    step = jax.value_and_grad(loss, argnums=(0, 2), has_aux=True)
    over = (
        (lambda f: jax.vmap(f, (0, 0, None)))
        if not mapped
        else lambda f: lambda p, s, x: jax.lax.map(lambda both: f(*both, x), (p, s))
    )
    return jax.jit(over(step))(variables["params"], state, x)


@pytest.mark.parametrize(
    ("module", "mapped"), [pytest.param(Everything(), True, marks=pytest.mark.long), (Rows(), False)]
)
def test_outputs_and_gradients_are_those_of_the_plain_module(module, mapped):
    expected = trained(module, lambda apply: apply, mapped)
    found = trained(module, in_fast_layouts, mapped)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for (path, mine), theirs in zip(jax.tree_util.tree_leaves_with_path(found), jax.tree.leaves(expected), strict=True):
        scale = np.abs(theirs).max() + 1e-2
        np.testing.assert_allclose(mine / scale, theirs / scale, atol=2e-5, err_msg=jax.tree_util.keystr(path))


def primitives(function, *arguments):
    """Names of what a function calls, convolutions of one group alone."""
    found = []

    def visit(jaxpr):
        for equation in jaxpr.eqns:
            if equation.params.get("feature_group_count", 1) == 1:
                found.append(equation.primitive.name)
            for value in equation.params.values():
                for each in value if isinstance(value, tuple) else (value,):
                    if hasattr(each, "jaxpr") or hasattr(each, "eqns"):
                        visit(getattr(each, "jaxpr", each))

    visit(jax.make_jaxpr(function)(*arguments).jaxpr)
    return found


def test_nothing_slow_is_left_and_maps_stay_in_their_layout():
    class Net(nn.Module):
        @nn.compact
        def __call__(self, x):
            for _ in range(3):
                x = nn.relu(nn.BatchNorm(use_running_average=True)(nn.Conv(4, (3, 3))(x))) + x.mean(
                    (1, 2), keepdims=True
                )
            return nn.max_pool(x, (2, 2), (2, 2))

    x = jnp.ones((2, 8, 8, 4))
    variables = Net().init(key(0), x)
    assert has_slow_layouts(Net().apply, variables, x)
    fast = primitives(in_fast_layouts(Net().apply), variables, x)
    assert not {"conv_general_dilated", "reduce_window_max"} & set(fast)
    # Two of whole maps: in, and out; the others are of single values or rows of them.
    own = [
        e for e in jax.make_jaxpr(in_fast_layouts(Net().apply))(variables, x).eqns if e.primitive.name == "transpose"
    ]
    assert sum(e.invars[0].aval.shape[1:3] not in ((1, 1),) and e.invars[0].aval.size > 100 for e in own) == 2
    assert not has_slow_layouts(nn.Dense(2).apply, nn.Dense(2).init(key(0), x), x)


def test_what_other_programs_read_keeps_jaxs_own():
    x = jnp.ones((2, 8, 8, 4))
    module = nn.Conv(4, (3, 3))
    variables = module.init(key(0), x)
    with portable():
        assert primitives(in_fast_layouts(module.apply), variables, x).count("conv_general_dilated") == 1
