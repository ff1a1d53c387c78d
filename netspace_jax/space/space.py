"""A space: a trained NetSpace as one value. Networks in, embeddings, networks out.

import netspace_jax
space = netspace_jax.load("runs/digits")
z = space.encode(params)
network = space.decode(z)
logits = network(images)
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from etils import epath
from jaxtyping import Array, Float, Shaped

from netspace_jax import latent
from netspace_jax.architectures import Architecture
from netspace_jax.config import SearchConfig
from netspace_jax.errors import InputError
from netspace_jax.exchange import load_network
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.space import artefact, many, search
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.space.network import Network
from netspace_jax.space.refinement import RefineConfig, refine


@flax.struct.dataclass
class Space(NetSpace):
    """A trained NetSpace, and the embeddings of the networks that trained it.

    Attributes:
      embeddings: by architecture, of the zoo's members that trained the space.
    """

    embeddings: dict[str, Float[Array, "network embedding"]]

    @property
    def embedding_size(self) -> int:
        """Values of an embedding."""
        return self.encoder.embedding

    def __repr__(self) -> str:
        known = ", ".join(f"{len(z)} {name}s" for name, z in self.embeddings.items())
        return (
            f"Space({self.task.name}, embeddings of {self.embedding_size} values, architectures {', '.join(self.names)}, "
            f"trained on {known or 'nothing yet'})"
        )

    def id_of(self, architecture: str | None) -> int:
        """Id of an architecture; with only one, it need not be named.

        Raises:
          InputError: the space has no such architecture, or has several and none was named.
        """
        if architecture is None and len(self.names) == 1:
            return 0
        if architecture not in self.names:
            named = "no architecture" if architecture is None else repr(architecture)
            raise InputError(f"{named} was named: this space has {', '.join(self.names)}")
        return self.names.index(architecture)

    def encode(
        self,
        networks: Any,
        architecture: str | None = None,
        *,
        refine_steps: int = 0,
        inputs: Shaped[Any, "n *input"] | None = None,
        config: RefineConfig = RefineConfig(),
    ) -> Float[Array, "*networks embedding"]:
        """Embedding of a network, or of many.

        Args:
          networks: one network, as a `Network`, a Flax pytree, a flat vector, a PyTorch state_dict or the path of a file
            (`netspace_jax.exchange.load_network`); or many of one architecture, as a list of such or as flat vectors of
            shape (networks, size). Batch norms are folded.
          architecture: its architecture; needed where the space has several, unless a `Network` is given.
          refine_steps: gradient steps on the embedding, decoder frozen, after which the decoded network imitates the
            given one better (docs/method.md, eq. 23).
          inputs: what refinement compares the two on; by default the probes.

        Raises:
          InputError: the architecture is not in this space, or the parameters are not its, or are not finite.
        """
        single = not isinstance(networks, list | tuple) and np.ndim(getattr(networks, "shape", ()) and networks) != 2
        given = [networks] if single else list(networks)
        if architecture is None and all(isinstance(network, Network) for network in given) and given:
            architecture = given[0].architecture.name
        which = self.id_of(architecture)
        built = self.architectures[which]
        flats = np.stack([_flat_of(network, built) for network in given])
        z = jnp.asarray(many.embed_many(self, which, flats))
        if refine_steps:
            data = self.constants.probes if inputs is None else self.task.prepare(inputs)
            z = jnp.asarray(refine(self, which, flats, z, data, config.with_steps(refine_steps)))
        return z[0] if single else z

    def decode(self, z: Float[Any, "*networks embedding"], architecture: str | None = None) -> Network | list[Network]:
        """The network that an embedding stands for, or a list of them for many.

        Args:
          architecture: what to read embeddings as; None for what the head reads in each.

        Raises:
          InputError: the architecture is not in this space, or embeddings have another size or are not finite.
        """
        z = jnp.asarray(z)
        if z.ndim not in (1, 2) or z.shape[-1] != self.embedding_size:
            raise InputError(f"an embedding of this space has shape ({self.embedding_size},), not {z.shape}")
        if not np.isfinite(z).all():
            raise InputError("the embedding holds values that are not finite")
        rows = np.atleast_2d(z)
        ids = many.classify_many(self, rows) if architecture is None else np.full(len(rows), self.id_of(architecture))
        networks: dict[int, Network] = {}
        for which in np.unique(ids):
            own = np.flatnonzero(ids == which)
            flats = many.generate_many(self, int(which), rows[own])
            for row, flat in zip(own, flats, strict=True):
                networks[int(row)] = Network(
                    self.architectures[which], self.task, jnp.asarray(flat), jnp.asarray(rows[row])
                )
        return networks[0] if z.ndim == 1 else [networks[row] for row in range(len(rows))]

    def read(self, z: Float[Any, "embedding"]) -> str:
        """Name of the architecture that the head reads in an embedding."""
        return self.names[int(many.classify_many(self, np.asarray(z)[None])[0])]

    def interpolate(
        self, a: Float[Any, "embedding"], b: Float[Any, "embedding"], steps: int = 100, architecture: str | None = None
    ) -> list[Network]:
        """Networks on the straight line between two embeddings, both ends included."""
        return self.decode(latent.line(jnp.asarray(a), jnp.asarray(b), steps), architecture)

    def region(self) -> latent.Region:
        """Where embeddings of training networks lie."""
        return latent.region_of(np.concatenate([np.asarray(z) for z in self.embeddings.values()]))

    def sample(self, count: int, seed: int = 0, architecture: str | None = None) -> list[Network]:
        """Networks drawn from a Gaussian mixture over the embeddings of training networks (docs/method.md, eq. 26).

        Args:
          architecture: draw from the embeddings of this one alone, and read all draws as it.

        Raises:
          InputError: the space was not trained on networks of this architecture.
        """
        chosen = list(self.embeddings.values())
        if architecture is not None:
            if self.names[self.id_of(architecture)] not in self.embeddings:
                raise InputError(f"no {architecture} trained this space, so there is nothing to draw from")
            chosen = [self.embeddings[architecture]]
        density = latent.fit_mixture(np.concatenate([np.asarray(z) for z in chosen]))
        return self.decode(latent.draw(density, seed, count), architecture)

    def search(
        self,
        objective: latent.Objective | tuple[Any, Any],
        starts: Float[Any, "start embedding"] | int = 8,
        *,
        architecture: str | None = None,
        budget: int | None = None,
        config: SearchConfig = SearchConfig(),
    ) -> Network:
        """The best network that a search finds from many embeddings at once, the decoder frozen (docs/method.md, eq. 24).

        Args:
          objective: what is wanted; or inputs and what is true of them, as (images, labels), to do well on.
          starts: embeddings to begin at, or a number of them to draw around the centre of real ones.
          architecture: what the network has to be; None for the only one, or for whichever within `budget` comes out best.
          budget: most parameters that the network may have.

        Raises:
          InputError: no architecture is within the budget, or the architecture is not in this space.
        """
        if isinstance(objective, tuple):
            objective = latent.fit_arrays(self.task, *objective)
        ids = (self.id_of(architecture),) if architecture is not None else tuple(range(len(self.names)))
        within = tuple(i for i in ids if budget is None or self.architectures[i].size <= budget)
        if not within:
            sizes = {self.names[i]: self.architectures[i].size for i in ids}
            raise InputError(f"no architecture has at most {budget} parameters: {sizes}")
        if isinstance(starts, int):
            noise = jax.random.normal(key_of(config.seed, Purpose.SEARCH), (starts, self.embedding_size))
            starts = self.region().restore(noise)
        best: tuple[float, Any, int] | None = None
        for which in within:
            found = search.search(
                self, self.region(), objective, jnp.asarray(starts), architecture_id=which, config=config
            )
            winner = int(jnp.argmax(found.score))
            if best is None or float(found.score[winner]) > best[0]:
                best = (float(found.score[winner]), found.z[winner], which)
        return self.decode(best[1], self.names[best[2]])

    def save(self, folder: epath.PathLike) -> None:
        """Write the space into a folder, whole: it needs neither its zoo nor its data to be loaded."""
        artefact.save(self, self.embeddings, folder)


def load(folder: epath.PathLike) -> Space:
    """The space in a folder that `Space.save` wrote.

    Raises:
      InputError: there is none, it is damaged or of another format, or an architecture of its is not registered here.
    """
    description, tree = artefact.read(folder)
    architectures = artefact.architectures_of(description, folder)
    encoder, decoder, head = (artefact.module_of(description, part, folder) for part in ("encoder", "decoder", "head"))
    return Space(
        architectures=architectures,
        prep=tuple(description["prep"]),
        encoder=encoder,
        decoder=decoder,
        head=head,
        task=artefact.task_of(description, folder),
        params=tree["params"],
        constants=Constants(**tree["constants"]),
        embeddings=tree.get("embeddings", {}),
    )


def _flat_of(network: Any, architecture: Architecture) -> Float[np.ndarray, "size"]:
    if isinstance(network, Network):
        if network.architecture.name != architecture.name:
            raise InputError(f"a {network.architecture.name} among networks that are encoded as {architecture.name}")
        return np.asarray(network.flat)
    return load_network(network, architecture)
