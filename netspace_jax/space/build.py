"""A NetSpace from its configuration: modules, constants of a zoo, initial parameters."""

import functools
import math
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import to_prep
from netspace_jax.behaviour import Behaviour
from netspace_jax.config import NetSpaceConfig
from netspace_jax.dataset import Dataset, one_task
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.space.modules import (
    Correction,
    LinearHead,
    ProbeEncoder,
    ScaledDecoder,
    SetEncoder,
    max_coefficients,
)
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.space.observation import reading_of
from netspace_jax.space.paper import EMBEDDING, ConvDecoder, ConvEncoder, ConvHead


class Modules(NamedTuple):
    """Flax modules of a user's own, in place of those that a configuration names."""

    encoder: nn.Module | None = None
    decoder: nn.Module | None = None
    head: nn.Module | None = None


def make_netspace(
    config: NetSpaceConfig,
    architectures: tuple[Architecture, ...],
    behaviour: Behaviour,
    constants: Constants,
    modules: Modules = Modules(),
) -> NetSpace:
    """NetSpace with the encoder and decoder that a configuration names, or a user's own, without parameters."""
    matrices = [_matrices(architecture) for architecture in architectures] if config.rank else []
    rows, columns = tuple(rows for rows, _ in matrices), tuple(columns for _, columns in matrices)
    embedding = config.embedding + max_coefficients(rows, columns, config.rank)
    encoders = {
        "probe": functools.partial(ProbeEncoder, embedding, config.hidden),
        "set": functools.partial(
            SetEncoder, embedding, config.probes, config.hidden, constant=behaviour.constant_answer
        ),
        "conv": functools.partial(ConvEncoder, embedding),
    }
    decoders = {
        "mlp": functools.partial(
            ScaledDecoder,
            config.prep,
            config.hidden,
            len(architectures),
            config.initial_scale,
            config.skip,
            config.rank,
            rows,
            columns,
        ),
        "conv": functools.partial(ConvDecoder, config.prep),
    }
    head = ConvHead if config.embedding == EMBEDDING else LinearHead
    return NetSpace(
        architectures=architectures,
        prep=config.prep,
        encoder=modules.encoder or encoders[config.encoder](),
        decoder=modules.decoder or decoders[config.decoder](),
        head=modules.head or head(len(architectures)),
        correction=Correction(embedding, config.hidden) if config.corrections else None,
        corrections=config.corrections,
        behaviour=behaviour,
        params=None,
        constants=constants,
    )


def _matrices(architecture: Architecture) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns of each parameter tensor, as the matrix of its units' weights."""
    shapes = [leaf.torch_shape for leaf in architecture.spec.leaves]
    return tuple(shape[0] for shape in shapes), tuple(math.prod(shape[1:]) for shape in shapes)


def initial_params(netspace: NetSpace, key: PRNGKeyArray) -> PyTree:
    """Parameters of encoder, decoder and head, untrained."""
    keys = jax.random.split(key, 4)
    constants = netspace.constants
    behaviour, inputs = netspace.behaviour, constants.probes
    if inputs is None:
        inputs = jnp.zeros((1, *behaviour.input_shape), behaviour.input_dtype)
    flat, reading = jnp.zeros(netspace.architectures[0].size), reading_of(inputs)
    outputs = netspace.architectures[0].apply(flat, reading.inputs)
    seen = netspace.observe(flat, outputs, 0, reading)
    encoder = netspace.encoder.init(keys[0], seen)["params"]
    z = netspace.encoder.apply({"params": encoder}, seen)
    decoder = netspace.decoder.init(keys[1], z, constants.scale[0], constants.shift[0], 0)["params"]
    params = {"encoder": encoder, "decoder": decoder, "head": netspace.head.init(keys[2], z)["params"]}
    if netspace.correction is not None:
        residual = netspace.behaviour.residual(outputs, outputs)
        params["correction"] = netspace.correction.init(keys[3], z, residual, z)["params"]
    return params


def make_constants(
    config: NetSpaceConfig,
    architectures: tuple[Architecture, ...],
    dataset: Dataset,
    members: tuple[Float[np.ndarray, "_member _size"], ...],
    key: PRNGKeyArray | None = None,
) -> Constants:
    """Constants for a zoo.

    Args:
      members: training members of each architecture; empty for an architecture of which none trains the space.
      key: random key of the training, of which untrained networks in a center are drawn; by default of the seed.
    """
    key = jax.random.key(config.seed) if key is None else key
    tables = [_scale_and_shift(a, flats) for a, flats in zip(architectures, members, strict=True)]
    if config.center == "network":
        tables = [
            (scale, _one_network(a, flats, key_of(key, Purpose.CENTER)))
            for (scale, _), a, flats in zip(tables, architectures, members, strict=True)
        ]
    scales, shifts = (
        [to_prep(jnp.asarray(row), config.prep) for row in column] for column in zip(*tables, strict=True)
    )
    return Constants(_probes(config, dataset), jnp.stack(scales), jnp.stack(shifts))


def _probes(config: NetSpaceConfig, dataset: Dataset) -> Shaped[Array, "probe *input"] | None:
    """Inputs on which any network can be read: none for a set encoder of networks that have each their own."""
    probes = dataset.probes(config.probes)
    if config.encoder != "set" or one_task(dataset):
        return probes
    first, last = (np.asarray(dataset.of(member).probes(config.probes)) for member in (0, dataset.items - 1))
    return probes if np.array_equal(first, last) else None


def layer_scales(netspace: NetSpace, architecture_id: int) -> Float[Array, "size"]:
    """Standard deviation over the zoo of each parameter's layer: the unit of noise on networks."""
    return netspace.constants.scale[architecture_id].reshape(-1)[: netspace.architectures[architecture_id].size]


def _scale_and_shift(
    architecture: Architecture, flats: Float[np.ndarray, "member size"]
) -> tuple[np.ndarray, np.ndarray]:
    """For each parameter its mean over the zoo, and the standard deviation of its layer (docs/method.md, eq. 9).

    Where no network is given, 0 and 1/√fan_in. The ends of n residual branches are damped by 1/√n, so that their sum
    keeps its size however deep the network.
    """
    spec = architecture.spec
    fan_in = {leaf.path[:-1]: leaf.fan_in for leaf in spec.leaves if len(leaf.shape) > 1}
    shift = flats.mean(0) if len(flats) else np.zeros(spec.size, np.float32)
    scale = np.empty(spec.size, np.float32)
    for leaf, start in zip(spec.leaves, spec.offsets, strict=True):
        part = slice(start, start + leaf.size)
        if len(flats):
            scale[part] = np.sqrt(np.square(flats[:, part] - shift[part]).mean())
        else:
            scale[part] = 1 / np.sqrt(fan_in.get(leaf.path[:-1], 1))
        if set(architecture.branch_ends) & set(leaf.path):
            scale[part] /= np.sqrt(architecture.branches)
    return scale, shift.astype(np.float32)


def _one_network(
    architecture: Architecture, flats: Float[np.ndarray, "member size"], key: PRNGKeyArray
) -> Float[np.ndarray, "size"]:
    """The last training member, or an untrained network where none is given.

    The mean of networks that started apart is none; from one that works, the way to others is shorter.
    """
    if len(flats):
        return np.asarray(flats[-1], np.float32)
    untrained = jax.jit(lambda architecture, key: architecture.finish(architecture.init(key)))(architecture, key)
    return np.asarray(untrained, np.float32)
