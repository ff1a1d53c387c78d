"""An architecture: how its networks are initialised, trained, brought to their final form, and run."""

import functools
from collections.abc import Callable
from typing import Any, cast

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree, Shaped

from netspace_jax.architectures import parameters
from netspace_jax.ops.layouts import has_slow_layouts, in_fast_layouts

SHARED = "shared"
"""Flax's variable collection of what all networks of an architecture have in common."""

_static = functools.partial(flax.struct.field, pytree_node=False)


@flax.struct.dataclass
class Architecture:
    """An architecture: a Flax module with all that a zoo and a space need to know of it.

    A network is its own parameters, and what it shares with all others of its architecture: a frozen base that adapters
    change, a normaliser. What is shared is data: the only leaves of this pytree. So give compiled functions the
    architecture as an argument, not as a constant.

    Attributes:
      module: the Flax module of the final form, called as `module(x)` on a batch of inputs.
      input_shape: shape of one input, (height, width, channels) or (coordinates,).
      trainee: the module that trains, where it differs from the final form (it may hold `batch_stats`, is called with
        `train` and may draw from `dropout`); `fold` then turns its variables into the final form's parameters.
      branch_ends: names of the layers that end a residual branch, of which there are `branches`, one after another:
        an untrained decoder generates networks in which these layers are damped, since nothing normalises the sum of
        many branches.
      shared: what all networks have in common, as the module's variable collection `shared`; empty for nothing.
    """

    name: str = _static()
    module: nn.Module = _static()
    input_shape: tuple[int, ...] = _static()
    trainee: nn.Module | None = _static(default=None)
    fold: Callable[[PyTree], PyTree] | None = _static(default=None)
    branch_ends: tuple[str, ...] = _static(default=())
    branches: int = _static(default=1)
    input_dtype: str = _static(default="float32")
    shared: PyTree = ()

    def __hash__(self) -> int:
        return hash((self.name, self.module, self.input_shape, self.input_dtype))

    @property
    def spec(self) -> parameters.Spec:
        """Order, shapes and layouts of the final form's parameters."""
        return _spec(self.module, self._one_input, jax.tree.structure(self.shared), self._shared_shapes)

    @property
    def size(self) -> int:
        """Number of parameters of the final form."""
        return self.spec.size

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of the outputs for one input."""
        flat = jax.ShapeDtypeStruct((self.size,), jnp.float32)
        inputs = jax.ShapeDtypeStruct((1, *self.input_shape), self.input_dtype)
        return jax.eval_shape(self.apply, flat, inputs).shape[1:]

    def output_of(self, x: Shaped[Array, "batch *input"]) -> Float[Array, "batch *output"]:
        """Outputs of an untrained network, which show whether the module takes such inputs."""
        return self.apply(self.finish(self.init(jax.random.key(0))), x)

    def init(self, key: PRNGKeyArray) -> PyTree:
        """Variables of one untrained network: its own, without what is shared."""
        inputs = jnp.zeros((1, *self.input_shape), self.input_dtype)
        return _init(self.trainee or self.module, key, inputs, self.shared)

    def train_apply(
        self, params: PyTree, state: PyTree, x: Shaped[Array, "batch *input"], key: PRNGKeyArray
    ) -> tuple[Any, PyTree]:
        """Outputs in training mode for `x`, and the state (batch statistics) after them.

        Args:
          key: what dropout draws from.
        """

        def run(variables, x, key):
            if self.trainee is None:
                return self.module.apply(variables, x), {}
            state = [name for name in variables if name not in ("params", SHARED)]
            return self.trainee.apply(variables, x, train=True, mutable=state, rngs={"dropout": key})

        run = in_fast_layouts(run) if self.slow else run
        outputs, new_state = run(self.variables(params) | state, x, key)
        return outputs, state | new_state

    def finish(self, variables: PyTree) -> Float[Array, "size"]:
        """The flat final form of one trained network, batch norms folded."""
        return parameters.flatten(self.spec, self.fold(variables) if self.fold else variables["params"])

    def apply(self, flat: Float[Array, "size"], x: Shaped[Array, "batch *input"]) -> Float[Array, "batch *output"]:
        """Outputs of one network, given as its flat parameters."""
        run = in_fast_layouts(self.module.apply) if self.slow else self.module.apply
        # One array: Flax returns a tuple only where collections are mutable.
        return cast(Array, run(self.variables(parameters.unflatten(self.spec, flat)), x))

    def bind(self, flat: Float[Array, "size"]) -> Callable[[Shaped[Array, "n *input"]], Float[Array, "n *output"]]:
        """One network as a function of its inputs."""
        return lambda x: self.apply(flat, x)

    def variables(self, params: PyTree) -> dict[str, PyTree]:
        """What Flax calls the variables of one network: its parameters, and what all of them share."""
        return {"params": params, SHARED: self.shared} if self.shared else {"params": params}

    @property
    def _one_input(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, *self.input_shape), jnp.dtype(self.input_dtype))

    @property
    def _shared_shapes(self) -> tuple[jax.ShapeDtypeStruct, ...]:
        return tuple(jax.ShapeDtypeStruct(jnp.shape(leaf), leaf.dtype) for leaf in jax.tree.leaves(self.shared))

    @property
    def slow(self) -> bool:
        """Whether it convolves or pools by Flax's own layers, which are slow for many networks: it runs in ours."""
        return _slow(self.module, self._one_input, jax.tree.structure(self.shared), self._shared_shapes)


def _init(module: nn.Module, key: PRNGKeyArray, inputs: Shaped[Array, "1 *input"], shared: PyTree) -> PyTree:
    if not shared:
        return module.init(key, inputs)
    _, variables = module.apply({SHARED: shared}, inputs, rngs={"params": key}, mutable=["params"])
    return variables


@functools.lru_cache(maxsize=256)
def _spec(module: nn.Module, one_input: jax.ShapeDtypeStruct, tree: Any, leaves: tuple) -> parameters.Spec:
    inputs = jnp.zeros(one_input.shape, one_input.dtype)

    def init():
        shared = jax.tree.unflatten(tree, [jnp.zeros(leaf.shape, leaf.dtype) for leaf in leaves])
        return _init(module, jax.random.key(0), inputs, shared)["params"]

    return parameters.spec_in_forward_order(init)


@functools.lru_cache(maxsize=256)
def _slow(module: nn.Module, one_input: jax.ShapeDtypeStruct, tree: Any, leaves: tuple) -> bool:
    shared = jax.tree.unflatten(tree, leaves)
    params = jax.eval_shape(functools.partial(_init, module), jax.random.key(0), one_input, shared)["params"]
    variables = {"params": params, SHARED: shared} if shared else {"params": params}
    return has_slow_layouts(module.apply, variables, one_input)
