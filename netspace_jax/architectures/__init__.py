"""Architectures by name; a user's own Flax module joins by one call of `register`."""

import dataclasses
import difflib
import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from netspace_jax.architectures import parameters as prep
from netspace_jax.architectures.lenet import lenetlike
from netspace_jax.architectures.resnet import fold_batch_norm, resnet
from netspace_jax.architectures.siren import siren
from netspace_jax.architectures.vanilla_cnn import vanilla_cnn
from netspace_jax.errors import InputError

__all__ = ["Architecture", "build", "names", "register"]


@dataclasses.dataclass(frozen=True)
class Architecture:
    """One kind of network: how it starts, trains, is folded into its final form, and computes.

    Attributes:
      name: what it is called in zoos and reports.
      module: the Flax module of the final form, called as `module(x)` on a batch of inputs.
      input_shape: shape of one input, (height, width, channels) or (coordinates,).
      trainee: the module that trains, where it differs from the final form (it may hold `batch_stats` and is called
        with `train`); `fold` then turns its variables into the final form's parameters.
      branch_ends: names of the layers that end a residual branch, of which there are `branches`, one after another:
        generated networks start with those layers damped, since nothing normalises the sum of many branches.
    """

    name: str
    module: nn.Module
    input_shape: tuple[int, ...]
    trainee: nn.Module | None = None
    fold: Callable[[PyTree], PyTree] | None = None
    branch_ends: tuple[str, ...] = ()
    branches: int = 1

    @functools.cached_property
    def spec(self) -> prep.Spec:
        """Order, shapes and layouts of the final form's parameters."""
        x = jnp.zeros((1, *self.input_shape))
        return prep.spec_in_forward_order(lambda: self.module.init(jax.random.key(0), x)["params"])

    @property
    def size(self) -> int:
        """Number of parameters of the final form."""
        return self.spec.size

    def init(self, key: PRNGKeyArray) -> PyTree:
        """Variables of one untrained network."""
        return (self.trainee or self.module).init(key, jnp.zeros((1, *self.input_shape)))

    def train_apply(self, params: PyTree, state: PyTree, x: Float[Array, "batch *input"]) -> tuple[Any, PyTree]:
        """Outputs in training mode for `x`, and the state (batch statistics) after them."""
        if self.trainee is None:
            return self.module.apply({"params": params, **state}, x), state
        return self.trainee.apply({"params": params, **state}, x, train=True, mutable=list(state))

    def finish(self, variables: PyTree) -> Float[Array, "size"]:
        """The flat final form of one trained network, batch norms folded."""
        return prep.flatten(self.spec, self.fold(variables) if self.fold else variables["params"])

    def apply(self, flat: Float[Array, "size"], x: Float[Array, "batch *input"]) -> Float[Array, "batch outputs"]:
        """Outputs of one network, given as its flat parameters."""
        return self.module.apply({"params": prep.unflatten(self.spec, flat)}, x)


Builder = Callable[[str, tuple[int, ...], int], Architecture]
_BUILDERS: dict[str, Builder] = {}


def register(name: str, make_module: Callable[[tuple[int, ...], int], nn.Module]) -> None:
    """Make a Flax module known under `name`.

    Args:
      name: what presets and flags call it.
      make_module: from the shape of one input and the number of outputs to the module.
    """
    _BUILDERS[name] = lambda name, shape, outputs: Architecture(name, make_module(shape, outputs), shape)


def _register_resnet(depth: int) -> None:
    def build_resnet(name, shape, outputs):
        return Architecture(name, resnet(depth, shape, outputs, folded=True), shape,
                            resnet(depth, shape, outputs, folded=False), fold_batch_norm, ("conv2",), (depth - 2) // 2)

    _BUILDERS[f"resnet{depth}"] = build_resnet


register("lenetlike", lenetlike)
register("vanilla_cnn", vanilla_cnn)
register("siren", siren)
register("siren64", functools.partial(siren, width=64, frequency=15.0))
for _depth in (8, 14, 20, 26, 32, 44, 56, 110):
    _register_resnet(_depth)


def names() -> tuple[str, ...]:
    """Names of all known architectures."""
    return tuple(_BUILDERS)


def build(name: str, input_shape: tuple[int, ...], outputs: int) -> Architecture:
    """The architecture called `name` for inputs of `input_shape` (without the batch) and `outputs` outputs.

    Raises:
      InputError: no architecture has that name.
    """
    if name not in _BUILDERS:
        near = difflib.get_close_matches(name, _BUILDERS, n=3, cutoff=0.4) or list(_BUILDERS)
        raise InputError(f"unknown architecture {name!r}; did you mean {' or '.join(near)}?")
    return _BUILDERS[name](name, tuple(input_shape), outputs)
