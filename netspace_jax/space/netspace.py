"""NetSpace: from the parameters of a network to its embedding and back (reference, section Autoencoder)."""

import dataclasses
import functools

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import from_prep, to_prep
from netspace_jax.config import NetSpaceConfig
from netspace_jax.space.probe import LinearHead, ProbeEncoder, ScaledDecoder
from netspace_jax.space.reference import EMBEDDING, ConvDecoder, ConvEncoder, ConvHead
from netspace_jax.task import Task


@flax.struct.dataclass
class Constants:
    """What NetSpace is given and does not learn: probe inputs, and size and centre of each generated value."""

    probes: Float[Array, "probe *input"]
    scale: Float[Array, "architecture h w"]
    shift: Float[Array, "architecture h w"]


@dataclasses.dataclass(frozen=True)
class NetSpace:
    """Encoder, decoder and architecture head, as functions of ONE network or embedding; vmap them where they are called.

    `kind` is the position of a network's architecture in `architectures`; it is static, so that shapes are.
    """

    architectures: tuple[Architecture, ...]
    prep: tuple[int, int]
    encoder: nn.Module
    decoder: nn.Module
    head: nn.Module

    def init(self, key: PRNGKeyArray, task: Task, constants: Constants) -> PyTree:
        """Parameters of encoder, decoder and head, untrained."""
        keys = jax.random.split(key, 3)
        description = task.describe(jnp.zeros((len(constants.probes), task.outputs)))
        encoder = self.encoder.init(keys[0], description, jnp.zeros(self.prep))["params"]
        z = self.encoder.apply({"params": encoder}, description, jnp.zeros(self.prep))
        decoder = self.decoder.init(keys[1], z, constants.scale[0], constants.shift[0], jnp.int32(0))["params"]
        return {"encoder": encoder, "decoder": decoder, "head": self.head.init(keys[2], z)["params"]}

    def encode(self, params: PyTree, constants: Constants, task: Task, flat: Float[Array, "size"],
               kind: int) -> Float[Array, "embedding"]:
        """Embedding of a network given as its flat parameters."""
        description = task.describe(self.architectures[kind].apply(flat, constants.probes))
        return self.encoder.apply({"params": params["encoder"]}, description, to_prep(flat, self.prep))

    def decode(self, params: PyTree, constants: Constants, z: Float[Array, "embedding"], kind: int) -> Float[Array, "size"]:
        """Flat parameters of the network of architecture `kind` that an embedding stands for."""
        prep = self.decoder.apply({"params": params["decoder"]}, z, constants.scale[kind], constants.shift[kind],
                                  jnp.int32(kind))
        return from_prep(prep, self.architectures[kind].size)

    def classify(self, params: PyTree, z: Float[Array, "embedding"]) -> Float[Array, "architecture"]:
        """Logits of the architectures that an embedding may stand for."""
        return self.head.apply({"params": params["head"]}, z)


def make_netspace(config: NetSpaceConfig, architectures: tuple[Architecture, ...]) -> NetSpace:
    """NetSpace with the encoder and decoder that a configuration names."""
    encoders = {"probe": functools.partial(ProbeEncoder, config.embedding, config.hidden),
                "conv": functools.partial(ConvEncoder, config.embedding)}
    decoders = {"mlp": functools.partial(ScaledDecoder, config.prep, config.hidden, len(architectures), config.spread),
                "conv": functools.partial(ConvDecoder, config.prep)}
    head = ConvHead if config.embedding == EMBEDDING else LinearHead
    return NetSpace(architectures, config.prep, encoders[config.encoder](), decoders[config.decoder](),
                    head(len(architectures)))


def make_constants(config: NetSpaceConfig, netspace: NetSpace, task: Task,
                   members: tuple[Float[np.ndarray, "_member _size"], ...]) -> Constants:
    """Constants for a zoo.

    Args:
      members: training members of each architecture; empty for an architecture of which none is shown.
    """
    tables = [_scale_and_shift(a, flats) for a, flats in zip(netspace.architectures, members, strict=True)]
    if config.center == "network":
        tables = [(scale, _one_network(a, flats, config.seed))
                  for (scale, _), a, flats in zip(tables, netspace.architectures, members, strict=True)]
    scales, shifts = ([to_prep(jnp.asarray(table), netspace.prep) for table in column] for column in zip(*tables, strict=True))
    return Constants(task.probes(config.probes), jnp.stack(scales), jnp.stack(shifts))


def _scale_and_shift(architecture: Architecture, flats: Float[np.ndarray, "member size"]) -> tuple[np.ndarray, np.ndarray]:
    """For each parameter its mean over the zoo, and the deviation of its layer; where no network is shown, 0 and 1/√fan_in.

    The ends of n residual branches are damped by 1/√n, so that their sum keeps its size however deep the network.
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


def _one_network(architecture: Architecture, flats: Float[np.ndarray, "member size"], seed: int) -> Float[np.ndarray, "size"]:
    """The last training member, or an untrained network where none is shown.

    The mean of networks that started apart is none; from one that works, the way to others is shorter.
    """
    if len(flats):
        return np.asarray(flats[-1], np.float32)
    return np.asarray(jax.jit(lambda key: architecture.finish(architecture.init(key)))(jax.random.key(seed)), np.float32)
