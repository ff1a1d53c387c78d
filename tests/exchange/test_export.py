"""Exported networks: every format, read back, gives the same logits."""

import contextlib
import dataclasses
import importlib.util
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import flax.linen as nn
import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures, exchange
from netspace_jax.architectures import layers, registry
from netspace_jax.errors import InputError
from netspace_jax.exchange.read import CHECKSUMS
from netspace_jax.ops.platform import lowering

pytest.importorskip("safetensors", reason="exporting needs safetensors")
pytest.importorskip("flatbuffers", reason="exporting needs flatbuffers")
onnxruntime = pytest.importorskip("onnxruntime", reason="reading ONNX needs onnxruntime")
CARD = exchange.ModelCard(
    title="A digit reader",
    origin="Decoded from the mean embedding of a zoo.",
    inputs="8×8 grey images, pixels over 255",
    outputs="logits of the digits",
    mean=(0.5,),
    std=(0.25,),
    scores=(("accuracy on 10 test images", 0.9),),
)
SHAPES = {
    "lenetlike": ((8, 8, 1), 10),
    "vanilla_cnn": ((8, 8, 1), 10),
    "resnet8": ((8, 8, 1), 10),
    "siren64": ((3,), 1),
}


# Small networks compile for longer than they run: leave the optimiser out.
QUICK = {"xla_backend_optimization_level": 0}


@dataclasses.dataclass(frozen=True)
class Exported:
    """One network, the files it was exported to, and what it computes."""

    architecture: architectures.Architecture
    flat: jax.Array
    files: Path
    apply: Callable
    inputs: jax.Array
    expected: jax.Array


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.long] if name == "vanilla_cnn" else []) for name in SHAPES],
)
def exported(request, tmp_path_factory):
    architecture = architectures.build(request.param, *SHAPES[request.param])
    flat = 0.1 * jax.random.normal(jax.random.key(0), (architecture.size,))
    files = exchange.export_network(tmp_path_factory.mktemp("exported") / "network", architecture, flat, CARD)
    inputs = jax.random.normal(jax.random.key(1), (5, *architecture.input_shape))
    apply = jax.jit(architecture.apply, compiler_options=QUICK)
    return Exported(architecture, flat, files, apply, inputs, apply(flat, inputs))


def onnx_function(data):
    """The function that an ONNX model holds, run by onnxruntime."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(["outputs"], {"inputs": np.asarray(inputs)})[0]


def assert_same(outputs, expected):
    """Within 1e-5 of the largest value that the network puts out."""
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


def test_safetensors_and_orbax_come_back(exported):
    for file in (exported.files / "network.safetensors", exported.files / "orbax"):
        flat = jnp.asarray(exchange.load_network(file, exported.architecture))
        assert_same(exported.apply(flat, exported.inputs), exported.expected)


def test_other_values_than_were_written_are_refused(exported, tmp_path):
    """Neither format's own checks notice a number that changed within it."""
    changed = 1.5 * exported.flat
    other = exchange.export_network(tmp_path / "other", exported.architecture, changed, CARD)
    mixed = shutil.copytree(exported.files / "orbax", tmp_path / "mixed")
    shutil.copy(other / "orbax" / CHECKSUMS, mixed / CHECKSUMS)
    with pytest.raises(InputError, match="damaged: its values are not those"):
        exchange.load_network(mixed, exported.architecture)
    data = bytearray((exported.files / "network.safetensors").read_bytes())
    data[-2] ^= 1
    (tmp_path / "changed.safetensors").write_bytes(data)
    with pytest.raises(InputError, match="damaged: its values are not those"):
        exchange.load_network(tmp_path / "changed.safetensors", exported.architecture)


def test_state_dict_comes_back(exported):
    torch = pytest.importorskip("torch")
    state = torch.load(exported.files / "network.pt", weights_only=True)
    assert tuple(state) == exchange.torch_names(exported.architecture)
    flat = jnp.asarray(exchange.load_network(exported.files / "network.pt", exported.architecture))
    assert_same(exported.apply(flat, exported.inputs), exported.expected)


def test_state_dict_computes_the_same_in_torch(exported):
    """A forward pass written in PyTorch with the exported names, images channel first."""
    torch = pytest.importorskip("torch")
    from torch.nn import functional as F

    state = torch.load(exported.files / "network.pt", weights_only=True)

    def conv(x, name, stride, padding):
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, padding)

    def linear(x, name):
        return F.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    def lenetlike(x):
        for name in ("conv1", "conv2"):
            x = F.leaky_relu(conv(x, name, 2, 1))
        x = F.leaky_relu(linear(x.flatten(1), "fc1"))
        return linear(F.leaky_relu(linear(x, "fc2")), "fc3")

    def vanilla_cnn(x):
        for i, stride in enumerate((2, 1, 1, 1, 2)):
            x = F.leaky_relu(conv(x, f"layers.{i}", stride, 1))
        return linear(x.flatten(1), "layers.5")

    def resnet8(x):
        x = F.leaky_relu(conv(x, "conv1", 1, 1))
        for layer, stride in (("layer1.0", 1), ("layer2.0", 2), ("layer3.0", 2)):
            y = conv(F.leaky_relu(conv(x, f"{layer}.conv1", stride, 1)), f"{layer}.conv2", 1, 1)
            x = F.leaky_relu(y + (x if stride == 1 else conv(x, f"{layer}.downsample.0", stride, 0)))
        return linear(x.mean((2, 3)), "fc")

    def siren64(x):
        for name in ("mlp.0", "mlp.2"):
            x = torch.sin(15 * linear(x, name))
        return linear(x, "mlp.4")

    forward = {"lenetlike": lenetlike, "vanilla_cnn": vanilla_cnn, "resnet8": resnet8, "siren64": siren64}
    x = torch.from_numpy(np.array(exported.inputs))
    outputs = forward[exported.architecture.name](x.movedim(-1, 1) if x.ndim == 4 else x)
    assert_same(outputs.numpy(), np.asarray(exported.expected))


def test_stablehlo_comes_back_for_any_batch(exported):
    apply = exchange.from_stablehlo(exported.files / "network.stablehlo")
    outputs = [apply(exported.inputs[:1]), apply(exported.inputs[1:])]
    assert_same(jnp.concatenate(outputs), exported.expected)
    function = jax.export.deserialize(bytearray((exported.files / "network.stablehlo").read_bytes()))
    assert function.platforms == ("cpu", "cuda", "tpu")


def test_stablehlo_tells_nothing_of_this_machine(exported):
    assert b".py" not in (exported.files / "network.stablehlo").read_bytes()


def test_stablehlo_asks_for_full_precision(exported):
    """GPUs and TPUs shorten float32 products unless told otherwise."""
    text = jax.export.deserialize(bytearray((exported.files / "network.stablehlo").read_bytes())).mlir_module()
    products = re.findall(r"stablehlo\.(?:dot_general|convolution).*", text)
    assert products and all("HIGHEST" in line for line in products)


def test_stablehlo_is_the_same_whatever_the_machine(exported):
    """With XLA's own convolutions and sines, for which accelerators have kernels, and no loop over rows as on a CPU."""
    written = (exported.files / "network.stablehlo").read_bytes()
    text = jax.export.deserialize(bytearray(written)).mlir_module()
    has_maps = len(exported.architecture.input_shape) == 3
    assert ("stablehlo.convolution" in text) == has_maps and ("stablehlo.sine" in text) != has_maps
    assert "stablehlo.while" not in text
    with lowering("accelerator"):
        assert exchange.to_stablehlo(exported.architecture, exported.flat) == written


def test_damaged_stablehlo_is_refused(exported, tmp_path):
    whole = (exported.files / "network.stablehlo").read_bytes()
    for content in (b"", b"network", whole[: len(whole) // 2], whole[100:]):
        (tmp_path / "damaged.stablehlo").write_bytes(content)
        with pytest.raises(InputError, match="damaged.stablehlo is not a StableHLO function"):
            exchange.from_stablehlo(tmp_path / "damaged.stablehlo")
    program = whole.index(b"ML\xefR")  # MLIR bytecode begins with this
    damaged = whole[: program + 4] + bytes(20) + whole[program + 24 :]
    with pytest.raises(InputError, match="stablehlo is not a StableHLO function"):
        exchange.from_stablehlo(damaged)
    with pytest.raises(InputError, match="nowhere cannot be read"):
        exchange.from_stablehlo(tmp_path / "nowhere")


def test_the_cards_own_lines_read_every_file(exported, monkeypatch):
    files = exported.files
    blocks = re.findall(r"```python\n(.*?)```", (files / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == (6 if (files / "network.pt").exists() else 5)
    monkeypatch.chdir(files)
    monkeypatch.syspath_prepend(files)
    monkeypatch.delitem(sys.modules, "network", raising=False)
    names = {"inputs": exported.inputs, "model": torch_module_for(files)}
    for block in blocks:
        assert len(block.strip().splitlines()) <= 5
        if not (files / "network.pt").exists() and "Network()" in block:
            continue
        names.pop("outputs", None)
        exec(block, names)
        if "outputs" in block:
            found = names["outputs"]
            assert_same(found.detach().numpy() if hasattr(found, "detach") else found, exported.expected)


def test_onnx_comes_back_for_any_batch(exported):
    apply = onnx_function((exported.files / "network.onnx").read_bytes())
    outputs = [apply(exported.inputs[:1]), apply(exported.inputs[1:])]
    assert_same(np.concatenate(outputs), exported.expected)


def torch_module_for(files):
    """A PyTorch module that holds tensors of the exported names, whatever it would compute."""
    with contextlib.suppress(ImportError):
        import torch

        root = torch.nn.Module()
        for name, value in torch.load(files / "network.pt", weights_only=True).items():
            *parents, last = name.split(".")
            module = root
            for parent in parents:
                if parent not in dict(module.named_children()):
                    module.add_module(parent, torch.nn.Module())
                module = getattr(module, parent)
            module.register_parameter(last, torch.nn.Parameter(torch.zeros_like(value)))
        return root


def test_card_says_what_it_is(exported):
    architecture, text = exported.architecture, (exported.files / "README.md").read_text()
    for part in (
        architecture.name,
        f"{architecture.size:,}",
        CARD.origin,
        CARD.inputs,
        CARD.outputs,
        "| accuracy on 10 test images | 0.9 |",
        "subtract 0.5, then divide by 0.25",
    ):
        assert part in text
    assert ("batch norms are folded" in text) == architecture.name.startswith("resnet")


class Custom(nn.Module):
    outputs: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.outputs, name="head")(nn.relu(nn.Conv(4, (3, 3), name="stem")(x)).mean((1, 2)))


class Pooled(nn.Module):
    """Batch norm and dropout, both kinds of pooling, attention."""

    outputs: int

    @nn.compact
    def __call__(self, x, train: bool = False):
        x = nn.BatchNorm(not train)(nn.Conv(4, (3, 3), use_bias=False)(x))
        x = nn.avg_pool(nn.max_pool(nn.gelu(x), (3, 3), (2, 2), "SAME"), (2, 2))
        x = nn.Dropout(0.5, deterministic=not train)(x).reshape((x.shape[0], -1, 4))
        return nn.Dense(self.outputs)((x + nn.MultiHeadDotProductAttention(2)(x, x)).mean(1))


class Counting(nn.Module):
    """It asks how many inputs there are, and has our layers: a batch of any size is traced as one input, vmapped."""

    outputs: int

    @nn.compact
    def __call__(self, x):
        maps = nn.swish(layers.Conv(4, padding=(1, 1))(layers.to_maps(x)))
        return nn.Dense(self.outputs)(layers.flatten_maps(maps).reshape(len(x), -1))


@pytest.fixture
def build(monkeypatch):
    """An architecture of 8×8 grey images and ten outputs: a registered one by its name, or a module of a user's own."""
    monkeypatch.setattr(registry, "_BUILDERS", dict(registry._BUILDERS))

    def make(kind, shape=(8, 8, 1)):
        if not isinstance(kind, str):
            architectures.register("custom", lambda shape, outputs: kind(outputs))
        return architectures.build(kind if isinstance(kind, str) else "custom", shape, 10)

    return make


@pytest.mark.parametrize(
    ("kind", "shape"), [(Custom, (8, 8, 1)), (Pooled, (8, 8, 1)), (Counting, (8, 8, 1)), ("tutorial", (16, 16, 1))]
)
def test_functions_are_exported_for_any_batch(build, kind, shape):
    architecture = build(kind, shape)
    flat = 0.3 * jax.random.normal(jax.random.key(0), (architecture.size,))
    inputs = jax.random.normal(jax.random.key(1), (3, *shape))
    expected = jax.jit(architecture.apply, compiler_options=QUICK)(flat, inputs)
    for apply in (
        onnx_function(exchange.to_onnx(architecture, flat)),
        exchange.from_stablehlo(exchange.to_stablehlo(architecture, flat)),
    ):
        assert_same(np.asarray(apply(inputs)), expected)
        assert_same(np.asarray(apply(inputs[:1])), expected[:1])


class Symbols(nn.Module):
    outputs: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.outputs)(nn.Embed(5, 3)(x)[:, 0])


def test_inputs_that_are_integers_keep_their_type(monkeypatch):
    monkeypatch.setattr(registry, "_BUILDERS", dict(registry._BUILDERS))
    architectures.register("symbols", lambda shape, outputs: Symbols(outputs))
    architecture = architectures.build("symbols", (4,), 2, input_dtype="int32")
    flat = jax.random.normal(jax.random.key(0), (architecture.size,))
    inputs = np.array([[0, 1, 2, 3], [4, 0, 0, 1]], np.int32)
    expected = architecture.apply(flat, jnp.asarray(inputs))
    assert_same(exchange.from_stablehlo(exchange.to_stablehlo(architecture, flat))(inputs), expected)
    assert_same(onnx_function(exchange.to_onnx(architecture, flat))(inputs), expected)


class Loop(nn.Module):
    outputs: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.outputs)(nn.RNN(nn.SimpleCell(4))(x[..., 0])[:, -1])


def test_a_primitive_without_an_operator_is_named(build):
    architecture = build(Loop)
    with pytest.raises(InputError, match="no ONNX for this network: its primitive scan has no operator here"):
        exchange.to_onnx(architecture, np.zeros(architecture.size, np.float32))


def test_a_users_own_module_comes_back(tmp_path, build):
    architecture = build(Custom)
    flat = jax.random.normal(jax.random.key(0), (architecture.size,))
    files = exchange.export_network(tmp_path / "network", architecture, flat, CARD)
    for back in (
        exchange.load_network(files / "network.safetensors", architecture),
        exchange.load_network(files / "orbax", architecture),
    ):
        np.testing.assert_array_equal(back, flat)
    inputs = jax.random.normal(jax.random.key(1), (3, 8, 8, 1))
    assert_same(exchange.from_stablehlo(files / "network.stablehlo")(inputs), jax.jit(architecture.apply)(flat, inputs))


@pytest.fixture
def small():
    architecture = architectures.build("siren64", (3,), 1)
    return architecture, np.zeros(architecture.size, np.float32)


def test_a_directory_in_use_is_left_alone(tmp_path, small):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not an empty directory"):
        exchange.export_network(tmp_path, *small, CARD)
    with pytest.raises(InputError, match="mine.txt cannot be a directory"):
        exchange.export_network(tmp_path / "mine.txt", *small, CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": " "}, "title is empty"),
        ({"origin": ""}, "origin is empty"),
        ({"mean": ()}, "mean has 0 values and std 1"),
        ({"std": (0.0,)}, "std must be positive, not 0.0"),
        ({"scores": (("accuracy", float("nan")),)}, "accuracy is nan"),
    ],
)
def test_incomplete_cards_are_refused(tmp_path, small, change, message):
    with pytest.raises(InputError, match=message):
        exchange.export_network(tmp_path / "out", *small, dataclasses.replace(CARD, **change))
    assert not (tmp_path / "out").exists()


def test_wrong_networks_are_refused(tmp_path, small):
    architecture, flat = small
    with pytest.raises(InputError, match=r"siren64 has 4481 parameters; these have shape \(7,\)"):
        exchange.export_network(tmp_path / "out", architecture, flat[:7], CARD)
    flat[-1] = np.inf
    with pytest.raises(InputError, match=r"parameter 4480 of the network is not finite \(in Linear_2/bias\)"):
        exchange.export_network(tmp_path / "out", architecture, flat, CARD)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("library", ["safetensors", "flatbuffers"])
def test_a_library_that_is_not_installed_is_named(tmp_path, small, monkeypatch, library):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == library else found(name))
    with pytest.raises(InputError, match=f"exporting needs {library}: pip install"):
        exchange.export_network(tmp_path / "out", *small, CARD)


def test_without_torch_the_other_formats_are_written(tmp_path, small, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else found(name))
    files = exchange.export_network(tmp_path / "out", *small, CARD)
    assert not (files / "network.pt").exists()
    assert "network.pt" not in (files / "README.md").read_text()
    assert all((files / name).exists() for name in ("network.safetensors", "orbax", "network.stablehlo"))


def test_nothing_is_left_behind_when_writing_fails(tmp_path, small, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("netspace_jax.exchange.export.to_stablehlo", full)
    with pytest.raises(OSError, match="No space left"):
        exchange.export_network(tmp_path / "out", *small, CARD)
    assert not list(tmp_path.iterdir())


def test_the_card_says_what_no_tensor_tells(exported):
    """Strides, paddings and activations, as one line of layers."""
    lines = (exported.files / "README.md").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("- Computes: ")]
    wanted = {
        "lenetlike": ("stride 2 and padding 1", "leaky ReLU of slope 0.01", "channel, row, column"),
        "vanilla_cnn": ("8@3×3 of stride 2 and padding 1", "leaky ReLU of slope 0.01"),
        "resnet8": ("plus convolution 8@1×1 of stride 2", "average pool over 8×8"),
        "siren64": ("sin(15·x)",),
    }
    assert all(words in line for words in wanted[exported.architecture.name])
