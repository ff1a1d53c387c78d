"""A finished run as one value: what a report is about."""

import dataclasses
import time
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from etils import epath
from jaxtyping import Array, Float, Shaped

from netspace_jax.behaviour import Dataset, ImitationInputs, Metric, Split, one_task
from netspace_jax.config import RunConfig
from netspace_jax.fit import training_networks
from netspace_jax.metrics.reconstruction import Reconstruction, decode_and_compare, reconstruct
from netspace_jax.space import Space
from netspace_jax.space.refinement import refine
from netspace_jax.zoo import Networks, Zoo

Data = TypeVar("Data", bound=Dataset)

_POINTS = 24576  # training inputs of one network that refinement draws from, where each network has its own


class Refined(NamedTuple):
    """Test members whose embeddings were refined, and the seconds that it took."""

    found: Reconstruction
    seconds: float


@dataclasses.dataclass(frozen=True, eq=False)
class Run(Generic[Data]):
    """A finished run: a space with the zoo and the data that it was trained on. Results are computed once and kept.

    Attributes:
      path: directory of the run.
      step: training step of the checkpoint that became the space.
    """

    config: RunConfig
    path: epath.Path
    zoo: Zoo
    dataset: Data
    space: Space
    step: int
    _networks: dict[tuple[int, Split], Networks] = dataclasses.field(init=False, default_factory=dict)
    _reconstructions: dict[tuple[int, Split], Reconstruction] = dataclasses.field(init=False, default_factory=dict)
    _refined: dict[int, Refined] = dataclasses.field(init=False, default_factory=dict)

    @property
    def metric(self) -> Metric:
        """The score of its networks, such as accuracy."""
        return self.dataset.behaviour.metric

    @property
    def trained_ids(self) -> tuple[int, ...]:
        """Ids of the architectures whose networks trained the space."""
        return self.config.netspace.trains_on(self.config.zoo.architectures)

    def networks(self, architecture_id: int, split: Split) -> Networks:
        """Members of one architecture and split; of the training split only those that trained the space."""
        key = (architecture_id, split)
        if key not in self._networks:
            name = self.space.names[architecture_id]
            if split == "train" and architecture_id in self.trained_ids:
                self._networks[key] = training_networks(self.config.netspace, self.zoo, name)
            else:
                self._networks[key] = self.zoo.networks(name, split)
        return self._networks[key]

    def reconstruction(self, architecture_id: int, split: Split) -> Reconstruction:
        """Members of one architecture and split beside the networks generated from them, compared on test inputs."""
        key = (architecture_id, split)
        if key not in self._reconstructions:
            networks = self.networks(architecture_id, split)
            self._reconstructions[key] = reconstruct(self.space, self.dataset, networks, architecture_id)
        return self._reconstructions[key]

    def refined(self, architecture_id: int) -> Reconstruction:
        """Test members beside the networks generated from their refined embeddings, compared on test inputs."""
        if architecture_id not in self._refined:
            networks, started = self.networks(architecture_id, "test"), time.perf_counter()
            z = self.reconstruction(architecture_id, "test").embedding
            if self.config.refine.steps:
                z = self._refine(networks, z, architecture_id)
            seconds = time.perf_counter() - started
            found = decode_and_compare(self.space, self.dataset, networks, z, architecture_id=architecture_id)
            self._refined[architecture_id] = Refined(found, seconds)
        return self._refined[architecture_id].found

    @property
    def refine_seconds(self) -> float:
        """Seconds of refinement for each network of all that were refined so far, compilation included."""
        seconds = sum(refined.seconds for refined in self._refined.values())
        return seconds / max(sum(len(refined.found.score) for refined in self._refined.values()), 1)

    def _refine(
        self, networks: Networks, z: Float[np.ndarray, "network embedding"], architecture_id: int
    ) -> Float[Array, "network embedding"]:
        config = self.config.refine
        if one_task(self.dataset):
            return self.refine_shared(networks.parameters, z, architecture_id)
        own = [self.dataset.of(int(index)) for index in networks.indices]
        inputs = np.stack([np.asarray(_imitation_inputs(data, config.seed)) for data in own])
        held_out = None
        if config.judged_on == "validation":
            held_out = np.stack([np.asarray(data.examples("validation").inputs) for data in own])
        return refine(
            self.space, architecture_id, networks.parameters, z, inputs=inputs, held_out=held_out, config=config
        )

    def refine_shared(
        self, flats: Float[np.ndarray, "network size"], z: Float[np.ndarray, "network embedding"], architecture_id: int
    ) -> Float[Array, "network embedding"]:
        """Refined embeddings of any networks that see the data which all share, of the zoo or not."""
        config = self.config.refine
        inputs = self.dataset.examples("train").inputs
        held_out = None if config.judged_on == "train" else self.dataset.examples("validation").inputs
        return refine(self.space, architecture_id, flats, z, inputs=inputs, held_out=held_out, config=config)


def _imitation_inputs(data: Dataset, seed: int) -> Shaped[Array, "n *input"]:
    """Inputs of ONE network that its refinement draws from."""
    if isinstance(data, ImitationInputs):
        return data.imitation_inputs(_POINTS, seed)
    inputs = data.examples("train").inputs
    return inputs[np.random.default_rng(seed).permutation(len(inputs))[:_POINTS]]
