"""A space: a trained NetSpace as one value, which encodes networks to embeddings and decodes embeddings to networks."""

import functools
import warnings
from typing import Any

import flax.struct
import jax.numpy as jnp
import numpy as np
from etils import epath
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from netspace_jax import latent
from netspace_jax.behaviour import prepared
from netspace_jax.config import RefineConfig, SearchConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.space import artefact, batched, search
from netspace_jax.space.adaptation import Calibration
from netspace_jax.space.adapted import Adapted, adapt_to, examples_as_pairs, inputs_as_pairs
from netspace_jax.space.given import finite_embeddings, flats_of, is_single, reading_inputs
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.network import Network, decoded
from netspace_jax.space.refinement import refine, refine_config

_FAR = 2.0  # times the distance of the outermost training network, from which on an embedding is far


@flax.struct.dataclass
class Space(NetSpace):
    """A trained NetSpace, and the embeddings of the networks that trained it.

    Attributes:
      embeddings: by name of the architecture, embeddings of the networks that trained the space.
      calibration: how well a number of examples finds a network; None where the encoder reads no tasks.
    """

    embeddings: dict[str, Float[Array, "network embedding"]]
    calibration: Calibration | None = None

    def __repr__(self) -> str:
        known = ", ".join(f"{len(z)} {name}s" for name, z in self.embeddings.items())
        return (
            f"Space({self.behaviour.name}, embeddings of {self.embedding_size} values, architectures "
            f"{', '.join(self.names)}, trained on {known or 'nothing yet'})"
        )

    def encode(
        self,
        networks: Any,
        architecture: str | None = None,
        *,
        refine_steps: int = 0,
        inputs: Shaped[Any, "n *input"] | None = None,
        held_out: Shaped[Any, "m *input"] | None = None,
        config: RefineConfig = RefineConfig(),
    ) -> Float[Array, "*networks embedding"]:
        """Embedding of a network, or embeddings of many, one row for each.

        Args:
          networks: one network, as a `Network`, a Flax pytree, a flat vector, a PyTorch state_dict or a file's path
            (`netspace_jax.exchange.load_network`); or many of one architecture, as a list of these or as an array of
            flat vectors, of shape (networks, size). Batch norms are folded.
          architecture: name of the architecture; needed where the space has several, unless a `Network` is given.
          refine_steps: gradient steps on the embedding, with the decoder frozen, that make the decoded network imitate
            the given one better (docs/method.md, eq. 23).
          inputs: inputs on which a `set` encoder reads the networks, and on which refinement compares them; by default
            the probe inputs. Networks that have each inputs of their own are not read without.
          held_out: inputs that its steps do not see, on which it is judged how far the embedding moves; by default it
            moves all the way, or not at all where that is no better on `inputs`.
          config: how embeddings are refined; `refine_steps` replaces its number of steps, `held_out` its `judged_on`.

        Raises:
          InputError: the architecture is not in this space; the parameters do not fit it, are not finite, or so large
            that an embedding is not; `refine_steps` or `config` break a rule of `RefineConfig`; inputs are none, of
            another shape, or not finite.

        Warns:
          UserWarning: an embedding lies far from those of all training networks.
        """
        architecture_id, flats = flats_of(self, networks, architecture)
        config = refine_config(config, refine_steps)
        data = reading_inputs(self, inputs)
        judge = None if held_out is None else prepared(self.behaviour, held_out, "held_out")
        z = finite_embeddings(self, architecture_id, flats, data)
        self._warn_of_far(z)
        if config.steps:
            z = refine(self, architecture_id, flats, z, inputs=data, held_out=judge, config=config)
        return z[0] if is_single(networks) else z

    def _warn_of_far(self, z: Float[Array, "network embedding"]) -> None:
        """Warn of networks unlike those that trained the space: of another task, say, or not trained at all."""
        known = max((float(self.distance(own).max()) for own in self.embeddings.values()), default=float("inf"))
        farthest = float(self.distance(z).max())
        if farthest > _FAR * known:
            warnings.warn(
                f"an embedding lies {farthest:.3g} standard deviations from the centre of those of training networks, "
                f"none of which lies farther than {known:.3g}: the space cannot stand for such a network",
                stacklevel=3,
            )

    def adapt(self, inputs: Shaped[Any, "n *input"], targets: Any = None, architecture: str | None = None) -> Adapted:
        """The network of a new task from a handful of examples of it, without a gradient step (docs/adaptation.md).

        Args:
          inputs: inputs of the task, as networks of the space take them.
          targets: the true answer to each: a class, a value, a row of values. Without any, networks that know most of
            the inputs answer them: of classes, where tasks differ in what inputs look like. Then no warning
            can tell a task that is unlike all others.
          architecture: name of the network's architecture; needed where the space has several.

        Raises:
          InputError: the space's encoder reads networks alone; there are no examples; they are of another shape, not
            finite, of a class that there is not, or contradict each other.

        Warns:
          UserWarning: the task is unlike all that the space has learned.
        """
        if self.calibration is None:
            raise InputError(
                "the encoder of this space reads networks alone: train a space with --netspace.encoder set, which "
                "reads examples of a task as well"
            )
        architecture_id = self.id_of(architecture)
        if targets is None:
            known = self._embeddings_of(self.names[architecture_id])
            pairs = inputs_as_pairs(self, known, inputs, architecture_id)
        else:
            pairs = examples_as_pairs(self, inputs, targets)
        return adapt_to(self, self.calibration, pairs, architecture_id)

    def decode(self, z: Float[Any, "*networks embedding"], architecture: str | None = None) -> Network | list[Network]:
        """The network that an embedding stands for; of several embeddings, as rows, the list of their networks.

        Args:
          architecture: name of the architecture to decode to; None for the one that the head reads in each embedding.

        Raises:
          InputError: the architecture is not in this space, or embeddings have another size or are not finite.
        """
        z = jnp.asarray(z)
        if z.ndim not in (1, 2) or z.shape[-1] != self.embedding_size:
            raise InputError(f"an embedding of this space has shape ({self.embedding_size},), not {z.shape}")
        if not len(z):
            raise InputError("no embeddings were given: there is nothing to decode")
        if not np.isfinite(z).all():
            raise InputError("the embedding holds values that are not finite")
        return decoded(self, z[None], architecture)[0] if z.ndim == 1 else decoded(self, z, architecture)

    def read(self, z: Float[Any, "embedding"]) -> str:
        """Name of the architecture that the head reads in an embedding."""
        return self.names[int(batched.classify_many(self, np.asarray(z)[None])[0])]

    def interpolate(
        self, a: Float[Any, "embedding"], b: Float[Any, "embedding"], steps: int = 100, architecture: str | None = None
    ) -> list[Network]:
        """Networks on the straight line between two embeddings, both ends included."""
        return decoded(self, jnp.asarray(latent.line(jnp.asarray(a), jnp.asarray(b), steps)), architecture)

    @functools.cached_property
    def statistics(self) -> latent.EmbeddingStatistics:
        """Mean and standard deviation of the embeddings of training networks."""
        return latent.independent_statistics(self._embeddings_of(None))

    def distance(self, z: Float[Any, "*networks embedding"]) -> Float[Array, "*networks"]:
        """How far embeddings lie from the centre of those of training networks, in their standard deviations.

        The root mean square over its values: about 1 for networks like those, much more for any that it cannot hold.
        """
        return jnp.sqrt(jnp.square(self.statistics.standardise(jnp.asarray(z))).mean(-1))

    def density(self, architecture: str | None = None) -> latent.Density:
        """A Gaussian mixture over the embeddings of training networks, of one architecture or of all (eq. 26).

        Fitted once; its `sample(key, count)` may be jitted.

        Raises:
          InputError: the space was not trained on networks of this architecture.
        """
        if architecture not in self._densities:
            self._densities[architecture] = latent.fit_mixture(self._embeddings_of(architecture))
        return self._densities[architecture]

    @functools.cached_property
    def _densities(self) -> dict[str | None, latent.Density]:
        return {}

    def _embeddings_of(self, architecture: str | None) -> Float[np.ndarray, "network embedding"]:
        """Embeddings of the training networks of one architecture, or of all."""
        if architecture is None:
            return np.concatenate([np.asarray(z) for z in self.embeddings.values()])
        if self.names[self.id_of(architecture)] not in self.embeddings:
            raise InputError(f"no {architecture} trained this space, so there is nothing to draw from")
        return np.asarray(self.embeddings[architecture])

    def sample(self, count: int, seed: PRNGKeyArray | int = 0, architecture: str | None = None) -> list[Network]:
        """Networks drawn from a Gaussian mixture over the embeddings of training networks (docs/method.md, eq. 26).

        Args:
          count: number of networks; they come in random order, so that any of them are draws too.
          seed: seed or random key of the draws.
          architecture: name of an architecture, to draw from its embeddings alone and decode every draw to it; None to
            draw from all embeddings and decode each draw to the architecture that the head reads in it.

        Raises:
          InputError: the space was not trained on networks of this architecture.
        """
        z = self.density(architecture).sample(key_of(seed, Purpose.SAMPLE), count)
        return decoded(self, z, architecture)

    def search(
        self,
        objective: latent.Objective | tuple[Any, Any],
        starts: Float[Any, "start embedding"] | int = 8,
        *,
        architecture: str | None = None,
        budget: int | None = None,
        config: SearchConfig = SearchConfig(),
    ) -> Network:
        """The best network found by gradient search from several embeddings (docs/method.md, eq. 24).

        Args:
          objective: the search objective; or inputs and their true targets, such as (images, labels), to do well on.
          starts: embeddings at which searches begin, or how many of them to draw around the mean of the embeddings of
            training networks.
          architecture: name of the network's architecture; None for whichever within `budget` scores best.
          budget: maximum number of parameters.
          config: how embeddings are searched.

        Raises:
          InputError: no architecture is within the budget, or the architecture is not in this space.
        """
        if isinstance(objective, tuple):
            objective = latent.fit_objective(self.behaviour, *objective)
        ids = (self.id_of(architecture),) if architecture is not None else tuple(range(len(self.names)))
        within = tuple(i for i in ids if budget is None or self.architectures[i].size <= budget)
        if not within:
            sizes = {self.names[i]: self.architectures[i].size for i in ids}
            raise InputError(f"no architecture has at most {budget} parameters: {sizes}")
        if isinstance(starts, int):
            starts = self.statistics.sample(key_of(config.seed, Purpose.SEARCH), starts)
        shared = (self, self.statistics, objective, jnp.asarray(starts))
        found = {i: search.search(*shared, architecture_id=i, config=config) for i in within}
        best = max(found, key=lambda architecture_id: float(found[architecture_id].score.max()))
        z = found[best].point[jnp.argmax(found[best].score)]
        return decoded(self, z[None], self.names[best])[0]

    def save(self, folder: epath.PathLike) -> None:
        """Write the space into a folder, from which `load` reads it without the zoo and the data it was trained on."""
        artefact.save(self, self.embeddings, self.calibration, folder)
