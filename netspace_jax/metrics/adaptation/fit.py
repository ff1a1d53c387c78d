"""The baselines of a zoo: what has to be trained is trained, and rates and steps are chosen on validation tasks."""

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture, build
from netspace_jax.architectures.wider import wider
from netspace_jax.behaviour import Supervised, as_supervised
from netspace_jax.dataset import Dataset
from netspace_jax.errors import InputError
from netspace_jax.metrics.adaptation.adapter import Adapter, FixedNetwork, LargeNetwork, OneNetwork, RandomNetwork
from netspace_jax.metrics.adaptation.config import AdaptationConfig
from netspace_jax.metrics.adaptation.descent import Steps, Tuned
from netspace_jax.metrics.adaptation.examples import check_examples
from netspace_jax.metrics.adaptation.maml import InnerSteps, Kind, Learned, MetaTuned, fit_maml, last_layer
from netspace_jax.metrics.adaptation.members import MeanWeights, NearestMember, TrainedNetworks, Vote
from netspace_jax.metrics.adaptation.pooled import fit_pooled
from netspace_jax.metrics.adaptation.probe import Probe, ProbeSettings, check_features, fit_trunks
from netspace_jax.metrics.adaptation.test_time import EntropyTuned, aligned, check_classes
from netspace_jax.metrics.adaptation.tune import grid, tuned
from netspace_jax.zoo import Networks


@dataclasses.dataclass(frozen=True)
class Baselines:
    """What takes no space, ready for new tasks.

    Attributes:
      left_out: why one is not there, by name.
      seconds: of training and tuning, by name; what several need, such as the network for all tasks, counts for the
        first.
    """

    adapters: dict[str, Adapter]
    left_out: dict[str, str]
    seconds: dict[str, float]


@dataclasses.dataclass(frozen=True)
class _Zoo:
    """What baselines are made of; networks that several of them need are trained once."""

    key: PRNGKeyArray
    dataset: Dataset
    architecture: Architecture
    training: Networks
    validation: Int[np.ndarray, "task"]
    config: AdaptationConfig

    @property
    def behaviour(self) -> Supervised:
        return as_supervised(self.dataset.behaviour)

    def key_for(self, purpose: int) -> PRNGKeyArray:
        return jax.random.fold_in(self.key, purpose)

    @functools.cached_property
    def members(self) -> TrainedNetworks:
        rows = self.training.parameters[: self.config.members]
        return TrainedNetworks(self.architecture, jnp.asarray(rows), self.behaviour)

    @functools.cached_property
    def pooled(self) -> Float[np.ndarray, "size"]:
        return self.fit_for_all(self.architecture)

    def fit_for_all(self, architecture: Architecture) -> Float[np.ndarray, "size"]:
        key, tasks = self.key_for(0), self.training.indices
        return fit_pooled(key, architecture, self.dataset, tasks, self.validation, self.config)

    @functools.cached_property
    def learned(self) -> Learned:
        """Of MAML in the second and in the first order, and of ANIL."""
        everything, size = np.ones((2, self.architecture.size), np.float32), self.architecture.spec
        kinds = Kind(np.array([False, True, False]), np.concatenate([everything, last_layer(size)[None]]))
        key, tasks = self.key_for(1), self.training.indices
        return fit_maml(key, self.architecture, self.dataset, tasks, self.pooled, kinds, self.config)

    def tuned(self, adapter: Any, tried: list[Any]) -> Adapter:
        return tuned(self.key_for(2), self.dataset, adapter, tried, self.validation, self.config.examples)

    def tuned_from(self, start: OneNetwork) -> Adapter:
        tried = grid(Steps, rate=self.config.tuning_rates, steps=self.config.tuning_steps)
        return self.tuned(Tuned(self.architecture, start, tried[0], self.behaviour), tried)

    def meta_tuned(self, kind: int) -> Adapter:
        learned = jax.tree.map(lambda leaf: jnp.asarray(leaf[kind]), self.learned)
        moves = last_layer(self.architecture.spec) if kind == 2 else np.ones(self.architecture.size, np.float32)
        counts = jnp.array(self.config.examples, jnp.float32)
        steps = tuple(self.config.inner_steps * times for times in self.config.inner_more)
        tried = grid(InnerSteps, factor=self.config.inner_factors, steps=steps)
        return self.tuned(
            MetaTuned(self.architecture, learned, counts, jnp.asarray(moves), tried[0], self.behaviour), tried
        )


def _pooled(zoo: _Zoo) -> FixedNetwork:
    return FixedNetwork(zoo.architecture, jnp.asarray(zoo.pooled))


def _pooled_large(zoo: _Zoo) -> Adapter:
    name, given = zoo.config.large, zoo.architecture
    shape = given.input_shape, zoo.behaviour.outputs, given.input_dtype
    large = build(name, *shape) if name else wider(given, zoo.config.large_times)
    return LargeNetwork(large, jnp.asarray(zoo.fit_for_all(large)))


def _nearest(zoo: _Zoo) -> NearestMember:
    return NearestMember(zoo.architecture, zoo.members)


def _probe(zoo: _Zoo) -> Adapter:
    check_features(zoo.architecture)
    trunks = fit_trunks(zoo.key_for(3), zoo.architecture, zoo.dataset, zoo.training.indices, zoo.pooled, zoo.config)
    tried = grid(ProbeSettings, trunk=range(len(trunks.flat)), strength=zoo.config.strengths)
    return zoo.tuned(Probe(zoo.architecture, trunks, tried[0], zoo.behaviour), tried)


def _aligned(zoo: _Zoo) -> Adapter:
    return aligned(zoo.key_for(4), zoo.architecture, zoo.pooled, zoo.dataset, zoo.training.indices)


def _tent(zoo: _Zoo) -> Adapter:
    check_classes(zoo.behaviour)
    tried = grid(Steps, rate=zoo.config.tuning_rates, steps=zoo.config.tuning_steps)
    return zoo.tuned(EntropyTuned(zoo.architecture, jnp.asarray(zoo.pooled), tried[0], zoo.behaviour), tried)


_MAKERS: dict[str, Callable[[_Zoo], Adapter]] = {
    "nearest": _nearest,
    "vote": lambda zoo: Vote(zoo.members, zoo.config.voters),
    "mean_weights": lambda zoo: MeanWeights(zoo.architecture, zoo.members, zoo.config.voters),
    "pooled": _pooled,
    "pooled_tuned": lambda zoo: zoo.tuned_from(_pooled(zoo)),
    "nearest_tuned": lambda zoo: zoo.tuned_from(_nearest(zoo)),
    "scratch": lambda zoo: zoo.tuned_from(RandomNetwork(zoo.architecture)),
    "maml": lambda zoo: zoo.meta_tuned(0),
    "maml_first_order": lambda zoo: zoo.meta_tuned(1),
    "anil": lambda zoo: zoo.meta_tuned(2),
    "probe": _probe,
    "pooled_large": _pooled_large,
    "aligned": _aligned,
    "tent": _tent,
}

BASELINES: tuple[str, ...] = tuple(_MAKERS)
"""All that take no space."""
UNTRAINED: tuple[str, ...] = ("nearest", "vote", "mean_weights")
"""Those of them that neither train nor tune anything."""


def fit_baselines(
    key: PRNGKeyArray,
    dataset: Dataset,
    architecture: Architecture,
    training: Networks,
    validation: Int[np.ndarray, "task"],
    *,
    config: AdaptationConfig = AdaptationConfig(),
    names: Sequence[str] = BASELINES,
    on_baseline: Callable[[str], None] = lambda name: None,
) -> Baselines:
    """The baselines of adaptation, trained on the tasks of the zoo's training members.

    Args:
      key: of trainings and of the draws of examples of validation tasks.
      validation: the members on whose tasks rates and steps are chosen.

    Raises:
      InputError: one is not known, or a task has fewer examples than are asked for.
    """
    if unknown := [name for name in names if name not in _MAKERS]:
        raise InputError(f"unknown baseline {unknown[0]!r}; there are {', '.join(BASELINES)}")
    check_examples(dataset, config.examples)
    chosen = np.asarray(validation)[: config.validation_tasks]
    zoo, made = _Zoo(key, dataset, architecture, training, chosen, config), Baselines({}, {}, {})
    for name in names:
        on_baseline(name)
        began = time.perf_counter()
        try:
            made.adapters[name] = _MAKERS[name](zoo)
        except InputError as error:
            made.left_out[name] = str(error)
        made.seconds[name] = time.perf_counter() - began
    return made
