"""Architectures by name; a user's own Flax module joins by one call of `register`."""

import difflib
import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from netspace_jax.errors import InputError
from netspace_jax.lazy import Lazy

if TYPE_CHECKING:
    from netspace_jax.architectures.architecture import Architecture

MakeModule = Callable[[tuple[int, ...], int], Any]
"""From the shape of one input and the number of outputs to a Flax module."""

_BUILDERS: "dict[str, Callable[[str, tuple[int, ...], int, str], Architecture]]" = {}
_FAMILIES: list[tuple[re.Pattern[str], str, Callable[..., Any]]] = []


def register(
    name: str,
    make_module: MakeModule,
    *,
    make_shared: Callable[[tuple[int, ...], int], Any] | None = None,
    branch_ends: tuple[str, ...] = (),
    branches: int = 1,
) -> None:
    """Make a Flax module known under `name`.

    A module with batch norms or dropout is told that it trains by an argument of its `__call__`, one of `train`,
    `training`, `is_training`, `deterministic` and `use_running_average`; batch statistics are folded into the scales
    and biases of the batch norms when its training ends. On a CPU its convolutions and poolings are replaced by ours
    (`netspace_jax.ops.layouts`). NNX modules: `flax.nnx.bridge.to_linen`.

    Args:
      make_module: makes the module, called as `module(x)` on a batch of inputs.
      make_shared: gives what all networks have in common, as a frozen base: the module reads it as its variable
        collection `shared`, and it is stored once in a zoo and once in a space. Such a module trains in its final form.
    """

    def build_one(name: str, shape: tuple[int, ...], outputs: int, dtype: str) -> Any:
        import jax

        from netspace_jax.architectures.architecture import Architecture
        from netspace_jax.architectures.modes import ModePair, mode_pair, trace_module

        module, shared = make_module(shape, outputs), make_shared(shape, outputs) if make_shared else ()
        modes = ModePair(module, None, None) if make_shared else mode_pair(module, shape, dtype)
        built = Architecture(name, modes.module, shape, modes.trainee, modes.fold, branch_ends, branches, dtype, shared)
        if make_shared:  # other modules were traced to find their modes
            trace_module(module, built.output_of, jax.ShapeDtypeStruct((2, *shape), dtype))
        return built

    _BUILDERS[name] = build_one


def register_family(pattern: str, example: str, make_module: Callable[..., Any]) -> None:
    """Make Flax modules known whose names say their sizes.

    Args:
      pattern: regular expression that a name has to match as a whole.
      example: what such a name looks like, for people.
      make_module: makes the module from input shape, outputs and the texts of the pattern's groups.
    """
    _FAMILIES.append((re.compile(pattern), example, make_module))


_HERE = "netspace_jax.architectures"
_SIREN, _RESNET = Lazy(f"{_HERE}.siren:siren"), Lazy(f"{_HERE}.resnet:resnet")

register("lenetlike", Lazy(f"{_HERE}.lenet:lenetlike"))
register("vanilla_cnn", Lazy(f"{_HERE}.vanilla_cnn:vanilla_cnn"))
register("smallcnn", Lazy(f"{_HERE}.small_cnn:small_cnn"))
register("tutorial", Lazy(f"{_HERE}.tutorial:tutorial"))
register("siren", _SIREN)
register("siren64", functools.partial(_SIREN, width=64, frequency=15.0))
register_family(
    r"siren((?:-[1-9]\d*)+)-w([1-9]\d*(?:\.\d+)?)", "siren-WIDTH-…-wOMEGA", Lazy(f"{_HERE}.siren:siren_of_sizes")
)
register_family(r"mlp((?:-[1-9]\d*)+)", "mlp-WIDTH-…", Lazy(f"{_HERE}.mlp:mlp_of_sizes"))
for _depth in (8, 14, 20, 26, 32, 44, 56, 110):
    register(
        f"resnet{_depth}",
        functools.partial(_RESNET, _depth),
        branch_ends=("conv2",),
        branches=(_depth - 2) // 2,
    )


def names() -> tuple[str, ...]:
    """Names of all known architectures, and what names look like that say sizes."""
    return (*_BUILDERS, *(example for _, example, _ in _FAMILIES))


def build(name: str, input_shape: tuple[int, ...], outputs: int, input_dtype: str = "float32") -> "Architecture":
    """The architecture called `name` for inputs of `input_shape` (without the batch) and `outputs` outputs.

    Outputs may have more axes than one; `outputs` is the size of the last.

    Raises:
      InputError: no architecture has that name, or its module cannot be one.
    """
    for pattern, _, make_module in _FAMILIES:
        if name not in _BUILDERS and (match := pattern.fullmatch(name)):
            from netspace_jax.architectures.architecture import Architecture

            return Architecture(name, make_module(tuple(input_shape), outputs, *match.groups()), tuple(input_shape))
    if name not in _BUILDERS:
        near = difflib.get_close_matches(name, _BUILDERS, n=3, cutoff=0.4) or list(_BUILDERS)
        raise InputError(
            f"unknown architecture {name!r}; did you mean {' or '.join(near)}? One of your own has to be registered "
            f"first (netspace_jax.architectures.register; --modules FILE.py on the command line)"
        )
    return _BUILDERS[name](name, tuple(input_shape), outputs, input_dtype)
