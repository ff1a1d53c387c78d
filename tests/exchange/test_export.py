"""Exported networks: every format, read back, gives the same logits."""

import contextlib
import dataclasses
import re

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures, exchange
from netspace_jax.errors import InputError

pytest.importorskip("safetensors", reason="exporting needs safetensors")
CARD = exchange.ModelCard(
    title="A digit reader", origin="Decoded from the mean embedding of a zoo.", inputs="8×8 grey images, pixels over 255",
    outputs="logits of the digits", mean=(0.5,), deviation=(0.25,), scores=(("accuracy on 10 test images", 0.9),))
KINDS = {"lenetlike": ((8, 8, 1), 10), "vanilla_cnn": ((8, 8, 1), 10), "resnet8": ((8, 8, 1), 10), "siren64": ((3,), 1)}


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory):
    """(architecture, files, inputs, expected outputs) of one network of each kind."""
    architecture = architectures.build(request.param, *KINDS[request.param])
    flat = 0.1 * jax.random.normal(jax.random.key(0), (architecture.size,))
    files = exchange.export_network(tmp_path_factory.mktemp("exported") / "network", architecture, flat, CARD)
    inputs = jax.random.normal(jax.random.key(1), (5, *architecture.input_shape))
    return architecture, files, inputs, jax.jit(architecture.apply)(flat, inputs)


def assert_same(outputs, expected):
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


def test_safetensors_and_orbax_come_back(exported):
    architecture, files, inputs, expected = exported
    for flat in (exchange.load_torch(files.safetensors, architecture), exchange.load_orbax(files.orbax, architecture)):
        assert_same(jax.jit(architecture.apply)(jnp.asarray(flat), inputs), expected)


def test_state_dict_comes_back(exported):
    torch = pytest.importorskip("torch")
    architecture, files, inputs, expected = exported
    assert tuple(torch.load(files.torch, weights_only=True)) == exchange.torch_names(architecture)
    flat = exchange.load_torch(files.torch, architecture)
    assert_same(jax.jit(architecture.apply)(jnp.asarray(flat), inputs), expected)


def test_state_dict_computes_the_same_in_torch(exported):
    """A forward pass written in PyTorch with the exported names, images channel first."""
    torch = pytest.importorskip("torch")
    from torch.nn import functional as F
    architecture, files, inputs, expected = exported
    state = torch.load(files.torch, weights_only=True)

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
        for i, (_, stride) in enumerate(architecture.module.convs):
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
            x = torch.sin(30 * linear(x, name))
        return linear(x, "mlp.4")

    forward = {"lenetlike": lenetlike, "vanilla_cnn": vanilla_cnn, "resnet8": resnet8, "siren64": siren64}
    x = torch.from_numpy(np.array(inputs))
    outputs = forward[architecture.name](x.movedim(-1, 1) if x.ndim == 4 else x)
    assert_same(outputs.numpy(), np.asarray(expected))


def test_stablehlo_comes_back_for_any_batch(exported):
    _, files, inputs, expected = exported
    apply = exchange.from_stablehlo(files.stablehlo)
    for count in (1, 5):
        assert_same(apply(inputs[:count]), expected[:count])
    function = jax.export.deserialize(bytearray(files.stablehlo.read_bytes()))
    assert function.platforms == ("cpu", "cuda", "tpu")


def test_stablehlo_tells_nothing_of_this_machine(exported):
    _, files, _, _ = exported
    assert b".py" not in files.stablehlo.read_bytes()


def test_stablehlo_asks_for_full_precision(exported):
    """GPUs and TPUs shorten float32 products unless told otherwise."""
    _, files, _, _ = exported
    text = jax.export.deserialize(bytearray(files.stablehlo.read_bytes())).mlir_module()
    products = re.findall(r"stablehlo\.(?:dot_general|convolution).*", text)
    assert products and all("HIGHEST" in line for line in products)


def test_stablehlo_from_a_gpu_machine_computes_the_same(exported, monkeypatch):
    """There `conv2d` traces the backend's own convolution; the function still runs here."""
    architecture, _, inputs, expected = exported
    flat = 0.1 * jax.random.normal(jax.random.key(0), (architecture.size,))
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    traced = exchange.to_stablehlo(architecture, flat)
    monkeypatch.undo()
    text = jax.export.deserialize(bytearray(traced)).mlir_module()
    assert ("stablehlo.convolution" in text) == (len(architecture.input_shape) == 3)
    assert_same(exchange.from_stablehlo(traced)(inputs), expected)


def test_damaged_stablehlo_is_refused(exported, tmp_path):
    _, files, _, _ = exported
    whole = files.stablehlo.read_bytes()
    for content in (b"", b"network", whole[:len(whole) // 2], whole[100:]):
        (tmp_path / "damaged.stablehlo").write_bytes(content)
        with pytest.raises(InputError, match="damaged.stablehlo is not a StableHLO function"):
            exchange.from_stablehlo(tmp_path / "damaged.stablehlo")
    with pytest.raises(InputError, match="nowhere cannot be read"):
        exchange.from_stablehlo(tmp_path / "nowhere")


def test_the_cards_own_lines_read_every_file(exported, monkeypatch):
    architecture, files, inputs, expected = exported
    blocks = re.findall(r"```python\n(.*?)```", files.card.read_text(), re.DOTALL)
    assert len(blocks) == (3 if files.torch is None else 4)
    monkeypatch.chdir(files.card.parent)
    names = {"inputs": inputs, "model": torch_module_for(files)}
    for block in blocks:
        assert len(block.strip().splitlines()) <= 4
        names.pop("outputs", None)
        exec(block, names)
        if "outputs" in block:
            assert_same(names["outputs"], expected)


def torch_module_for(files):
    """A PyTorch module that holds tensors of the exported names, whatever it would compute."""
    with contextlib.suppress(ImportError):
        import torch
        root = torch.nn.Module()
        for name, value in torch.load(files.torch, weights_only=True).items():
            *parents, last = name.split(".")
            module = root
            for parent in parents:
                if parent not in dict(module.named_children()):
                    module.add_module(parent, torch.nn.Module())
                module = getattr(module, parent)
            module.register_parameter(last, torch.nn.Parameter(torch.zeros_like(value)))
        return root


def test_card_says_what_it_is(exported):
    architecture, files, _, _ = exported
    text = files.card.read_text()
    for part in (architecture.name, f"{architecture.size:,}", CARD.origin, CARD.inputs, "| accuracy on 10 test images | 0.9 |",
                 "subtract 0.5, then divide by 0.25"):
        assert part in text
    assert ("batch norms are folded" in text) == architecture.name.startswith("resnet")


@pytest.fixture
def small():
    architecture = architectures.build("siren64", (3,), 1)
    return architecture, np.zeros(architecture.size, np.float32)


def test_a_directory_in_use_is_left_alone(tmp_path, small):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="exists and is not an empty directory"):
        exchange.export_network(tmp_path, *small, CARD)
    with pytest.raises(InputError, match="exists and is not an empty directory"):
        exchange.export_network(tmp_path / "mine.txt", *small, CARD)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(("change", "message"), [
    ({"title": " "}, "title is empty"), ({"origin": ""}, "origin is empty"),
    ({"mean": ()}, "mean has 0 values and deviation 1"), ({"deviation": (0.0,)}, "deviation must be positive, not 0.0"),
    ({"scores": (("accuracy", float("nan")),)}, "accuracy is nan"),
])
def test_incomplete_cards_are_refused(tmp_path, small, change, message):
    with pytest.raises(InputError, match=message):
        exchange.export_network(tmp_path / "out", *small, dataclasses.replace(CARD, **change))
    assert not (tmp_path / "out").exists()


def test_wrong_networks_are_refused(tmp_path, small):
    architecture, flat = small
    with pytest.raises(InputError, match=r"shape \(7,\) is not a siren64 of 4481 parameters"):
        exchange.export_network(tmp_path / "out", architecture, flat[:7], CARD)
    flat[-1] = np.inf
    with pytest.raises(InputError, match="parameter Linear_2/bias has values that are not finite"):
        exchange.export_network(tmp_path / "out", architecture, flat, CARD)
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_behind_when_writing_fails(tmp_path, small, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("netspace_jax.exchange.export.to_stablehlo", full)
    with pytest.raises(OSError, match="No space left"):
        exchange.export_network(tmp_path / "out", *small, CARD)
    assert not list(tmp_path.iterdir())
