"""A trained population: parameters, what was measured, and files."""

import dataclasses
import functools
import json
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath
from jaxtyping import Array, Bool, Float, Int, PyTree, Shaped
from safetensors.numpy import save

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.files import csv_text, location, new_directory, write_bytes, write_text
from netspace_jax.ops.mapping import batched, in_pieces


@dataclasses.dataclass(frozen=True, eq=False)
class Population:
    """Networks of one module that trained, row for row.

    Attributes:
      architecture: what they are; `architecture.apply(flat, x)` runs one.
      parameters: flat, in forward order and PyTorch's layouts; batch norms are folded.
      seeds: from which each network's initialisation and batches were drawn.
      hyperparameters: of each network, by name.
      losses: of the last batch.
      scores: on the inputs that were held out, or on the training inputs where none were.
      classes: what outputs stand for, where labels were texts.
    """

    architecture: Architecture
    parameters: Float[np.ndarray, "network size"]
    seeds: Int[np.ndarray, "network"]
    hyperparameters: dict[str, Float[np.ndarray, "network"]]
    losses: Float[np.ndarray, "network"]
    scores: Float[np.ndarray, "network"]
    finite: Bool[np.ndarray, "network"]
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.parameters)

    def __iter__(self) -> Iterator[tuple[str, Float[np.ndarray, "size"]]]:
        """Each network's name, which says what is its own, and its parameters: what `netspace_jax.import_zoo` takes."""
        for network, flat in enumerate(self.parameters):
            values = [f"{name} {column[network]:.4g}" for name, column in self.hyperparameters.items()]
            yield ", ".join([f"network {network}", f"seed {self.seeds[network]}", *values]), flat

    @property
    def best(self) -> int:
        """The finite network of the highest score."""
        return int(np.argmax(np.where(self.finite & np.isfinite(self.scores), self.scores, -np.inf)))

    def params(self, network: int) -> PyTree:
        """One network's parameters as Flax has them."""
        return unflatten(self.architecture.spec, jnp.asarray(self.parameters[network]))

    def __call__(self, inputs: Shaped[Array | np.ndarray, "n *input"]) -> Float[np.ndarray, "network n ..."]:
        """Outputs of each network for the same inputs."""
        prepared = jnp.asarray(inputs, self.architecture.input_dtype)
        return np.asarray(_outputs(self.parameters, self.architecture, prepared))

    def save(self, folder: epath.PathLike) -> epath.Path:
        """Write `networks.safetensors`, each parameter a tensor [network, …], and `networks.csv`, a row for each.

        The tensors are called by the Flax path, joined by dots, and have Flax's layouts.

        Raises:
          InputError: the folder is in use.
        """
        spec = self.architecture.spec
        stacked = jax.vmap(lambda flat: unflatten(spec, flat))(jnp.asarray(self.parameters))
        tensors = {
            ".".join(key.key for key in path): np.asarray(leaf)
            for path, leaf in jax.tree_util.tree_leaves_with_path(stacked)
        }
        columns = {
            "network": np.arange(len(self)),
            "seed": self.seeds,
            **self.hyperparameters,
            "loss": self.losses,
            "score": self.scores,
            "finite": self.finite,
        }
        order = json.dumps([".".join(leaf.path) for leaf in spec.leaves])
        with new_directory(folder) as place:
            write_bytes(place / "networks.safetensors", save(tensors, metadata={"forward_order": order}))
            write_text(place / "networks.csv", csv_text({name: values.tolist() for name, values in columns.items()}))
        return location(folder)

    def __repr__(self) -> str:
        return f"Population({len(self)} × {self.architecture.name}, {self.architecture.size} parameters each)"


@functools.partial(batched, together=False)
def _outputs(flat: Float[Array, "size"], architecture: Architecture, inputs: Shaped[Array, "n *input"]):
    return in_pieces(architecture.bind(flat), inputs)
