"""The same architecture with wider layers, for a larger network to compare with."""

import dataclasses
import math

from netspace_jax.architectures.architecture import Architecture
from netspace_jax.architectures.chain import Chain, Convolution, Dense, Layer, LayerList, Residual, parametrised
from netspace_jax.architectures.modes import mode_pair
from netspace_jax.errors import InputError


def wider(architecture: Architecture, times: float) -> Architecture:
    """An architecture of about `times` as many parameters, by √times as many channels and units in each layer.

    Raises:
      InputError: its module has no list of layers that says what could be widened.
    """
    module = architecture.module
    if not isinstance(module, Chain) or architecture.shared:
        raise InputError(
            f"{architecture.name} is no list of layers that could be widened: name a larger architecture (--large)"
        )
    *inner, last = parametrised(module.layer_list)
    if not inner:
        raise InputError(f"{architecture.name} has one layer, which cannot be widened: name a larger one (--large)")
    layers = _widened(module.layer_list, math.sqrt(times), inner[0], last)
    modes = mode_pair(Chain(layers), architecture.input_shape, architecture.input_dtype)
    return dataclasses.replace(
        architecture, name=f"{architecture.name}_wide", module=modes.module, trainee=modes.trainee, fold=modes.fold
    )


def _widened(layers: LayerList, factor: float, first: Layer, last: Layer) -> LayerList:
    """Layers of so many times the features, but the last; starts follow the number of inputs, but the first's."""

    def one(layer: Layer) -> Layer:
        if isinstance(layer, Residual):
            body, shortcut = (_widened(part, factor, first, last) for part in (layer.body, layer.shortcut))
            return dataclasses.replace(layer, body=body, shortcut=shortcut)
        if not isinstance(layer, Convolution | Dense):
            return layer
        features = layer.features if layer is last else round(factor * layer.features)
        if isinstance(layer, Dense) and layer.start is not None and layer is not first:
            return dataclasses.replace(layer, features=features, start=layer.start / math.sqrt(factor))
        return dataclasses.replace(layer, features=features)

    return tuple(map(one, layers))
