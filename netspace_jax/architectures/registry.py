"""Architectures by name; a user's own Flax module joins by one call of `register`."""

import difflib
import functools
import re
from collections.abc import Callable

import flax.linen as nn
from jaxtyping import PyTree

from netspace_jax.architectures.architecture import Architecture
from netspace_jax.architectures.lenet import lenetlike
from netspace_jax.architectures.resnet import fold_batch_norm, resnet
from netspace_jax.architectures.siren import siren, siren_of_sizes
from netspace_jax.architectures.vanilla_cnn import vanilla_cnn
from netspace_jax.errors import InputError

MakeModule = Callable[[tuple[int, ...], int], nn.Module]
"""From the shape of one input and the number of outputs to a Flax module."""

_BUILDERS: dict[str, Callable[[str, tuple[int, ...], int], Architecture]] = {}
_FAMILIES: list[tuple[re.Pattern[str], str, Callable[..., nn.Module]]] = []


def register(
    name: str,
    make_module: MakeModule,
    *,
    make_trainee: MakeModule | None = None,
    fold: Callable[[PyTree], PyTree] | None = None,
    branch_ends: tuple[str, ...] = (),
    branches: int = 1,
) -> None:
    """Make a Flax module known under `name`.

    Args:
      name: what presets and flags call it.
      make_module: makes the module in its final form, called as `module(x)` on a batch of inputs.
      make_trainee: makes the module that trains, where it differs: it may hold batch statistics and is called with
        `train`.
      fold: from the variables of the one that trains to the parameters of the final form.
      branch_ends, branches: as in `Architecture`.
    """

    def build_one(name: str, shape: tuple[int, ...], outputs: int) -> Architecture:
        trainee = make_trainee(shape, outputs) if make_trainee else None
        return Architecture(name, make_module(shape, outputs), shape, trainee, fold, branch_ends, branches)

    _BUILDERS[name] = build_one


def register_family(pattern: str, shown: str, make_module: Callable[..., nn.Module]) -> None:
    """Make Flax modules known whose names say their sizes.

    Args:
      pattern: regular expression that a name has to match as a whole.
      shown: what such a name looks like, for people.
      make_module: makes the module from input shape, outputs and the texts of the pattern's groups.
    """
    _FAMILIES.append((re.compile(pattern), shown, make_module))


register("lenetlike", lenetlike)
register("vanilla_cnn", vanilla_cnn)
register("siren", siren)
register("siren64", functools.partial(siren, width=64, frequency=15.0))
register_family(r"siren((?:-[1-9]\d*)+)-w([1-9]\d*(?:\.\d+)?)", "siren-WIDTH-…-wOMEGA", siren_of_sizes)
for _depth in (8, 14, 20, 26, 32, 44, 56, 110):
    register(
        f"resnet{_depth}",
        functools.partial(resnet, _depth, folded=True),
        make_trainee=functools.partial(resnet, _depth, folded=False),
        fold=fold_batch_norm,
        branch_ends=("conv2",),
        branches=(_depth - 2) // 2,
    )


def names() -> tuple[str, ...]:
    """Names of all known architectures, and what names look like that say sizes."""
    return (*_BUILDERS, *(shown for _, shown, _ in _FAMILIES))


def build(name: str, input_shape: tuple[int, ...], outputs: int) -> Architecture:
    """The architecture called `name` for inputs of `input_shape` (without the batch) and `outputs` outputs.

    Raises:
      InputError: no architecture has that name.
    """
    for pattern, _, make_module in _FAMILIES:
        if name not in _BUILDERS and (match := pattern.fullmatch(name)):
            return Architecture(name, make_module(tuple(input_shape), outputs, *match.groups()), tuple(input_shape))
    if name not in _BUILDERS:
        near = difflib.get_close_matches(name, _BUILDERS, n=3, cutoff=0.4) or list(_BUILDERS)
        raise InputError(
            f"unknown architecture {name!r}; did you mean {' or '.join(near)}? One of your own has to be registered "
            f"first (netspace_jax.architectures.register; --modules FILE.py on the command line)"
        )
    return _BUILDERS[name](name, tuple(input_shape), outputs)
