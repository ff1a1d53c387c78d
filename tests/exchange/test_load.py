"""Networks from outside: the reference's parameters give the reference's outputs, and bad files are refused by name."""

import functools
import json
import os
import pickle
import sys
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from netspace_jax import architectures, exchange
from netspace_jax.architectures import registry
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.errors import InputError
from netspace_jax.exchange import load_network, networks_in
from netspace_jax.population.result import Population
from tests import parity

RESNETS = [f"{dataset}/resnet{depth}" for dataset in ("cifar10", "tiny_imagenet") for depth in (8, 32, 56)]
PLAIN = [f"{dataset}/{name}" for dataset in ("cifar10", "tiny_imagenet") for name in ("lenetlike", "vanilla_cnn")]


@functools.cache
def architecture_of(key):
    if key == "siren":
        return architectures.build("siren", (3,), 1)
    dataset, name = key.split("/")
    shape, outputs = ((32, 32, 3), 10) if dataset == "cifar10" else ((64, 64, 3), 200)
    return architectures.build(name, shape, outputs)


@functools.cache
def digits_resnet():
    return architectures.build("resnet8", (8, 8, 1), 10)


def quick(function):
    """A deep ResNet compiles for longer than it runs: leave the optimiser out."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def outputs_of(architecture, flat, inputs):
    return quick(architecture.apply)(jnp.asarray(flat), jnp.asarray(inputs))


def state_dict_of(architecture, seed=0):
    """A folded network with random parameters, as PyTorch would name them."""
    random = np.random.default_rng(seed)
    return {
        name: 0.1 * random.standard_normal(leaf.torch_shape).astype(np.float32)
        for name, leaf in zip(exchange.torch_names(architecture), architecture.spec.leaves, strict=True)
    }


@pytest.mark.parametrize("key", [*PLAIN, "siren"])
def test_names_and_order_are_the_references(key):
    assert exchange.torch_names(architecture_of(key)) == tuple(parity.reference_parameters(key))


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=pytest.mark.long if key.endswith("resnet56") else []) for key in (*PLAIN, *RESNETS)]
)
def test_logits_are_the_references(key):
    architecture = architecture_of(key)
    flat = load_network(parity.reference_parameters(key), architecture)
    logits = outputs_of(architecture, flat, parity.images(*architecture.input_shape[:2]))
    assert parity.difference(logits, f"{key}/logits") <= parity.TOLERANCE


def test_siren_values_are_the_references():
    architecture = architecture_of("siren")
    flat = load_network(parity.reference_parameters("siren"), architecture)
    values = outputs_of(architecture, flat, parity.points())
    assert parity.difference(values[:, 0], "siren/values") <= parity.TOLERANCE


@pytest.mark.parametrize("key", RESNETS)
def test_folded_parameters_are_the_references(key):
    flat = load_network(parity.reference_parameters(key), architecture_of(key))
    assert parity.difference(flat[:: parity.STRIDE], f"{key}/fused_flat_every_997") <= 1e-6


def test_a_folded_network_is_taken_as_it_is():
    architecture = digits_resnet()
    state = state_dict_of(architecture)
    flat = load_network(state, architecture)
    np.testing.assert_array_equal(flat, np.concatenate([value.reshape(-1) for value in state.values()]))


def test_a_bias_before_a_batch_norm_is_folded_too():
    """Moving a convolution's bias into the mean of the batch norm after it changes nothing."""
    architecture = architecture_of("cifar10/resnet8")
    state = parity.reference_parameters("cifar10/resnet8")
    bias = np.linspace(-1, 1, 16, dtype=np.float32)
    biased = state | {"conv1.bias": bias, "bn1.running_mean": state["bn1.running_mean"] + bias}
    np.testing.assert_allclose(load_network(biased, architecture), load_network(state, architecture), atol=1e-6)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod."])
def test_wrappers_and_counters_are_ignored(prefix):
    architecture = architecture_of("cifar10/resnet8")
    state = parity.reference_parameters("cifar10/resnet8")
    wrapped = {prefix + name: value for name, value in state.items()}
    wrapped[f"{prefix}bn1.num_batches_tracked"] = np.array(7)
    np.testing.assert_array_equal(load_network(wrapped, architecture), load_network(state, architecture))


def test_safetensors_files(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    architecture = digits_resnet()
    state = state_dict_of(architecture)
    safetensors.save_file(state, tmp_path / "network.safetensors")
    np.testing.assert_array_equal(
        load_network(tmp_path / "network.safetensors", architecture),
        load_network(state, architecture),
    )


@pytest.mark.parametrize("content", [b"", b"not a safetensors file", (1 << 60).to_bytes(8, "little") + b"{}"])
def test_damaged_safetensors_are_refused(tmp_path, content):
    pytest.importorskip("safetensors.numpy")
    path = tmp_path / "network.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="network.safetensors is not a readable safetensors file"):
        load_network(path, digits_resnet())


def test_safetensors_of_tiny_floats_are_refused(tmp_path):
    pytest.importorskip("safetensors.numpy")
    header = json.dumps({"fc.bias": {"dtype": "F8_E4M3", "shape": [10], "data_offsets": [0, 10]}}).encode()
    path = tmp_path / "network.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(10))
    with pytest.raises(InputError, match="network.safetensors"):
        load_network(path, digits_resnet())


@pytest.mark.parametrize(
    ("library", "name", "message"),
    [
        ("safetensors", "network.safetensors", "needs safetensors: pip install"),
        ("torch", "network.pt", "needs PyTorch"),
    ],
)
def test_a_library_that_is_not_installed_is_named(tmp_path, monkeypatch, library, name, message):
    (tmp_path / name).write_bytes(b"PK")  # PyTorch's files are zips
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=f"{name} {message}"):
        load_network(tmp_path / name, digits_resnet())


def test_a_pickle_of_another_library_is_no_reason_to_install_torch(tmp_path, monkeypatch):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"coefficients": [1.0]}))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match="is no file of PyTorch, and pickles of other libraries are not read"):
        load_network(tmp_path / "model.pkl", digits_resnet())


def test_torch_files(tmp_path):
    torch = pytest.importorskip("torch")
    architecture = digits_resnet()
    state = state_dict_of(architecture)
    parameters = {name: torch.nn.Parameter(torch.from_numpy(value)) for name, value in state.items()}
    torch.save(parameters, tmp_path / "network.pt")
    np.testing.assert_array_equal(
        load_network(str(tmp_path / "network.pt"), architecture), load_network(state, architecture)
    )


def test_half_precision_is_widened():
    torch = pytest.importorskip("torch")
    architecture = digits_resnet()
    state = state_dict_of(architecture)
    half = {name: torch.from_numpy(value).bfloat16() for name, value in state.items()}
    expected = np.concatenate([value.float().numpy().reshape(-1) for value in half.values()])
    np.testing.assert_array_equal(load_network(half, architecture), expected)


class Malice:
    """Unpickled, it would write a file."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, writer):
    torch = pytest.importorskip("torch")
    trace, path = tmp_path / "trace", tmp_path / "network.pt"
    bad = state_dict_of(digits_resnet()) | {"fc.weight": Malice(trace)}
    if writer == "torch":
        torch.save(bad, path)
    else:
        path.write_bytes(pickle.dumps(bad, protocol=2))
    with pytest.raises(InputError, match="network.pt refused: it holds code or objects") as caught:
        load_network(path, digits_resnet())
    assert "\n" not in str(caught.value)
    assert not trace.exists()


def test_truncated_torch_files_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "network.pt"
    torch.save({name: torch.from_numpy(value) for name, value in state_dict_of(digits_resnet()).items()}, path)
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="network.pt refused"):
            load_network(path, digits_resnet())


def test_odd_torch_tensors_are_refused(tmp_path):
    torch = pytest.importorskip("torch")
    state = {name: torch.from_numpy(value) for name, value in state_dict_of(digits_resnet()).items()}
    weight = state["fc.weight"]
    odd = {
        "sparse": weight.to_sparse(),
        "meta": weight.to("meta"),
        "int64": weight.long(),
        "expected .10, 16.": torch.zeros(1).expand(1 << 40),
    }
    for message, tensor in odd.items():
        with pytest.raises(InputError, match=f"fc.weight .*{message}"):
            load_network(state | {"fc.weight": tensor}, digits_resnet())
    torch.save([weight], tmp_path / "list.pt")
    with pytest.raises(InputError, match="list.pt holds a list, not a state_dict"):
        load_network(tmp_path / "list.pt", digits_resnet())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fc.weight": None}, "state_dict: missing fc.weight$"),
        ({"fc.weight": None, "head.weight": np.zeros(3)}, "state_dict: missing fc.weight, unexpected head.weight$"),
        ({f"extra{i}": np.zeros(3) for i in range(9)}, "unexpected extra0, extra1, extra2, extra3 and 5 more$"),
        ({"fc.weight": np.zeros((16, 10), np.float32)}, r"fc.weight has shape \(16, 10\), expected \(10, 16\)"),
        ({"fc.bias": np.full(10, np.nan, np.float32)}, "fc.bias has 10 of 10 values that are not finite"),
        ({"fc.bias": np.full(10, 1e300)}, "fc.bias has 10 of 10 values that are not finite float32"),
        ({"fc.bias": np.arange(10)}, "fc.bias is int64, expected floating point"),
        ({"fc.bias": np.array([None] * 10)}, "fc.bias is object, expected floating point"),
        ({"fc.bias": "ten zeros"}, "fc.bias is a str, not a tensor"),
        ({"bn1.weight": np.ones(4, np.float32)}, "unexpected bn1.weight"),
        ({7: np.zeros(3)}, "state_dict: unexpected 7"),
    ],
)
def test_bad_state_dicts_are_refused_by_name(change, message):
    state = state_dict_of(digits_resnet()) | change
    with pytest.raises(InputError, match=message) as caught:
        load_network({name: value for name, value in state.items() if value is not None}, digits_resnet())
    assert "\n" not in str(caught.value)


def test_negative_variances_are_refused_by_name():
    state = parity.reference_parameters("cifar10/resnet8")
    state["layer2.0.bn2.running_var"][3] = -0.5
    with pytest.raises(InputError, match="layer2.0.bn2.running_var has a value below zero, -0.5"):
        load_network(state, architecture_of("cifar10/resnet8"))


def test_a_fold_beyond_float32_is_refused_by_name():
    state = parity.reference_parameters("cifar10/resnet8")
    state["layer2.0.downsample.1.weight"][3] = 3e38
    with pytest.raises(InputError, match=r"not finite \(in stage2_block1/projection/conv/kernel\)"):
        load_network(
            state | {"layer2.0.downsample.1.running_var": np.full(32, 1e-6)}, architecture_of("cifar10/resnet8")
        )


@pytest.mark.parametrize("around", [
    lambda state: {"epoch": 3, "model": state},
    lambda state: {"optimizer": {"state": {0: {"exp_avg": state["fc.bias"]}}}, "model": {"module.net": {"ema": state}}},
    lambda state: {"model": {f"module._orig_mod.{name}": value for name, value in state.items()}},
])  # fmt: skip
def test_a_state_dict_is_found_in_what_a_training_saves(around):
    state = state_dict_of(digits_resnet())
    np.testing.assert_array_equal(load_network(around(state), digits_resnet()), load_network(state, digits_resnet()))


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere.pt is not a file"):
        load_network(tmp_path / "nowhere.pt", digits_resnet())


class Custom(nn.Module):
    """A user's module, with nested names and no reference."""

    outputs: int

    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(4, (3, 3), name="stem")(x)).mean((1, 2))
        return nn.Dense(self.outputs, name="head")(x)


@pytest.fixture
def custom(monkeypatch):
    monkeypatch.setattr(registry, "_BUILDERS", dict(registry._BUILDERS))
    architectures.register("custom", lambda shape, outputs: Custom(outputs))
    return architectures.build("custom", (8, 8, 1), 10)


def test_a_users_own_module_has_its_own_names(custom):
    assert exchange.torch_names(custom) == ("stem.weight", "stem.bias", "head.weight", "head.bias")


def test_flax_parameters_of_a_users_own_module(custom):
    params = jax.jit(custom.init)(jax.random.key(0))["params"]
    images = jax.random.normal(jax.random.key(1), (3, 8, 8, 1))
    flat = load_network(params, custom)
    np.testing.assert_array_equal(flat, custom.finish({"params": params}))
    expected = custom.module.apply({"params": params}, images)
    np.testing.assert_allclose(outputs_of(custom, flat, images), expected, atol=1e-6)
    np.testing.assert_array_equal(load_network({"params": params}, custom), flat)


def test_flax_variables_with_batch_norms_are_folded():
    architecture = digits_resnet()
    random = np.random.default_rng(0)

    def draw(path, leaf):
        values = 0.3 * random.standard_normal(leaf.shape).astype(np.float32)
        return np.abs(values) + 0.5 if path[-1].key in ("var", "scale") else values

    variables = jax.tree_util.tree_map_with_path(draw, jax.eval_shape(architecture.init, jax.random.key(0)))
    images = jax.random.normal(jax.random.key(1), (3, 8, 8, 1))
    expected = quick(functools.partial(architecture.trainee.apply, train=False))(variables, images)
    outputs = outputs_of(architecture, load_network(variables, architecture), images)
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * np.abs(expected).max())
    variables["batch_stats"]["stem"]["norm"]["var"][0] = -1
    with pytest.raises(InputError, match="batch_stats.stem.norm.var has a value below zero"):
        load_network(variables, architecture)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head": {"kernel": np.zeros((4, 10), np.float32)}}, "variables: missing head.bias$"),
        ({"tail": {"bias": np.zeros(3)}}, "unexpected tail.bias$"),
        ({"head": {"kernel": np.zeros((10, 4)), "bias": np.zeros(10)}}, r"head.kernel has shape \(10, 4\)"),
        (
            {"head": {"kernel": np.full((4, 10), np.inf), "bias": np.zeros(10)}},
            "head.kernel has 40 of 40 values",
        ),
        ({"head": {"kernel": np.zeros((4, 10), int), "bias": np.zeros(10)}}, "head.kernel is int64"),
    ],
)
def test_bad_flax_parameters_are_refused_by_name(custom, change, message):
    good = {
        "stem": {"kernel": np.zeros((3, 3, 1, 4)), "bias": np.zeros(4)},
        "head": {"kernel": np.zeros((4, 10)), "bias": np.zeros(10)},
    }
    assert load_network(good, custom).shape == (custom.size,)
    with pytest.raises(InputError, match=message):
        load_network(good | change, custom)
    with pytest.raises(InputError, match="a list is not a network"):
        load_network([good], custom)


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "orbax").mkdir()
    (tmp_path / "orbax" / "manifest.ocdbt").write_bytes(b"damaged")
    with pytest.raises(InputError, match="orbax cannot be read as an Orbax checkpoint"):
        load_network(tmp_path / "orbax", digits_resnet())
    with pytest.raises(InputError, match="nowhere is not a file"):
        load_network(tmp_path / "nowhere", digits_resnet())


def nested(architecture, flat):
    return jax.tree.map(np.asarray, unflatten(architecture.spec, jnp.asarray(flat)))


@pytest.fixture
def network():
    """A network and its parameters, with PyTorch's names too."""
    architecture = digits_resnet()
    state = state_dict_of(architecture)
    return architecture, np.concatenate([value.reshape(-1) for value in state.values()]), state


def test_a_network_is_taken_in_whatever_form_it_has(network):
    architecture, flat, state = network
    params = nested(architecture, flat)
    for source in (flat, jnp.asarray(flat), flat.astype(np.float64), params, {"params": params}, state):
        found = load_network(source, architecture)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, flat)


def test_variables_are_found_in_what_a_training_saves():
    architecture = digits_resnet()
    variables = jax.jit(architecture.init)(jax.random.key(0))
    moments = jax.tree.map(lambda leaf: leaf + 1, variables["params"])
    state = {"opt_state": {"0": {"mu": moments}}, "step": 3, **variables}
    expected = architecture.finish(variables)
    for source in (variables, state, {"state": state}):
        np.testing.assert_allclose(load_network(source, architecture), expected, rtol=1e-6)
    state = {"ema": moments, "params": {"params": nested(architecture, expected)}}
    np.testing.assert_array_equal(load_network(state, architecture), expected)


@pytest.mark.parametrize("prefix", ["", "params."])
def test_flax_names_joined_by_dots_are_read(custom, tmp_path, prefix):
    safetensors = pytest.importorskip("safetensors.numpy")
    params = jax.jit(custom.init)(jax.random.key(0))["params"]
    names = {
        f"{prefix}{layer}.{kind}": np.asarray(leaf) for layer, part in params.items() for kind, leaf in part.items()
    }
    safetensors.save_file(names, tmp_path / "flax.safetensors")
    np.testing.assert_array_equal(
        load_network(tmp_path / "flax.safetensors", custom), custom.finish({"params": params})
    )


def test_a_saved_population_is_read_network_by_network(custom, tmp_path):
    flats = np.random.default_rng(0).normal(size=(3, custom.size)).astype(np.float32)
    flats[1, 4] = np.nan
    column = np.zeros(3)
    Population(custom, flats, np.arange(3), {}, column, column, column == 0).save(tmp_path / "saved")
    path = tmp_path / "saved" / "networks.safetensors"
    first, damaged, last = networks_in(path, custom)
    np.testing.assert_array_equal([first(), last()], flats[[0, 2]])
    with pytest.raises(InputError, match="networks.safetensors: .* has 1 of .* not finite"):
        damaged()
    with pytest.raises(InputError, match="networks.safetensors holds 3 networks"):
        load_network(path, custom)


def test_a_network_is_taken_from_files(network, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    architecture, flat, state = network
    safetensors.save_file(state, tmp_path / "network.safetensors")
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "orbax", nested(architecture, flat))
    for name in ("network.safetensors", "orbax"):
        for path in (tmp_path / name, str(tmp_path / name)):
            np.testing.assert_array_equal(load_network(path, architecture), flat)


def test_one_layer_is_told_by_its_names(monkeypatch):
    """Its Flax parameters have no level, as a state_dict has none."""
    monkeypatch.setattr(registry, "_BUILDERS", dict(registry._BUILDERS))
    architectures.register("layer", lambda shape, outputs: nn.Dense(outputs))
    architecture = architectures.build("layer", (3,), 2)
    kernel, bias = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([7, 8], np.float32)
    flax = load_network({"kernel": kernel, "bias": bias}, architecture)
    torch = load_network({"weight": kernel.T, "bias": bias}, architecture)
    np.testing.assert_array_equal(flax, torch)
    np.testing.assert_array_equal(architecture.apply(jnp.asarray(flax), jnp.ones((1, 3)))[0], kernel.sum(0) + bias)


@pytest.mark.parametrize(("source", "said"), [
    (np.zeros(7), r"resnet8 has \d+ parameters; these have shape \(7,\)"),
    (3.5, "a float is not a network"),
    ([1.0, 2.0], "a list is not a network"),
    ("nowhere.safetensors", "nowhere.safetensors is not a file"),
    ({"fc.weight": np.zeros(3)}, "state_dict: missing"),
    ({"stem": {"kernel": np.zeros(3)}}, "variables: missing"),
])  # fmt: skip
def test_what_is_no_network_is_refused(source, said):
    with pytest.raises(InputError, match=said):
        load_network(source, digits_resnet())


def test_a_value_that_is_not_finite_is_named(network):
    architecture, flat, _ = network
    flat[5] = np.nan
    with pytest.raises(InputError, match=r"parameter 5 of the network is not finite \(in stem/conv/kernel\)"):
        load_network(flat, architecture)
