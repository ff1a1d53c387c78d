"""What a network computes between its tensors, in words: strides, paddings, activations, which no tensor tells."""

import functools

import flax.linen as nn

from netspace_jax.architectures.layers import LEAKY_SLOPE
from netspace_jax.architectures.lenet import LeNetLike
from netspace_jax.architectures.resnet import ResNet
from netspace_jax.architectures.siren import Siren
from netspace_jax.architectures.tutorial import Tutorial
from netspace_jax.architectures.vanilla_cnn import VanillaCNN

_LEAKY = f"leaky ReLU of slope {LEAKY_SLOPE:g}"
_FLATTEN = "flatten in the order channel, row, column"


@functools.singledispatch
def what_it_computes(module: nn.Module) -> str:
    """A module's layers in order, for one who builds it elsewhere."""
    return f"as the Flax module `{type(module).__module__}.{type(module).__qualname__}`: build it from its code"


@what_it_computes.register(LeNetLike)
def _lenet(module: LeNetLike) -> str:
    convs = [
        f"convolution {channels}@{kernel}×{kernel} of stride {stride} and padding {padding}, {_LEAKY}"
        for channels, kernel, stride, padding in module.convs
    ]
    return "; ".join([*convs, _FLATTEN, *_linear(module.hidden, module.outputs, _LEAKY)])


@what_it_computes.register(VanillaCNN)
def _vanilla_cnn(module: VanillaCNN) -> str:
    convs = [
        f"convolution {channels}@3×3 of stride {stride} and padding 1, {_LEAKY}" for channels, stride in module.convs
    ]
    return "; ".join([*convs, _FLATTEN, *_linear((), module.outputs, _LEAKY)])


@what_it_computes.register(Tutorial)
def _tutorial(module: Tutorial) -> str:
    convs = [
        f"convolution {channels}@5×5 of stride 1 without padding, ReLU, 2×2 max pool of stride 2"
        for channels in module.channels
    ]
    return "; ".join([*convs, _FLATTEN, *_linear(module.hidden, module.outputs, "ReLU")])


@what_it_computes.register(ResNet)
def _resnet(module: ResNet) -> str:
    kind = f"{module.blocks} blocks of two 3×3 convolutions of padding 1 with {_LEAKY} between and after the sum"
    stages = "; ".join(
        f"{kind}, {width} channels{'' if first else ', the first block with stride 2 and a 1×1 projection as shortcut'}"
        for width, first in zip(module.widths, (True, False, False), strict=True)
    )
    stem = f"convolution {module.widths[0]}@3×3 of stride 1 and padding 1, {_LEAKY}"
    return f"{stem}; {stages}; average pool over 8×8 or what there is; {_FLATTEN}; linear {module.outputs}"


@what_it_computes.register(Siren)
def _siren(module: Siren) -> str:
    layers = [f"linear {width}, x ↦ sin({module.frequency:g}·x)" for width in module.hidden]
    return "; ".join([*layers, f"linear {module.outputs}"])


def _linear(hidden: tuple[int, ...], outputs: int, activation: str) -> list[str]:
    return [*(f"linear {width}, {activation}" for width in hidden), f"linear {outputs}"]
