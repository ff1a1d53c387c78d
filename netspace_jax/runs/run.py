"""A finished run as one value: what a report is about."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from etils import epath

from netspace_jax.behaviour import Metric
from netspace_jax.config import RunConfig
from netspace_jax.dataset import Dataset, Split
from netspace_jax.fit import training_networks
from netspace_jax.metrics.outputs import Evaluated, evaluate
from netspace_jax.metrics.reconstruction import Reconstruction, decode_and_compare, reconstruct
from netspace_jax.metrics.refined import Refined, refine_embeddings
from netspace_jax.space import Space
from netspace_jax.zoo import Networks, Zoo

Data = TypeVar("Data", bound=Dataset)
Result = TypeVar("Result")


def _once(method: Callable[..., Result]) -> Callable[..., Result]:
    """A method whose result the run keeps, for each of its arguments."""

    @functools.wraps(method)
    def kept(run: "Run", *arguments: Any) -> Result:
        key = (method.__name__, *arguments)
        if key not in run._results:
            run._results[key] = method(run, *arguments)
        return run._results[key]

    return kept


@dataclasses.dataclass(frozen=True, eq=False)
class Run(Generic[Data]):
    """A finished run: a space with the zoo and the data that it was trained on.

    What sections of a report have in common is computed when the first asks for it, and kept.

    Attributes:
      step: training step of the checkpoint that became the space.
    """

    config: RunConfig
    path: epath.Path
    zoo: Zoo
    dataset: Data
    space: Space
    step: int
    _results: dict[tuple, Any] = dataclasses.field(init=False, default_factory=dict)

    @property
    def metric(self) -> Metric:
        """The score of its networks, such as accuracy."""
        return self.dataset.behaviour.metric

    @property
    def trained_ids(self) -> tuple[int, ...]:
        """Ids of the architectures whose networks trained the space."""
        return self.config.netspace.trains_on(self.config.zoo.architectures)

    @_once
    def networks(self, architecture_id: int, split: Split) -> Networks:
        """Members of one architecture and split; of the training split only those that trained the space."""
        name = self.space.names[architecture_id]
        if split == "train" and architecture_id in self.trained_ids:
            return training_networks(self.config.netspace, self.zoo, name)
        return self.zoo.networks(name, split)

    @_once
    def evaluated(self, architecture_id: int, split: Split) -> Evaluated:
        """Outputs and scores on test inputs of the members of one architecture and split."""
        networks, architecture = self.networks(architecture_id, split), self.space.architectures[architecture_id]
        return evaluate(self.dataset, architecture, networks.parameters, networks.indices)

    @_once
    def reconstruction(self, architecture_id: int, split: Split) -> Reconstruction:
        """Members of one architecture and split beside the networks generated from them, compared on test inputs."""
        networks = self.networks(architecture_id, split)
        return reconstruct(
            self.space,
            self.dataset,
            networks.parameters,
            self.evaluated(architecture_id, split),
            architecture_id=architecture_id,
            members=networks.indices,
        )

    @_once
    def refined(self, architecture_id: int) -> Reconstruction:
        """Test members beside the networks generated from their refined embeddings, compared on test inputs."""
        return decode_and_compare(
            self.space,
            self.dataset,
            self.evaluated(architecture_id, "test"),
            self._refinement(architecture_id).embedding,
            architecture_id=architecture_id,
            members=self.networks(architecture_id, "test").indices,
        )

    @_once
    def _refinement(self, architecture_id: int) -> Refined:
        networks = self.networks(architecture_id, "test")
        return refine_embeddings(
            self.space,
            self.dataset,
            networks.parameters,
            self.reconstruction(architecture_id, "test").embedding,
            networks.indices,
            architecture_id=architecture_id,
            config=self.config.refine,
        )

    @property
    def refine_seconds(self) -> float:
        """Seconds of refinement for each test member, compilation included."""
        refined = [self._refinement(architecture_id) for architecture_id in self.trained_ids]
        return sum(one.seconds for one in refined) / sum(len(one.embedding) for one in refined)
