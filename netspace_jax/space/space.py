"""A trained NetSpace as a library uses it: networks in, embeddings, networks out.

    import netspace_jax
    space = netspace_jax.load("runs/digits")
    z = space.encode(params)
    network = space.decode(z)
    logits = network(images)
"""

import dataclasses
import functools
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.architectures import parameters as prep
from netspace_jax.config import SearchConfig
from netspace_jax.errors import InputError
from netspace_jax.latent import search as latent
from netspace_jax.latent.objectives import Goal, Labels, within_budget
from netspace_jax.runs import pipeline
from netspace_jax.runs.pipeline import Trained
from netspace_jax.space.behaviour import embed, generate, predicted_kinds


@functools.partial(jax.jit, static_argnames="architecture")
def _apply(architecture: Architecture, flat, inputs):
    return architecture.apply(flat, inputs)


@dataclasses.dataclass(frozen=True)
class Network:
    """One network that came out of the space, ready to use.

    Attributes:
      architecture: what it is; where nobody asked for one, what the head reads in the embedding.
      flat: its parameters as one vector, in the order and layouts of `architecture.spec`.
      embedding: where in the space it was.
    """

    architecture: Architecture
    flat: Float[Array, "size"]
    embedding: Float[Array, "embedding"]

    @property
    def params(self) -> PyTree:
        """Its parameters as Flax has them, for `architecture.module.apply({"params": …}, x)`."""
        return prep.unflatten(self.architecture.spec, self.flat)

    def __call__(self, inputs: Float[Any, "n *input"]) -> Float[Array, "n outputs"]:
        """Outputs for inputs that are normalised as in training: `space.trained.task.examples` has such."""
        return _apply(self.architecture, self.flat, jnp.asarray(inputs))


@dataclasses.dataclass(frozen=True)
class Space:
    """A trained NetSpace; `trained` has everything below this surface."""

    trained: Trained

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the architectures, in the order that they have in the space."""
        return tuple(a.name for a in self.trained.netspace.architectures)

    def kind(self, architecture: str | None) -> int:
        """Position of an architecture; with only one, it need not be named.

        Raises:
          InputError: the space has no such architecture, or has several and none was named.
        """
        if architecture is None and len(self.architectures) == 1:
            return 0
        if architecture not in self.architectures:
            raise InputError(f"{'no architecture' if architecture is None else repr(architecture)} was named: this space has "
                             f"{', '.join(self.architectures)}")
        return self.architectures.index(architecture)

    def encode(self, params: PyTree | Float[Any, "size"], architecture: str | None = None) -> Float[Array, "embedding"]:
        """Embedding of a network (reference, section Autoencoder).

        Args:
          params: its parameters as a Flax pytree, or as one vector; batch norms folded.
          architecture: its architecture; needed where the space has several.

        Raises:
          InputError: the architecture is not in this space, or values are not finite.
          ValueError: the parameters are not those of the architecture; the message names both sizes.
        """
        trained, kind = self.trained, self.kind(architecture)
        spec = trained.netspace.architectures[kind].spec
        flat = jnp.asarray(params) if hasattr(params, "shape") else prep.flatten(spec, params)
        if flat.shape != (spec.size,):
            raise ValueError(f"{self.architectures[kind]} has {spec.size} parameters; these have shape {flat.shape}")
        if not np.isfinite(flat).all():
            raise InputError(f"parameter {int(np.argmin(np.isfinite(flat)))} of the network is not finite")
        return jnp.asarray(embed(trained.netspace, trained.params, trained.constants, trained.task, flat[None], kind)[0])

    def decode(self, z: Float[Any, "embedding"], architecture: str | None = None) -> Network:
        """The network that an embedding stands for.

        Args:
          architecture: what to read it as; None for what the head predicts.

        Raises:
          InputError: the architecture is not in this space, or the embedding has another size or is not finite.
        """
        z = jnp.asarray(z)
        size = self.trained.config.netspace.embedding
        if z.shape != (size,):
            raise InputError(f"an embedding of this space has shape ({size},), not {z.shape}")
        if not np.isfinite(z).all():
            raise InputError("the embedding holds values that are not finite")
        return self._decode_all(z[None], architecture)[0]

    def predict(self, z: Float[Any, "embedding"]) -> int:
        """Position of the architecture that the head reads in an embedding; 0 where there is one."""
        return int(predicted_kinds(self.trained.netspace, self.trained.params, jnp.asarray(z)[None])[0])

    def interpolate(self, a: Float[Any, "embedding"], b: Float[Any, "embedding"], steps: int = 100,
                    architecture: str | None = None) -> list[Network]:
        """Networks on the straight line between two embeddings, both ends included."""
        return self._decode_all(latent.line(jnp.asarray(a), jnp.asarray(b), steps), architecture)

    def embeddings(self, split: str = "train") -> dict[str, Float[np.ndarray, "network embedding"]]:
        """Embeddings of the zoo's members of one split, by architecture, of those whose networks NetSpace was shown."""
        trained = self.trained
        return {self.architectures[kind]: embed(trained.netspace, trained.params, trained.constants, trained.task,
                                                trained.networks(kind, split).parameters, kind)
                for kind in pipeline.shown_kinds(trained.config)}

    def region(self) -> latent.Region:
        """Where embeddings of training networks lie."""
        return latent.region_of(np.concatenate(list(self.embeddings().values())))

    def search(self, goal: Goal | None = None, starts: Float[Any, "start embedding"] | int = 8, architecture: str | None = None,
               budget: int | None = None, config: SearchConfig = SearchConfig()) -> Network:
        """The best network that a search finds from many embeddings at once, the decoder frozen (reference, Latent space optimisation).

        Args:
          goal: what is wanted; None for a high accuracy by the labels.
          starts: embeddings to begin at, or a number of them to draw around the centre of real ones.
          architecture: what the network has to be; None for the only one, or for whichever within `budget` comes out best.
          budget: most parameters that the network may have.

        Raises:
          InputError: no architecture is within the budget, or the architecture is not in this space.
        """
        trained = self.trained
        goal = Labels(trained.task) if goal is None else goal
        kinds = (self.kind(architecture),) if architecture is not None else tuple(range(len(self.architectures)))
        if budget is not None:
            sizes = {a.name: a.size for a in trained.netspace.architectures}
            kinds = tuple(kind for kind in kinds if kind in within_budget(trained.netspace.architectures, budget))
            if not kinds:
                raise InputError(f"no architecture has at most {budget} parameters: {sizes}")
        region = self.region()
        if isinstance(starts, int):
            noise = jax.random.normal(jax.random.key(config.seed), (starts, trained.config.netspace.embedding))
            starts = region.restore(noise)
        best, merit = None, -np.inf
        for kind in kinds:
            found = latent.search(trained.netspace, trained.params, trained.constants, region, goal, jnp.asarray(starts), kind, config)
            winner = int(jnp.argmax(found.merit))
            if best is None or float(found.merit[winner]) > merit:
                best, merit = (found.z[winner], self.architectures[kind]), float(found.merit[winner])
        return self.decode(*best)

    def sample(self, count: int, seed: int = 0, architecture: str | None = None) -> list[Network]:
        """Networks drawn from a Gaussian mixture over the embeddings of training networks.

        Args:
          architecture: draw from the embeddings of this one alone, and read all draws as it.
        """
        embeddings = self.embeddings()
        chosen = embeddings if architecture is None else {architecture: embeddings[self.architectures[self.kind(architecture)]]}
        density = latent.fit_mixture(np.concatenate(list(chosen.values())))
        return self._decode_all(latent.sample(density, seed, count), architecture)

    def _decode_all(self, z: Float[Array, "network embedding"], architecture: str | None) -> list[Network]:
        """As `decode`, for many embeddings: those that are read as one architecture together."""
        trained = self.trained
        kinds = (predicted_kinds(trained.netspace, trained.params, z) if architecture is None
                 else np.full(len(z), self.kind(architecture)))
        networks: dict[int, Network] = {}
        for kind in np.unique(kinds):
            rows = np.flatnonzero(kinds == kind)
            flats = generate(trained.netspace, trained.params, trained.constants, np.asarray(z)[rows], int(kind))
            networks |= {int(row): Network(trained.netspace.architectures[kind], jnp.asarray(flat), z[row])
                         for row, flat in zip(rows, flats, strict=True)}
        return [networks[row] for row in range(len(z))]


def load(run: str | os.PathLike, zoos: str | os.PathLike = "zoos") -> Space:
    """The space of a finished run.

    Args:
      run: directory of the run, as `runs/digits`.
      zoos: directory under which its zoo lies.

    Raises:
      InputError: run or zoo is missing or cannot be read.
    """
    return Space(pipeline.load_run(run, zoos))
