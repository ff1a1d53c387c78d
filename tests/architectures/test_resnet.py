"""ResNets against the reference's figures and sizes, and the folding of their batch norms."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures import parameters as prep
from netspace_jax.architectures.layers import ConvNorm, fold_batch_norm
from netspace_jax.architectures.resnet import resnet
from tests import parity, tiny

IMAGES = {"cifar10": ((32, 32, 3), 10), "tiny_imagenet": ((64, 64, 3), 200)}
SIZES = {
    ("cifar10", 8): 77_706,
    ("cifar10", 32): 465_674,
    ("cifar10", 56): 853_642,
    ("tiny_imagenet", 8): 128_456,
    ("tiny_imagenet", 32): 516_424,
    ("tiny_imagenet", 56): 904_392,
}


@functools.cache
def build(dataset, depth):
    return architectures.build(f"resnet{depth}", *IMAGES[dataset])


def variables_of(parameters):
    """The reference's parameters, with batch norms, as variables of `ResNet(folded=False)`."""
    variables = {"params": {}, "batch_stats": {}}
    for name, values in parameters.items():
        *path, kind = name.split(".")
        if path[0].startswith("layer"):
            stage, block, *rest = path
            path = [f"stage{stage[-1]}_block{int(block) + 1}", *rest]
        if "downsample" in path:
            path = [path[0], "projection", {"0": "conv", "1": "norm"}[path[-1]]]
        elif path[-1].startswith(("conv", "bn")):
            conv = path[-1].replace("bn", "conv")
            path = [*path[:-1], conv if len(path) > 1 else "stem", "norm" if path[-1].startswith("bn") else "conv"]
        else:
            path = ["Linear_0"]
        collection = "batch_stats" if kind.startswith("running") else "params"
        if kind == "weight":
            kind = {4: "kernel", 2: "kernel", 1: "scale"}[values.ndim]
            values = values.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[values.ndim])
        node = variables[collection]
        for part in path:
            node = node.setdefault(part, {})
        node[kind.removeprefix("running_")] = jnp.asarray(values)
    return variables


@pytest.mark.parametrize(
    ("dataset", "depth"),
    [
        pytest.param(*case, marks=[] if case[1] == 8 or case == ("cifar10", 32) else [pytest.mark.long])
        for case in SIZES
    ],
)
def test_folding_and_logits_are_the_references(dataset, depth):
    architecture, key = build(dataset, depth), f"{dataset}/resnet{depth}"
    variables = variables_of(parity.reference_parameters(key))
    chex.assert_trees_all_equal_shapes(variables, jax.eval_shape(architecture.init, jax.random.key(0)))
    flat = architecture.finish(variables)
    assert parity.difference(flat[:: parity.STRIDE], f"{key}/fused_flat_every_997") <= parity.TOLERANCE
    logits = jax.jit(architecture.apply)(flat, jnp.asarray(parity.images(*IMAGES[dataset][0][:2])))
    assert parity.difference(logits, f"{key}/logits") <= parity.TOLERANCE


@pytest.mark.parametrize(("dataset", "depth"), SIZES)
def test_sizes_are_the_references(dataset, depth):
    architecture = build(dataset, depth)
    assert architecture.size == SIZES[dataset, depth]
    raw = jax.tree.leaves(jax.eval_shape(architecture.init, jax.random.key(0)))
    assert sum(leaf.size for leaf in raw) == parity.INDEX[f"{dataset}/resnet{depth}"]["total_raw"]


@pytest.mark.parametrize(("depth", "shape"), [(14, (8, 8, 1)), (8, (28, 24, 3))])
def test_folded_computes_what_it_was_folded_from(depth, shape):
    architecture = architectures.build(f"resnet{depth}", shape, 10)
    shapes = jax.eval_shape(architecture.init, jax.random.key(0))
    random = np.random.default_rng(depth)
    variables = jax.tree.map(lambda leaf: jnp.asarray(random.normal(0, 0.3, leaf.shape), jnp.float32), shapes)
    variables["batch_stats"] = jax.tree_util.tree_map_with_path(
        lambda path, leaf: jnp.square(leaf) + 0.1 if path[-1].key == "var" else leaf, variables["batch_stats"]
    )
    x = jnp.asarray(random.normal(size=(3, *shape)), jnp.float32)
    plain = jax.jit(architecture.trainee.apply)(variables, x)
    folded = jax.jit(architecture.module.apply)({"params": fold_batch_norm(variables)}, x)
    np.testing.assert_allclose(folded, plain, atol=1e-5 * float(jnp.abs(plain).max()), rtol=0)


def test_training_moves_the_statistics_and_the_final_form_does_not():
    architecture = tiny.normed()
    variables = jax.jit(architecture.init)(jax.random.key(0))
    x = 3 + jax.random.normal(jax.random.key(1), (32, *tiny.SHAPE))
    stats = {"batch_stats": variables["batch_stats"]}
    _, after = jax.jit(architecture.train_apply)(variables["params"], stats, x, jax.random.key(0))
    chex.assert_trees_all_equal_shapes(after, stats)
    maps = jax.lax.conv_general_dilated(
        x,
        variables["params"]["stem"]["conv"]["kernel"],
        (2, 2),
        [(1, 1), (1, 1)],
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    norm = after["batch_stats"]["stem"]["norm"]
    np.testing.assert_allclose(norm["mean"], 0.1 * maps.mean((0, 1, 2)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm["var"], 0.9 + 0.1 * maps.var((0, 1, 2)), rtol=1e-4)
    assert architecture.finish(variables).shape == (architecture.size,)


def test_a_blocks_order_is_first_second_projection():
    names = [leaf.path[:2] for leaf in build("cifar10", 8).spec.leaves if leaf.path[-1] == "kernel"]
    assert names == [
        ("stem", "conv"),
        ("stage1_block1", "conv1"),
        ("stage1_block1", "conv2"),
        *((f"stage{stage}_block1", name) for stage in (2, 3) for name in ("conv1", "conv2", "projection")),
        ("Linear_0", "kernel"),
    ]


def test_convolutions_start_kaiming_normal_by_fan_out():
    params = ConvNorm(64, 3, 1, folded=False).init(jax.random.key(0), jnp.zeros((3, 32, 3, 1)), train=False)["params"]
    kernel = np.asarray(params["conv"]["kernel"])
    assert abs(kernel.std() / np.sqrt(2 / (9 * 64)) - 1) < 0.02
    assert np.abs(kernel).max() > 3.5 * kernel.std()  # not truncated


@pytest.mark.parametrize("depth", [2, 9, 10, 31])
def test_other_depths_are_refused(depth):
    with pytest.raises(ValueError, match=f"6n.2 .*not {depth}"):
        resnet(depth, (8, 8, 1), 10)


def test_small_images_get_a_narrow_network():
    sizes = [architectures.build(f"resnet{depth}", (8, 8, 1), 10).size for depth in (8, 32)]
    assert sizes[0] < sizes[1] < 40_000
    spec = architectures.build("resnet8", (8, 8, 1), 10).spec
    assert isinstance(spec, prep.Spec) and spec.leaves[0].shape == (3, 3, 1, 4)
