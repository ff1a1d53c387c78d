"""A finished run as one value: what a report is about."""

import dataclasses
from typing import Generic, TypeVar

from etils import epath

from netspace_jax.config import RunConfig
from netspace_jax.metrics.reconstruction import Reconstruction, reconstruct
from netspace_jax.space import Space
from netspace_jax.space.loop import training_networks
from netspace_jax.task import Dataset, Split
from netspace_jax.zoo import Networks, Zoo

Data = TypeVar("Data", bound=Dataset)


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
    _networks: dict[tuple[int, Split], Networks] = dataclasses.field(default_factory=dict)
    _reconstructions: dict[tuple[int, Split], Reconstruction] = dataclasses.field(default_factory=dict)

    @property
    def metric(self) -> str:
        """Name of what scores measure, such as `accuracy`."""
        return self.dataset.task.metric

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
