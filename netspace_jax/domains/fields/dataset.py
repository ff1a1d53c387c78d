"""Fields as samples on the device: each network holds one shape, picture or signal and has data of its own."""

import dataclasses
from typing import Any, Generic, TypeVar

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.dataset import Batch, DrawnExamples, Split, SupervisedDataset
from netspace_jax.domains.fields.behaviour import Field, SignedDistance
from netspace_jax.domains.fields.partial import partly_seen
from netspace_jax.domains.fields.sampling import ShapeSamples


@flax.struct.dataclass
class Samples:
    """Values of fields at points, in an order that was shuffled once.

    Attributes:
      points: of each field, or one set of points where all fields were sampled at the same.
      values: as they are, or as whole numbers that `FieldData.scale` and `shift` turn into values.
    """

    points: Float[Array, "item_or_one n d"]
    values: Shaped[Array, "item n c"]


@flax.struct.dataclass
class ShapeTruth:
    """Truth about shapes beside training points: rows uniform in the cube, and points on the surface."""

    uniform: Float[Array, "shape u 4"]
    surface: Float[Array, "shape s 3"]

    @property
    def classes(self) -> None:
        """None: nobody says what kind of shape it is."""
        return None

    @property
    def distances(self) -> Samples:
        """The uniform rows, as points and distances."""
        return samples_of(self.uniform)


@flax.struct.dataclass
class PictureTruth:
    """Truth about pictures.

    Attributes:
      classes: of each; None where nobody says any.
      place: where in the picture, counted row by row, each sample lies.
    """

    classes: Int[Array, "item"] | None
    place: Int[Array, "n"]
    size: tuple[int, int] = flax.struct.field(pytree_node=False)

    def images(self, values: Float[np.ndarray, "picture n c"]) -> Float[np.ndarray, "picture h w c"]:
        """Values at the samples as pictures whose pixels are from 0 to 1."""
        ordered = np.empty_like(values)
        ordered[:, np.asarray(self.place)] = values
        return np.clip(ordered.reshape(len(values), *self.size, values.shape[-1]) / 2 + 0.5, 0, 1)


@flax.struct.dataclass
class SignalTruth:
    """Truth about signals.

    Attributes:
      numbers: that stand for each, as amplitude and frequency, or its class; none where nobody says any.
      names: of these numbers.
      mean, std: of each channel, by which values are normalised.
      span: duration from -1 to 1, in seconds where the data has dates, in its own unit of time where it has numbers.
    """

    numbers: Float[Array, "item k"]
    names: tuple[str, ...] = flax.struct.field(pytree_node=False)
    mean: tuple[float, ...] = flax.struct.field(pytree_node=False, default=(0.0,))
    std: tuple[float, ...] = flax.struct.field(pytree_node=False, default=(1.0,))
    span: float = flax.struct.field(pytree_node=False, default=2.0)

    def original(self, values: Float[Any, "*n c"]) -> Float[Any, "*n c"]:
        """Values of networks in the units that the data came in."""
        return np.asarray(values) * np.asarray(self.std, np.float32) + np.asarray(self.mean, np.float32)

    @property
    def classes(self) -> Int[Array, "item"] | None:
        """Class of each signal, where that is what is known."""
        return self.numbers[:, 0].astype(int) if self.names == ("class",) else None


Truth = TypeVar("Truth", ShapeTruth, PictureTruth, SignalTruth)


@flax.struct.dataclass
class FieldData(SupervisedDataset, Generic[Truth]):
    """A set of fields; each network is about one, so that each has points of its own.

    Attributes:
      train: parts of the training samples, of which a batch takes equal shares: of shapes, points outside and inside.
      held_out: samples that nothing trains on; None where a field is known by its training samples alone.
      item: the field that is asked about.
      scale, shift: value = stored value · scale + shift.
      spare: last so many training samples are the first again, so that windows at random reach all equally.
    """

    train: tuple[Samples, ...]
    held_out: Samples | None
    truth: Truth
    item: Int[Array, ""] | int = 0
    behaviour: Field = flax.struct.field(pytree_node=False, default=SignedDistance())
    scale: float = flax.struct.field(pytree_node=False, default=1.0)
    shift: float = flax.struct.field(pytree_node=False, default=0.0)
    spare: int = flax.struct.field(pytree_node=False, default=0)

    @property
    def items(self) -> int:
        """Number of fields."""
        return len(self.train[0].values)

    def of(self, member: Int[Array, ""] | int) -> "FieldData[Truth]":
        """The field that a member is about; where there are more members than fields, they are counted round."""
        return dataclasses.replace(self, item=member % self.items)

    @property
    def one_grid(self) -> bool:
        """Whether all fields were sampled at the same points."""
        return len(self.train[0].points) == 1

    def at(self, samples: Samples) -> "FieldData[Truth]":
        """The same fields with other samples, which are those of every split."""
        return dataclasses.replace(self, train=(samples,), held_out=None, spare=0)

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """`size` training samples, of each part as many, or all: windows at random into shuffled rows."""
        keys = jax.random.split(jax.random.fold_in(key, step), len(self.train))
        share = min(size // len(self.train), *(part.values.shape[1] for part in self.train))

        def window(key, part):
            start = jax.random.randint(key, (), 0, part.values.shape[1] - share + 1)
            place = self.item % len(part.points)
            points = jax.lax.dynamic_slice(part.points, (place, start, 0), (1, share, part.points.shape[2]))[0]
            values = jax.lax.dynamic_slice(part.values, (self.item, start, 0), (1, share, part.values.shape[2]))[0]
            return Batch(points, self._decoded(values))

        return _joined([window(key, part) for key, part in zip(keys, self.train, strict=True)])

    def example_inputs(self, key: PRNGKeyArray, most: int) -> DrawnExamples:
        """Training samples as they might be seen (`partial.partly_seen`)."""
        available = sum(part.values.shape[1] - self.spare for part in self.train)
        points = self.sample(jax.random.fold_in(key, 1), jnp.int32(0), min(most, available)).inputs
        return partly_seen(key, points, self.behaviour.unit, self.behaviour.channels)

    def examples(self, split: Split) -> Batch:
        """Held-out samples, the first half for validation and the second for test; for training, those of all parts.

        Where nothing is held out, the training samples are those of every split.
        """
        if split == "train" or self.held_out is None:
            return _joined([self._whole(part, part.values.shape[1] - self.spare) for part in self.train])
        whole = self._whole(self.held_out, self.held_out.values.shape[1])
        offset = {"validation": 0, "test": 1}[split]
        return Batch(whole.inputs[offset::2], whole.targets[offset::2])

    def imitation_inputs(self, count: int, seed: int) -> Float[Array, "n d"]:
        """Training points on which an imitation is compared with its network: at most `count`, drawn by a seed.

        Where the zero level is what a field is for, a share of them is drawn near it (`Field.surface_share`).
        """
        points, values = self.examples("train")
        rng = np.random.default_rng(seed)
        chosen = rng.permutation(len(points))[:count]
        near = round(len(chosen) * self.behaviour.surface_share)
        if near:
            nearest = np.argsort(np.abs(np.asarray(values)).max(-1))[: max(1, len(points) // 3)]
            chosen[len(chosen) - near :] = rng.choice(nearest, near)
        return points[chosen]

    def values(self, items: Int[np.ndarray, "field"]) -> Float[np.ndarray, "field n c"]:
        """True values of many fields at the training samples of the first part."""
        part = self.train[0]
        stored = np.asarray(part.values[items])[:, : part.values.shape[1] - self.spare]
        return stored.astype(np.float32) * np.float32(self.scale) + np.float32(self.shift)

    def probes(self, count: int) -> Float[Array, "probe d"]:
        """Training points of many fields, of each part in turn."""
        parts, sets = len(self.train), len(self.train[0].points)
        number = np.arange(count)
        row = number // (parts * sets) % (self.train[0].values.shape[1] - self.spare)
        points = jnp.stack([part.points[number // parts % sets, row] for part in self.train])
        return points[number % parts, number]

    def chance(self, split: Split) -> float:
        """Share of values within the tolerance of the constant that is best."""
        values, reach = np.sort(np.asarray(self.examples(split).targets).ravel()), 2 * self.behaviour.tolerance
        right = np.searchsorted(values, values + reach, "right") - np.arange(len(values))
        return float(right.max() / len(values))

    def _whole(self, part: Samples, count: int) -> Batch:
        points = part.points[self.item % len(part.points), :count]
        return Batch(points, self._decoded(part.values[self.item, :count]))

    def _decoded(self, stored: Shaped[Array, "n c"]) -> Float[Array, "n c"]:
        return stored.astype(jnp.float32) * self.scale + self.shift


def _joined(batches: list[Batch]) -> Batch:
    return Batch(*(jnp.concatenate(column) for column in zip(*batches, strict=True)))


def samples_of(rows: Float[Any, "shape n 4"]) -> Samples:
    """Rows x, y, z, distance as points and values, on the device."""
    return Samples(jnp.asarray(rows[..., :3]), jnp.asarray(rows[..., 3:]))


def field_data(shapes: ShapeSamples) -> FieldData[ShapeTruth]:
    """Put a set of shapes on the device."""
    return FieldData(
        train=(samples_of(shapes.positive), samples_of(shapes.negative)),
        held_out=samples_of(shapes.held_out),
        truth=ShapeTruth(jnp.asarray(shapes.uniform), jnp.asarray(shapes.surface)),
    )


def grid_data(
    points: Float[np.ndarray, "item_or_one n d"],
    values: Shaped[np.ndarray, "item n c"],
    truth: Truth,
    behaviour: Field,
    *,
    batch: int,
    scale: float = 1.0,
    shift: float = 0.0,
) -> FieldData[Truth]:
    """Put fields on the device that were sampled at n points each, all of which train.

    Args:
      scale, shift: value = stored value · scale + shift.
    """
    count = values.shape[1]
    spare = batch - 1 if batch < count else 0
    rows = np.arange(count + spare) % count
    part = Samples(jnp.asarray(points[:, rows], jnp.float32), jnp.asarray(values[:, rows]))
    return FieldData((part,), None, truth, behaviour=behaviour, scale=scale, shift=shift, spare=spare)
