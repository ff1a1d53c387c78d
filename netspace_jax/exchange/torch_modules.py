"""The PyTorch module that computes what an exported network of a built-in architecture computes, as Python source.

A `state_dict` alone does not say how its layers follow one another; a guess loads without complaint and computes
something else.
"""

import functools
import itertools

import flax.linen as nn

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.layers import LEAKY_SLOPE
from netspace_jax.architectures.lenet import LeNetLike
from netspace_jax.architectures.resnet import ResNet
from netspace_jax.architectures.siren import Siren
from netspace_jax.architectures.tutorial import KERNEL, Tutorial
from netspace_jax.architectures.vanilla_cnn import VanillaCNN


def torch_module(architecture: Architecture) -> str | None:
    """Source of a file with one class, `Network`, whose parameters have the names of `torch_names`.

    It takes inputs as this library does, images channels last. None for an architecture that has no such source here;
    one of a user's own gets it by `torch_source.register(MyModule)`.
    """
    body = torch_source(architecture.module, architecture.input_shape)
    if body is None:
        return None
    shape = ", ".join(map(str, architecture.input_shape))
    note = ", images channels last" if len(architecture.input_shape) == 3 else ""
    return (
        f'"""{architecture.name} in PyTorch: inputs of shape (batch, {shape}){note}."""\n\n'
        f"import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\n{body}"
    )


@functools.singledispatch
def torch_source(module: nn.Module, input_shape: tuple[int, ...]) -> str | None:
    """Source of the class `Network` for a module, and of what it needs; None where there is none."""
    return None


def _network(layers: list[str], forward: list[str]) -> str:
    lines = ["class Network(nn.Module):", "    def __init__(self):", "        super().__init__()"]
    lines += [f"        {line}" for line in layers]
    lines += ["", "    def forward(self, x):", *(f"        {line}" for line in forward)]
    return "\n".join(lines) + "\n"


_CHANNELS_FIRST = "x = x.permute(0, 3, 1, 2)"


def _leaky(inner: str) -> str:
    return f"F.leaky_relu({inner}, {LEAKY_SLOPE})"


def _after(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel) // stride + 1


@torch_source.register(LeNetLike)
def _lenetlike(module: LeNetLike, input_shape: tuple[int, ...]) -> str:
    rows, columns, channels = input_shape
    layers, forward = [], [_CHANNELS_FIRST]
    for number, (out, kernel, stride, padding) in enumerate(module.convs, 1):
        layers.append(f"self.conv{number} = nn.Conv2d({channels}, {out}, {kernel}, {stride}, {padding})")
        forward.append(f"x = {_leaky(f'self.conv{number}(x)')}")
        rows, columns, channels = (*(_after(size, kernel, stride, padding) for size in (rows, columns)), out)
    widths = (channels * rows * columns, *module.hidden, module.outputs)
    forward.append("x = x.flatten(1)")
    for number, (before, after) in enumerate(itertools.pairwise(widths), 1):
        layers.append(f"self.fc{number} = nn.Linear({before}, {after})")
        call = f"self.fc{number}(x)"
        forward.append(f"x = {_leaky(call)}" if number <= len(module.hidden) else f"return {call}")
    return _network(layers, forward)


@torch_source.register(Tutorial)
def _tutorial(module: Tutorial, input_shape: tuple[int, ...]) -> str:
    rows, columns, channels = input_shape
    layers, forward = [], [_CHANNELS_FIRST]
    for number, out in enumerate(module.channels, 1):
        layers.append(f"self.conv{number} = nn.Conv2d({channels}, {out}, {KERNEL})")
        forward.append(f"x = F.max_pool2d(F.relu(self.conv{number}(x)), 2)")
        rows, columns, channels = (*(_after(size, KERNEL, 1, 0) // 2 for size in (rows, columns)), out)
    widths = (channels * rows * columns, *module.hidden, module.outputs)
    forward.append("x = x.flatten(1)")
    for number, (before, after) in enumerate(itertools.pairwise(widths), 1):
        layers.append(f"self.fc{number} = nn.Linear({before}, {after})")
        call = f"self.fc{number}(x)"
        forward.append(f"x = F.relu({call})" if number <= len(module.hidden) else f"return {call}")
    return _network(layers, forward)


@torch_source.register(VanillaCNN)
def _vanilla_cnn(module: VanillaCNN, input_shape: tuple[int, ...]) -> str:
    rows, columns, channels = input_shape
    layers = ["self.layers = nn.ModuleList(", "    ["]
    for out, stride in module.convs:
        layers.append(f"        nn.Conv2d({channels}, {out}, 3, {stride}, 1),")
        rows, columns, channels = _after(rows, 3, stride, 1), _after(columns, 3, stride, 1), out
    layers += [f"        nn.Linear({channels * rows * columns}, {module.outputs}),", "    ]", ")"]
    forward = [
        _CHANNELS_FIRST,
        "for convolution in self.layers[:-1]:",
        f"    x = {_leaky('convolution(x)')}",
        "return self.layers[-1](x.flatten(1))",
    ]
    return _network(layers, forward)


@torch_source.register(Siren)
def _siren(module: Siren, input_shape: tuple[int, ...]) -> str:
    sine = f"class Sine(nn.Module):\n    def forward(self, x):\n        return torch.sin({module.frequency} * x)\n\n\n"
    widths = (*input_shape, *module.hidden, module.outputs)
    layers = ["self.mlp = nn.Sequential("]
    for number, (before, after) in enumerate(itertools.pairwise(widths)):
        layers.append(f"    nn.Linear({before}, {after}),")
        layers += ["    Sine(),"] if number < len(module.hidden) else [")"]
    return sine + _network(layers, ["return self.mlp(x)"])


@torch_source.register(ResNet)
def _resnet(module: ResNet, input_shape: tuple[int, ...]) -> str:
    rows, columns, channels = input_shape
    stem, *_ = module.widths
    block = (
        "class Block(nn.Module):\n"
        "    def __init__(self, channels, out, stride):\n"
        "        super().__init__()\n"
        "        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1)\n"
        "        self.conv2 = nn.Conv2d(out, out, 3, 1, 1)\n"
        "        changes = channels != out or stride != 1\n"
        "        self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride)) if changes else nn.Identity()\n\n"
        "    def forward(self, x):\n"
        f"        y = self.conv2({_leaky('self.conv1(x)')})\n"
        f"        return {_leaky('self.downsample(x) + y')}\n\n\n"
    )
    layers, forward = [f"self.conv1 = nn.Conv2d({channels}, {stem}, 3, 1, 1)"], []
    forward = [_CHANNELS_FIRST, f"x = {_leaky('self.conv1(x)')}"]
    before = stem
    for stage, width in enumerate(module.widths, 1):
        blocks = []
        for number in range(module.blocks):
            stride = 2 if stage > 1 and number == 0 else 1
            blocks.append(f"Block({before}, {width}, {stride})")
            before = width
        layers.append(f"self.layer{stage} = nn.Sequential({', '.join(blocks)})")
        forward.append(f"x = self.layer{stage}(x)")
        if stage > 1:
            rows, columns = _after(rows, 3, 2, 1), _after(columns, 3, 2, 1)
    window = (min(8, rows), min(8, columns))
    features = module.widths[-1] * (rows // window[0]) * (columns // window[1])
    layers.append(f"self.fc = nn.Linear({features}, {module.outputs})")
    forward += [f"x = F.avg_pool2d(x, {window})", "return self.fc(x.flatten(1))"]
    return block + _network(layers, forward)
