"""Images of which each network has a task of its own: some of them, under its conditions, by its names of classes."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt8

from netspace_jax.data.augment import augment
from netspace_jax.dataset import Batch, Split, SupervisedDataset
from netspace_jax.domains.images.conditions import Conditions, jittered, seen
from netspace_jax.domains.images.dataset import Classification, ImageData
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.platform import on_cpu
from netspace_jax.ops.shuffle import batch_of_epoch

_IMITATED = 2048  # images of one task on which an imitation is compared with its network


@flax.struct.dataclass
class TaskImages(SupervisedDataset):
    """Labelled images, and what each task makes of them.

    Attributes:
      training_tasks: those of members that train a space: probes are of no other.
      conditions: of the images, a row for each task; None where all tasks see them as they are.
      labels: class of each class of the images, by task; None where all have those of the images.
      rows: by split, which images each task has; empty where all have all.
      jitter: how much each training image is warped at random (`conditions.jittered`); 0 for not at all.
      member: the task that is asked about; None before one was chosen.
    """

    images: ImageData
    training_tasks: Int[Array, "training"]
    conditions: Conditions | None
    labels: Int[Array, "task class"] | None
    rows: dict[str, Int[Array, "task n"]]
    behaviour: Classification = flax.struct.field(pytree_node=False)
    items: int = flax.struct.field(pytree_node=False)
    jitter: float = flax.struct.field(pytree_node=False, default=0.0)
    member: Int[Array, ""] | int | None = None

    @property
    def task(self) -> Int[Array, ""] | int:
        """The task that is asked about; the first before one was chosen."""
        return 0 if self.member is None else self.member

    def of(self, member: Int[Array, ""] | int) -> "TaskImages":
        """The task of a member; where there are more members than tasks, these are counted round."""
        return dataclasses.replace(self, member=member % self.items)

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """`size` training images of the task: an epoch goes once through all (but the last incomplete batch)."""
        return self.take(self.draw(key, step, size))

    def draw(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> tuple[Int[Array, "batch"], Array]:
        """Which images of the task a batch is of, and the words of the key of what is done to them."""
        order_key, change_key = jax.random.split(key)
        chosen = batch_of_epoch(order_key, step, size, self.count("train"))
        return chosen, jax.random.key_data(jax.random.fold_in(change_key, step))

    def take(self, drawn: tuple[Int[Array, "batch"], Array]) -> Batch:
        """The images that were drawn, augmented, under the task's conditions."""
        chosen, words = drawn
        augment_key, noise_key = jax.random.split(jax.random.wrap_key_data(words))
        x, y = self._pixels("train", chosen)
        x = augment(augment_key, x, self.images.crop_padding, self.images.flip)
        return Batch(self._seen(noise_key, x, self.jitter), self._named(y))

    def examples(self, split: Split) -> Batch:
        """All images of the task in a split; no member trained on those of validation and of test."""
        return self.chosen_examples(split, jnp.arange(self.count(split)))

    def chosen_examples(self, split: Split, chosen: Int[Array, "n"]) -> Batch:
        """Some images of the task in a split, by their numbers; noise on them is always the same."""
        x, y = self._pixels(split, chosen)
        number = ("train", "validation", "test").index(split)
        return Batch(self._seen(key_of(0, Purpose.SCORE, number), x), self._named(y))

    def count(self, split: Split) -> int:
        """Images of a task in a split."""
        return self.rows[split].shape[1] if self.rows else len(getattr(self.images, split).y)

    def imitation_inputs(self, count: int, seed: int) -> Float[Array, "n h w c"]:
        """Training images of the task on which an imitation is compared with its network: at most 2,048."""
        chosen = np.random.default_rng(seed).permutation(self.count("train"))[: min(count, _IMITATED)]
        return self.chosen_examples("train", jnp.asarray(chosen)).inputs

    def probes(self, count: int) -> Float[Array, "probe h w c"]:
        """Training images in turn: of a task its own, before one was chosen each of the next that trains a space."""
        numbers = jnp.arange(count)
        if self.member is not None:
            return self.chosen_examples("train", numbers % self.count("train")).inputs
        tasks = self.training_tasks[numbers % len(self.training_tasks)]

        def probe(task, number):
            return self.of(task).chosen_examples("train", number[None]).inputs[0]

        return jax.vmap(probe)(tasks, numbers % self.count("train"))

    def chance(self, split: Split) -> float:
        """Accuracy of always naming the task's commonest class."""
        _, y = self._pixels(split, jnp.arange(self.count(split)))
        counts = np.bincount(np.asarray(self._named(y)))
        return float(counts.max() / counts.sum())

    def _pixels(self, split: Split, chosen: Int[Array, "n"]) -> tuple[UInt8[Array, "n h w c"], Int[Array, "n"]]:
        """Images of a split, and their classes as the images have them."""
        images, rows = getattr(self.images, split), self.rows[split][self.task][chosen] if self.rows else chosen
        return images.x[rows], images.y[rows]

    def _seen(self, key: PRNGKeyArray, x: UInt8[Array, "n h w c"], jitter: float = 0.0) -> Float[Array, "n h w c"]:
        """Images under the task's conditions, normalised."""
        own = jax.tree.map(lambda leaf: leaf[self.task], self.conditions or Conditions())

        keys, pixels = jax.random.split(key, len(x)), x.astype(jnp.float32) / 255
        if not jitter:
            pixels = jax.vmap(seen, (0, 0, None))(keys, pixels, own)
        else:
            normal = jax.random.normal(jax.random.fold_in(key, 1), (len(x), 6))

            def one(given):
                key, image, normal = given
                return seen(key, image, jittered(normal, own, jitter, len(image)))

            # On a CPU one after another: in a vmap each pixel draws its image's numbers anew, and steps take four times
            # as long.
            each = jax.lax.map if on_cpu() else lambda function, given: jax.vmap(function)(given)
            pixels = each(one, (keys, pixels, normal))
        mean, std = (jnp.array(values)[None, None, None] for values in self.behaviour.normalisation)
        return (pixels - mean) / std

    def _named(self, y: Int[Array, "n"]) -> Int[Array, "n"]:
        return y if self.labels is None else self.labels[self.task, y]


def rows_of_classes(y: Int[np.ndarray, "n"], labels: Int[np.ndarray, "task class"]) -> Int[np.ndarray, "task m"]:
    """Images of the classes that each task has, of each class as many as there are of the rarest, class after class.

    Args:
      labels: −1 where a task does not have the class.
    """
    classes = labels.shape[1]
    least = min(np.bincount(y, minlength=classes))
    of_class = np.stack([np.flatnonzero(y == each)[:least] for each in range(classes)])
    return np.stack([of_class[row >= 0].T.reshape(-1) for row in labels]).astype(np.int32)
