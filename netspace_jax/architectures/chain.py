"""What a network is made of, as a list of layers: it runs by it, and PyTorch's names, its source and words follow it.

`Chain` is the module that such a list makes. Another Flax module may say its list as `layer_list`; without one, an
architecture has the names of its Flax paths and no source in PyTorch.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from netspace_jax.architectures.layers import (
    LEAKY_SLOPE,
    Conv,
    ConvNorm,
    Linear,
    average_pool_8x8,
    flatten_maps,
    leaky_relu,
    max_pool_2x2,
    to_maps,
)
from netspace_jax.ops.sine import sine


class Form(NamedTuple):
    """How a list runs: with its batch norms, or with these folded; and where it has them, whether it trains."""

    norms: bool = False
    train: bool = False


@dataclasses.dataclass(frozen=True)
class Function:
    """A step without parameters: its words, its expression of `{x}` in PyTorch, and what runs here."""

    words: str
    torch: str
    run: Callable[[Array], Array]

    def __call__(self, x: Array, form: Form) -> Array:
        return self.run(x)


CHANNELS_FIRST = Function("", "{x}.permute(0, 3, 1, 2)", to_maps)
LEAKY_RELU = Function(f"leaky ReLU of slope {LEAKY_SLOPE:g}", f"F.leaky_relu({{x}}, {LEAKY_SLOPE})", leaky_relu)
RELU = Function("ReLU", "F.relu({x})", nn.relu)
MAX_POOL = Function("2×2 max pool of stride 2", "F.max_pool2d({x}, 2)", max_pool_2x2)
AVERAGE_POOL = Function(
    "average pool over 8×8 or what there is",
    "F.avg_pool2d({x}, [min(8, size) for size in {x}.shape[2:]])",
    average_pool_8x8,
)
FLATTEN = Function("flatten in the order channel, row, column", "{x}.flatten(1)", flatten_maps)


@functools.cache
def sine_of(frequency: float) -> Function:
    """x ↦ sin(ω·x)."""
    return Function(
        f"x ↦ sin({frequency:g}·x)", f"torch.sin({frequency} * {{x}})", lambda values: sine(frequency * values)
    )


@dataclasses.dataclass(frozen=True)
class Convolution:
    """A convolution of feature maps with a bias.

    Attributes:
      name: PyTorch's.
      norm: PyTorch's name of the batch norm that trains after it and is folded into it; empty without one. Such a
        convolution is padded by half its kernel and starts as Kaiming's by fan-out.
      path: Flax's name; by default a number.
    """

    name: str
    features: int
    kernel: int
    stride: int = 1
    padding: int = 0
    norm: str = ""
    path: str | None = None

    def __call__(self, x: Float[Array, "h c w batch"], form: Form) -> Float[Array, "h2 out w2 batch"]:
        if self.norm:
            return ConvNorm(self.features, self.kernel, self.stride, not form.norms, name=self.path)(x, form.train)
        kernel, stride, padding = ((size, size) for size in (self.kernel, self.stride, self.padding))
        return Conv(self.features, kernel, stride, padding, name=self.path)(x)

    @property
    def words(self) -> str:
        sizes = f"{self.features}@{self.kernel}×{self.kernel}"
        return f"convolution {sizes} of stride {self.stride} and padding {self.padding}"

    def torch(self, inputs: int) -> str:
        return f"nn.Conv2d({inputs}, {self.features}, {self.kernel}, {self.stride}, {self.padding})"


@dataclasses.dataclass(frozen=True)
class Dense:
    """A linear layer; its weights start uniform within ±`start`, by default as PyTorch's do."""

    name: str
    features: int
    start: float | None = None

    def __call__(self, x: Float[Array, "*batch c"], form: Form) -> Float[Array, "*batch out"]:
        return Linear(self.features, kernel_init=None if self.start is None else _uniform(self.start))(x)

    @property
    def words(self) -> str:
        return f"linear {self.features}"

    def torch(self, inputs: int) -> str:
        return f"nn.Linear({inputs}, {self.features})"


def _uniform(bound: float) -> nn.initializers.Initializer:
    return lambda key, shape, dtype=jnp.float32: jax.random.uniform(key, shape, dtype, -bound, bound)


@dataclasses.dataclass(frozen=True)
class Residual:
    """The sum of what the layers of `body` and those of `shortcut` make of the same values; no shortcut is identity.

    Attributes:
      path: Flax's name; by default a number.
    """

    body: "LayerList"
    shortcut: "LayerList" = ()
    path: str | None = None

    def __call__(self, x: Array, form: Form) -> Array:
        return _Branches(self.body, self.shortcut, name=self.path)(x, form)

    @property
    def words(self) -> str:
        shortcut = words(self.shortcut) or "what goes in"
        return f"block ({words(self.body)}; plus {shortcut})"


Layer = Convolution | Dense | Residual | Function
LayerList = tuple[Layer, ...]


class _Branches(nn.Module):
    body: LayerList
    shortcut: LayerList

    @nn.compact
    def __call__(self, x: Array, form: Form) -> Array:
        inner = run(self.body, x, form)  # first, as in the order of the parameters
        return run(self.shortcut, x, form) + inner


class Chain(nn.Module):
    """Layers that follow one another; images are taken as (batch, height, width, channels).

    Attributes:
      norms: the form that trains, whose batch norms `fold_batch_norm` folds.
    """

    layer_list: LayerList
    norms: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "*input"], train: bool = False) -> Float[Array, "*outputs"]:
        return run(self.layer_list, x, Form(self.norms, train))


def run(layers: LayerList, x: Array, form: Form) -> Array:
    """What the layers make of `x`, within a Flax module's call."""
    return functools.reduce(lambda values, layer: layer(values, form), layers, x)


def parametrised(layers: LayerList) -> Iterator[Convolution | Dense]:
    """The layers that have parameters, in the order of the forward pass."""
    for layer in layers:
        if isinstance(layer, Residual):
            yield from parametrised((*layer.body, *layer.shortcut))
        elif not isinstance(layer, Function):
            yield layer


def batch_norms(layers: LayerList) -> dict[str, str]:
    """PyTorch's name of the batch norm that trains after a convolution and is folded into it, by the convolution's."""
    return {layer.name: layer.norm for layer in parametrised(layers) if isinstance(layer, Convolution) and layer.norm}


def words(layers: LayerList) -> str:
    """The layers in order, for one who builds them elsewhere: strides, paddings, activations, which no tensor tells."""
    clauses: list[str] = []
    for layer in layers:
        if isinstance(layer, Function) and clauses and layer is not FLATTEN:
            clauses[-1] += f", {layer.words}"
        elif layer.words:
            clauses.append(layer.words)
    groups = [(clause, len(list(group))) for clause, group in itertools.groupby(clauses)]
    return "; ".join(clause if count == 1 else f"{count} × {clause}" for clause, count in groups)
