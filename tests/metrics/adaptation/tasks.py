"""Tasks that take no time: which quarter of a picture is bright, the pictures inverted or not, and shifted."""

import functools

import flax.struct
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from netspace_jax.dataset import Batch, SupervisedDataset
from netspace_jax.domains.images.dataset import Classification
from netspace_jax.metrics.adaptation import Examples
from netspace_jax.zoo import Networks, fit_zoo
from tests import tiny

TASKS = 24


@flax.struct.dataclass
class Quarters(SupervisedDataset):
    """The pictures of `tiny`, in each task brighter or darker by its own amount."""

    pictures: tiny.ImageData
    shift: Array
    member: Int[Array, ""] | int = 0
    behaviour: Classification = flax.struct.field(pytree_node=False, default=tiny.TASK)

    @property
    def items(self):
        return len(self.shift)

    def of(self, member):
        return self.replace(member=member % self.items)

    def _seen(self, batch):
        sign = jnp.where(self.shift[self.member] > 0, 1.0, -1.0)
        return Batch(sign * batch.inputs + self.shift[self.member], batch.targets)

    def sample(self, key, step, size):
        return self._seen(self.pictures.sample(key, step, size))

    def examples(self, split):
        return self._seen(self.pictures.examples(split))

    def probes(self, count):
        return self.pictures.probes(count)

    def chance(self, split):
        return self.pictures.chance(split)


def data() -> Quarters:
    """A task for each of 24 members: pictures as they are, or inverted, and shifted."""
    shift = np.random.default_rng(0).uniform(-1, 1, TASKS).astype(np.float32)
    return Quarters(tiny.dataset(), jnp.asarray(shift))


@functools.cache
def members(split: str) -> Networks:
    """Perceptrons of these tasks, briefly trained."""
    config = tiny.zoo_config(architectures=("perceptron6",), members=(TASKS,), stops="end", steps=150, chunk=TASKS)
    zoo = fit_zoo(config, data(), item_names=tuple(f"task {i}" for i in range(TASKS)))
    return zoo.networks("perceptron6", split)


def examples(member: int = 0, count: int = 6, most: int = 8) -> Examples:
    """The first examples of a task, and others that do not count."""
    inputs, targets = data().of(member).examples("validation")
    return Examples(inputs[:most], targets[:most], (jnp.arange(most) < count).astype(jnp.float32))
