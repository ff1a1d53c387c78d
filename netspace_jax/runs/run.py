"""A finished run as one value: what a report is about."""

import dataclasses

from etils import epath

from netspace_jax.config import RunConfig
from netspace_jax.metrics.reconstruction import Reconstruction, reconstruct
from netspace_jax.space import Space
from netspace_jax.space.loop import training_networks
from netspace_jax.task import Dataset, Split
from netspace_jax.zoo import Networks, Zoo


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """A space with the zoo and the data that it came from. What was computed of it once is kept with it.

    Attributes:
      path: directory of the run.
      step: of the checkpoint that the space is.
    """

    config: RunConfig
    path: epath.Path
    zoo: Zoo
    dataset: Dataset
    space: Space
    step: int
    _networks: dict[tuple[int, str], Networks] = dataclasses.field(default_factory=dict)
    _reconstructions: dict[tuple[int, str], Reconstruction] = dataclasses.field(default_factory=dict)

    @property
    def metric(self) -> str:
        """What scores measure."""
        return self.dataset.task.metric

    @property
    def trained_ids(self) -> tuple[int, ...]:
        """Ids of the architectures whose networks trained the space."""
        return self.config.netspace.trains_on(self.config.zoo.architectures)

    def networks(self, architecture_id: int, split: str) -> Networks:
        """Members of one architecture and split; of the training split those that trained the space."""
        key = (architecture_id, split)
        if key not in self._networks:
            name = self.space.names[architecture_id]
            if split == "train" and architecture_id in self.trained_ids:
                self._networks[key] = training_networks(self.config.netspace, self.zoo, name)
            else:
                self._networks[key] = self.zoo.networks(name, split)
        return self._networks[key]

    def reconstruction(self, architecture_id: int, split: Split) -> Reconstruction:
        """Members of one architecture and split, and what is generated from them, compared on test inputs."""
        key = (architecture_id, split)
        if key not in self._reconstructions:
            networks = self.networks(architecture_id, split)
            self._reconstructions[key] = reconstruct(self.space, self.dataset, networks, architecture_id)
        return self._reconstructions[key]
