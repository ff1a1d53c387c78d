"""One network that came out of a space, ready to use."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.behaviour import Behaviour
from netspace_jax.exchange import ModelCard, export_network
from netspace_jax.space import batched
from netspace_jax.space.netspace import NetSpace


@flax.struct.dataclass
class Network:
    """One network, ready to use: a pytree, so that it may be an argument of a jitted function.

    Attributes:
      architecture: what it is; where nobody asked for one, what the head reads in the embedding.
      behaviour: what it computes, and how its inputs are normalised.
      flat: its parameters as one vector, in the order and layouts of `architecture.spec`.
      embedding: where in the space it was.
    """

    architecture: Architecture
    behaviour: Behaviour = flax.struct.field(pytree_node=False)
    flat: Float[Array, "size"]
    embedding: Float[Array, "embedding"]

    @property
    def params(self) -> PyTree:
        """Its parameters as Flax has them, for `architecture.module.apply({"params": …}, x)`."""
        return unflatten(self.architecture.spec, self.flat)

    def __call__(self, inputs: Any) -> Float[Array, "n *output"]:
        """Outputs for inputs as the behaviour takes them, an array or raw rows: it prepares them as in training.

        Raises:
          InputError: the inputs are not what the behaviour takes.
        """
        return _apply(self.architecture, self.flat, self.behaviour.prepare(inputs))

    def export(
        self,
        folder: str | os.PathLike,
        *,
        title: str = "",
        origin: str = "",
        scores: Mapping[str, float] | None = None,
    ) -> Path:
        """Write it into a folder in the formats that others read, with a model card.

        safetensors and a PyTorch `state_dict` with the module's source, Orbax, StableHLO, ONNX
        (`netspace_jax.exchange.export_network`).

        Args:
          scores: what was measured, by name; accuracies as fractions of 1.

        Raises:
          InputError: the folder is not empty, the network is not finite, or a library that writes it is missing.
        """
        mean, std = self.behaviour.normalisation
        card = ModelCard(
            title=title or f"A {self.architecture.name} out of a latent space of networks",
            origin=origin or "Decoded from an embedding of a space (netspace_jax).",
            inputs=f"inputs of {self.behaviour.name}: {self.behaviour.inputs_in_words}",
            outputs=self.behaviour.outputs_in_words,
            mean=mean,
            std=std,
            scores=tuple((scores or {}).items()),
        )
        return export_network(folder, self.architecture, self.flat, card)

    def __repr__(self) -> str:
        return f"Network({self.architecture.name}, {self.architecture.size} parameters)"


def decoded(netspace: NetSpace, z: Float[Array, "network embedding"], architecture: str | None = None) -> list[Network]:
    """Networks that embeddings stand for, of one architecture or of those that the head reads in them."""
    rows = np.asarray(z)
    if architecture:
        ids = np.full(len(rows), netspace.id_of(architecture))
    else:
        ids = np.asarray(batched.classify_many(netspace, z))
    networks: dict[int, Network] = {}
    for architecture_id in np.unique(ids):
        chosen = np.flatnonzero(ids == architecture_id)
        flats = batched.generate_many(netspace, int(architecture_id), rows[chosen])
        for row, flat in zip(chosen, flats, strict=True):
            networks[int(row)] = Network(
                netspace.architectures[architecture_id], netspace.behaviour, jnp.asarray(flat), jnp.asarray(rows[row])
            )
    return [networks[row] for row in range(len(rows))]


@jax.jit
def _apply(architecture: Architecture, flat: Float[Array, "size"], inputs: Shaped[Array, "n *input"]):
    return architecture.apply(flat, inputs)
