"""Curves: the score on new tasks against the number of examples, for any adapters, by one code path."""

import dataclasses
import time
from collections.abc import Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.dataset import Dataset, evaluation_key
from netspace_jax.metrics.adaptation.adapter import Adapter, Examples
from netspace_jax.metrics.adaptation.examples import check_examples, drawn_examples, weights_of
from netspace_jax.metrics.adaptation.parallel import spread
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.zoo import Networks


@dataclasses.dataclass(frozen=True)
class Curves:
    """Scores on test inputs of new tasks, each adapter's from the same examples.

    Attributes:
      scores: means over draws of examples.
      seconds: of one task, from the greatest number of examples to answers of them, without compilation.
      one_network: whether that is one network of the members' architecture.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    scores: Float[np.ndarray, "adapter count task"]
    seconds: tuple[float, ...]
    parameters: tuple[int, ...]
    one_network: tuple[bool, ...]

    def of(self, name: str) -> Float[np.ndarray, "count task"]:
        """Scores of one adapter."""
        return self.scores[self.names.index(name)]

    def joined(self, other: "Curves") -> "Curves":
        """These, and then those of other adapters on the same tasks."""
        names = ("names", "seconds", "parameters", "one_network")
        both = {name: getattr(self, name) + getattr(other, name) for name in names}
        return dataclasses.replace(self, scores=np.concatenate([self.scores, other.scores]), **both)

    def best_rival(self, name: str, place: int, beside: Collection[str] = ()) -> str:
        """The best by mean score of the other adapters that give one network, at a place of `counts`; or none.

        Args:
          beside: adapters that are no rivals, though what they give is one network.
        """
        rivals = [one for one, single in zip(self.names, self.one_network, strict=True) if single]
        rivals = [one for one in rivals if one != name and one not in beside]
        return max(rivals, key=lambda one: float(self.of(one)[place].mean()), default="")

    def wins(self, name: str, rival: str, place: int) -> float:
        """Share of tasks on which one adapter's score is higher than another's; equal is no win."""
        return float((self.of(name)[place] > self.of(rival)[place]).mean())


def adaptation_curves(
    key: PRNGKeyArray,
    dataset: Dataset,
    adapters: Mapping[str, Adapter],
    members: Int[np.ndarray, "task"],
    counts: tuple[int, ...],
    draws: int = 1,
) -> Curves:
    """Scores of adapters on new tasks.

    Args:
      key: of the draws of examples and of what adapters draw: one key gives all adapters the same examples.
      counts: numbers of examples; fewer are the first of more.

    Raises:
      InputError: a task has fewer examples, or no true targets.
    """
    check_examples(dataset, counts)
    scores = [
        task_scores(key, dataset, adapter, members, counts, draws).mean(2).swapaxes(0, 1)
        for adapter in adapters.values()
    ]
    return Curves(
        tuple(adapters),
        tuple(counts),
        np.stack(scores),
        tuple(seconds_of(key, dataset, adapter, int(members[0]), max(counts)) for adapter in adapters.values()),
        tuple(adapter.parameters for adapter in adapters.values()),
        tuple(adapter.one_network for adapter in adapters.values()),
    )


def member_scores(dataset: Dataset, name: str, networks: Networks, counts: tuple[int, ...]) -> Curves:
    """The zoo's own networks of the new tasks, each trained on all data of its task: the same for all counts."""
    architecture: Any = dataset.behaviour.architecture(networks.members.architecture[0])
    scores = scores_of(dataset, architecture, networks.parameters, networks.indices)
    rows = np.broadcast_to(scores, (1, len(counts), len(scores)))
    return Curves((name,), tuple(counts), rows, (0.0,), (architecture.size,), (False,))


def task_scores(
    key: PRNGKeyArray,
    dataset: Dataset,
    adapter: Adapter,
    members: Int[np.ndarray, "task"],
    counts: tuple[int, ...],
    draws: int = 1,
) -> Float[np.ndarray, "task count draw"]:
    """Scores of one adapter on test inputs of tasks, for each number and draw of examples."""
    pairs = [(member, draw) for member in range(len(members)) for draw in range(draws)]
    keys = jax.vmap(lambda pair: jax.random.fold_in(jax.random.fold_in(key, pair[0]), pair[1]))(jnp.array(pairs))
    rows = (np.repeat(np.asarray(members, np.int32), draws), keys)
    scores = _scores(rows, adapter, dataset, jnp.asarray(weights_of(counts)))
    return scores.reshape(len(members), draws, len(counts)).swapaxes(1, 2)


def _score(
    row: tuple[Int[Array, ""], PRNGKeyArray],
    adapter: Any,
    dataset: Dataset,
    weights: Float[Array, "count example"],
) -> Float[Array, "count"]:
    """Scores of ONE draw of examples of ONE task, for each number of them."""
    member, key = row
    draw_key, key = jax.random.split(key)
    data = dataset.of(member)
    drawn = drawn_examples(draw_key, data, weights.shape[1])

    def one(weight):
        network = adapter.adapt(jax.random.clone(key), Examples(*drawn, weight))
        return data.score(network, evaluation_key(member), "test")

    # What does not depend on the weights, such as members' losses, is computed once for all numbers.
    return jax.vmap(one)(weights)


_scores = spread(_score, 3)


@jax.jit
def _answers(key, adapter, examples):
    return adapter.adapt(key, examples)(examples.inputs)


def seconds_of(key: PRNGKeyArray, dataset: Dataset, adapter: Adapter, member: int, most: int, times: int = 5) -> float:
    """Median seconds of one device, without compilation, from `most` examples of ONE task to answers of them."""
    draw_key, key = jax.random.split(jax.random.fold_in(key, member))
    examples = Examples(*drawn_examples(draw_key, dataset.of(member), most), jnp.ones(most))
    taken = []
    with jax.default_matmul_precision("float32"):
        for _ in range(times + 1):
            began = time.perf_counter()
            jax.block_until_ready(_answers(jax.random.clone(key), adapter, examples))
            taken.append(time.perf_counter() - began)
    return float(np.median(taken[1:]))
