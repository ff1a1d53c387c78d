"""An architecture: how its networks are initialised, trained, brought to their final form, and run."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from netspace_jax.architectures import parameters
from netspace_jax.ops.layouts import has_slow_layouts, in_fast_layouts


@dataclasses.dataclass(frozen=True)
class Architecture:
    """An architecture: a Flax module with all that a zoo and a space need to know of it.

    Attributes:
      name: its name in zoos and reports.
      module: the Flax module of the final form, called as `module(x)` on a batch of inputs.
      input_shape: shape of one input, (height, width, channels) or (coordinates,).
      trainee: the module that trains, where it differs from the final form (it may hold `batch_stats`, is called with
        `train` and may draw from `dropout`); `fold` then turns its variables into the final form's parameters.
      branch_ends: names of the layers that end a residual branch, of which there are `branches`, one after another:
        an untrained decoder generates networks in which these layers are damped, since nothing normalises the sum of
        many branches.
    """

    name: str
    module: nn.Module
    input_shape: tuple[int, ...]
    trainee: nn.Module | None = None
    fold: Callable[[PyTree], PyTree] | None = None
    branch_ends: tuple[str, ...] = ()
    branches: int = 1

    @functools.cached_property
    def spec(self) -> parameters.Spec:
        """Order, shapes and layouts of the final form's parameters."""
        x = jnp.zeros((1, *self.input_shape))
        return parameters.spec_in_forward_order(lambda: self.module.init(jax.random.key(0), x)["params"])

    @property
    def size(self) -> int:
        """Number of parameters of the final form."""
        return self.spec.size

    def init(self, key: PRNGKeyArray) -> PyTree:
        """Variables of one untrained network."""
        return (self.trainee or self.module).init(key, jnp.zeros((1, *self.input_shape)))

    @functools.cached_property
    def _runs(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        """The module's and the trainee's `apply`: where they convolve and pool by Flax's own layers, in our layouts."""

        def final(variables, x):
            return self.module.apply(variables, x)

        def training(variables, x, key):
            if self.trainee is None:
                return self.module.apply(variables, x), {
                    name: variables[name] for name in variables if name != "params"
                }
            state = [name for name in variables if name != "params"]
            return self.trainee.apply(variables, x, train=True, mutable=state, rngs={"dropout": key})

        shapes = jax.eval_shape(self.module.init, jax.random.key(0), jnp.zeros((1, *self.input_shape)))
        slow = has_slow_layouts(final, {"params": shapes["params"]}, jnp.zeros((1, *self.input_shape)))
        return (in_fast_layouts(final), in_fast_layouts(training)) if slow else (final, training)

    def train_apply(
        self, params: PyTree, state: PyTree, x: Float[Array, "batch *input"], key: PRNGKeyArray
    ) -> tuple[Any, PyTree]:
        """Outputs in training mode for `x`, and the state (batch statistics) after them.

        Args:
          key: what dropout draws from.
        """
        return self._runs[1]({"params": params, **state}, x, key)

    def finish(self, variables: PyTree) -> Float[Array, "size"]:
        """The flat final form of one trained network, batch norms folded."""
        return parameters.flatten(self.spec, self.fold(variables) if self.fold else variables["params"])

    def apply(self, flat: Float[Array, "size"], x: Float[Array, "batch *input"]) -> Float[Array, "batch outputs"]:
        """Outputs of one network, given as its flat parameters."""
        # One array: Flax returns a tuple only where collections are mutable.
        return cast(Array, self._runs[0]({"params": parameters.unflatten(self.spec, flat)}, x))
