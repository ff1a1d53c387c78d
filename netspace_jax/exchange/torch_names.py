"""What PyTorch calls the parameters of an architecture.

The built-in architectures have the names of the paper's code (arXiv 2206.05194), `tutorial` those of PyTorch's
tutorial. Any other Flax module has its own path joined by dots, with `kernel` called `weight`; it can be given other
names by registering its class:

    @module_name.register(MyModule)
    def _(module, path):
        return …
"""

import functools
import re

import flax.linen as nn

from netspace_jax.architectures import Architecture, parameters
from netspace_jax.architectures.lenet import LeNetLike
from netspace_jax.architectures.resnet import ResNet
from netspace_jax.architectures.siren import Siren
from netspace_jax.architectures.tutorial import Tutorial
from netspace_jax.architectures.vanilla_cnn import VanillaCNN


def torch_names(architecture: Architecture) -> tuple[str, ...]:
    """PyTorch's name of each parameter of the final form, in the order of `architecture.spec.leaves`.

    Raises:
      ValueError: two parameters get one name (only a user's own naming can do that).
    """
    names = tuple(_parameter_name(architecture.module, leaf) for leaf in architecture.spec.leaves)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"architecture {architecture.name}: several parameters are called {twice[0]!r}")
    return names


def _parameter_name(module: nn.Module, leaf: parameters.Leaf) -> str:
    *path, name = leaf.path
    prefix = module_name(module, tuple(path))
    return ".".join(filter(None, (prefix, "weight" if name == "kernel" else name)))


@functools.singledispatch
def module_name(module: nn.Module, path: tuple[str, ...]) -> str:
    """PyTorch's name of the submodule that stands at `path` in `module`'s parameter tree."""
    return ".".join(path)


@module_name.register(LeNetLike)
@module_name.register(Tutorial)
def _lenet_name(module: LeNetLike | Tutorial, path: tuple[str, ...]) -> str:
    kind, number = path[0].split("_")
    return f"{ {'Conv': 'conv', 'Linear': 'fc'}[kind] }{int(number) + 1}"


@module_name.register(VanillaCNN)
def _vanilla_cnn_name(module: VanillaCNN, path: tuple[str, ...]) -> str:
    kind, number = path[0].split("_")
    return f"layers.{int(number) + (len(module.convs) if kind == 'Linear' else 0)}"


@module_name.register(Siren)
def _siren_name(module: Siren, path: tuple[str, ...]) -> str:
    # The paper's implementation counts the sines between the layers.
    return f"mlp.{2 * int(path[0].removeprefix('Linear_'))}"


@module_name.register(ResNet)
def _resnet_name(module: ResNet, path: tuple[str, ...]) -> str:
    if path[0] == "stem":
        return "conv1"
    block = re.fullmatch(r"stage(\d+)_block(\d+)", path[0])
    if block is None:
        return "fc"
    part = "downsample.0" if path[1] == "projection" else path[1]
    return f"layer{block[1]}.{int(block[2]) - 1}.{part}"


@functools.singledispatch
def batch_norm_name(module: nn.Module, convolution: str) -> str | None:
    """PyTorch's name of the batch norm that trains after `convolution` and is folded into it; None without one."""
    return None


@batch_norm_name.register(ResNet)
def _resnet_batch_norm_name(module: ResNet, convolution: str) -> str | None:
    if convolution.endswith("downsample.0"):
        return convolution.removesuffix("0") + "1"
    stem, _, last = convolution.rpartition(".")
    return ".".join(filter(None, (stem, last.replace("conv", "bn")))) if last.startswith("conv") else None
