"""NetSpace: encoder, decoder and architecture head with their parameters, as functions of ONE network or embedding."""

import dataclasses
from collections.abc import Callable
from typing import cast

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import from_prep
from netspace_jax.behaviour import Behaviour
from netspace_jax.errors import InputError
from netspace_jax.space.modules import ScaledDecoder
from netspace_jax.space.observation import Observation, Pairs, Reading, observe, observe_task, reading_of

Batching = Callable[[Callable[..., PyTree]], Callable[..., PyTree]]


@flax.struct.dataclass
class Constants:
    """What a NetSpace is given and does not learn: probe inputs, and scale and center of each generated value.

    There are no probes where each network has inputs of its own, on which others mean nothing.
    """

    probes: Shaped[Array, "probe *input"] | None
    scale: Float[Array, "architecture h w"]
    shift: Float[Array, "architecture h w"]


@flax.struct.dataclass
class NetSpace:
    """Encoder, decoder and head: a pytree whose leaves are parameters, constants, and what networks share.

    Its methods are functions of ONE network or embedding, to be vmapped where they are called. An architecture's id is
    its position in `architectures`; it is static, so that shapes are.

    Attributes:
      architectures: what networks of the space can be; neighbours are neighbours in the space.
      prep: rows and columns of a PRep.
      encoder, decoder, head: Flax modules (docs/method.md, Encoder and decoder).
      correction: Flax module that corrects an embedding, or None; it is applied `corrections` times.
      behaviour: what the networks compute, and how inputs are normalised.
      params: parameters of encoder, decoder, head and correction; None before they are initialised.
    """

    architectures: tuple[Architecture, ...]
    prep: tuple[int, int] = flax.struct.field(pytree_node=False)
    encoder: nn.Module = flax.struct.field(pytree_node=False)
    decoder: nn.Module = flax.struct.field(pytree_node=False)
    head: nn.Module = flax.struct.field(pytree_node=False)
    correction: nn.Module | None = flax.struct.field(pytree_node=False)
    corrections: int = flax.struct.field(pytree_node=False)
    behaviour: Behaviour = flax.struct.field(pytree_node=False)
    params: PyTree
    constants: Constants

    @property
    def netspace(self) -> "NetSpace":
        """Itself, without what a subclass adds: what compiled programs take."""
        return NetSpace(**{field.name: getattr(self, field.name) for field in dataclasses.fields(NetSpace)})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the architectures, in the order that they have in the space."""
        return tuple(architecture.name for architecture in self.architectures)

    @property
    def embedding_size(self) -> int:
        """Number of values of an embedding."""
        behaviour, inputs = self.behaviour, self.constants.probes
        if inputs is None:
            inputs = jax.ShapeDtypeStruct((1, *behaviour.input_shape), behaviour.input_dtype)
        flat = jax.ShapeDtypeStruct((self.architectures[0].size,), jnp.float32)
        return jax.eval_shape(lambda flat, x: self.embed(flat, 0, reading=reading_of(x)), flat, inputs).shape[-1]

    def id_of(self, architecture: str | None) -> int:
        """Id of an architecture, its position in the space; None is enough where there is only one.

        Raises:
          InputError: the space has no such architecture, or has several and none was named.
        """
        if architecture is None and len(self.names) == 1:
            return 0
        if architecture not in self.names:
            named = "no architecture" if architecture is None else repr(architecture)
            raise InputError(f"{named} was named: this space has {', '.join(self.names)}")
        return self.names.index(architecture)

    @property
    def probe_reading(self) -> Reading:
        """How a network is read where nothing else is said: on all probes alike.

        Raises:
          ValueError: there are none, since each network has inputs of its own.
        """
        if self.constants.probes is None:
            raise ValueError("each network of this space has inputs of its own: say on which it is read")
        return reading_of(self.constants.probes)

    def embed(
        self,
        flat: Float[Array, "size"],
        architecture_id: int,
        batching: Batching = lambda function: function,
        reading: Reading | None = None,
    ) -> Float[Array, "embedding"]:
        """Embedding of a network given as its flat parameters (docs/method.md, eq. 7); the rest as below."""
        return self.embeddings_of(flat, architecture_id, batching, reading)[-1]

    def embed_task(self, pairs: Pairs) -> Float[Array, "embedding"]:
        """Embedding of a task from examples of it, by an encoder that reads pairs alone (docs/method.md, eq. 38)."""
        return _apply(self.encoder, self.params["encoder"], observe_task(pairs))

    def embeddings_of(
        self,
        flat: Float[Array, "size"],
        architecture_id: int,
        batching: Batching = lambda function: function,
        reading: Reading | None = None,
    ) -> list[Float[Array, "embedding"]]:
        """What the encoder says, and the embedding after each correction.

        Each correction looks at what the network that is decoded so far gets wrong on the probes. It is no path for
        gradients into the decoder, nor into the embedding that it corrects.

        Args:
          batching: what is made of the parts in which the network itself runs, before this is vmapped, such as
            `ops.mapping.vmap_small_batches`.
          reading: inputs on which the network is read; by default the probes.
        """
        reading = reading or self.probe_reading
        architecture, probes, behaviour = self.architectures[architecture_id], reading.inputs, self.behaviour
        wanted = batching(architecture.apply)(flat, probes)
        seen = self.observe(flat, wanted, architecture_id, reading)
        z = _apply(self.encoder, self.params["encoder"], seen)
        found = [z]
        if self.correction is None or not self.corrections:
            return found
        fixed = dataclasses.replace(self, params=jax.lax.stop_gradient(self.params))

        @batching
        def error(generated, wanted, probes):
            def loss(generated):
                outputs = architecture.apply(generated, probes)
                return behaviour.imitation_loss(wanted, outputs), outputs

            return jax.grad(loss, has_aux=True)(generated)

        for _ in range(self.corrections):
            z = jax.lax.stop_gradient(z)
            generated, to_embedding = jax.vjp(lambda z: fixed.generate(z, architecture_id), z)
            gradient, outputs = error(generated, wanted, probes)
            (gradient,) = to_embedding(gradient)
            residual = behaviour.residual(wanted, outputs)
            z = z + cast(Array, self.correction.apply({"params": self.params["correction"]}, gradient, residual, z))
            found.append(z)
        return found

    def observe(
        self, flat: Float[Array, "size"], outputs: Float[Array, "probe *output"], architecture_id: int, reading: Reading
    ) -> Observation:
        """All that the encoder may look at of a network, given its outputs on the inputs of a reading."""
        return observe(
            self.architectures[architecture_id],
            flat,
            outputs,
            reading,
            behaviour=self.behaviour,
            prep=self.prep,
            tensors=max(len(architecture.spec.leaves) for architecture in self.architectures),
        )

    def generate(self, z: Float[Array, "embedding"], architecture_id: int) -> Float[Array, "size"]:
        """Flat parameters of the network of one architecture that an embedding stands for (docs/method.md, eq. 8)."""
        scale, shift = self.constants.scale[architecture_id], self.constants.shift[architecture_id]
        prep = _apply(self.decoder, self.params["decoder"], z, scale, shift, architecture_id)
        return from_prep(prep, self.architectures[architecture_id].size)

    def cut(self, size: int) -> "NetSpace":
        """The same for networks of at most `size` parameters, the decoder as small as they allow where it can be cut.

        It decodes and classifies; it does not embed.
        """
        if not isinstance(self.decoder, ScaledDecoder):
            return self
        decoder, params = self.decoder.cut(self.params["decoder"], size)
        scale, shift = (
            values.reshape(len(values), 1, -1)[..., :size] for values in (self.constants.scale, self.constants.shift)
        )
        return dataclasses.replace(
            self,
            prep=(1, size),
            decoder=decoder,
            params={**self.params, "decoder": params},
            constants=dataclasses.replace(self.constants, scale=scale, shift=shift),
        )

    def classify(self, z: Float[Array, "embedding"]) -> Float[Array, "architecture"]:
        """Logits of the architectures that an embedding may stand for (docs/method.md, eq. 10)."""
        return _apply(self.head, self.params["head"], z)


def _apply(module: nn.Module, params: PyTree, *inputs: Array | Observation | int) -> Array:
    return cast(Array, module.apply({"params": params}, *inputs))  # a tuple only where collections are mutable
