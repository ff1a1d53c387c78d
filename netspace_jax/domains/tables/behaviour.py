"""What networks on rows of a table compute: a number, or a class; and how raw rows become what they are given."""

import dataclasses
from collections.abc import Iterable
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from netspace_jax.behaviour import Metric, Supervised, register_behaviour
from netspace_jax.classes import ClassAnswers
from netspace_jax.dataset import Batch
from netspace_jax.domains.tables.encoding import CATEGORY, MISSING, NUMBER, Encoding, numbers, require_columns, texts
from netspace_jax.errors import InputError

NEAR = 0.1
"""Two answers are the same within so many standard deviations of the target."""


@dataclasses.dataclass(frozen=True)
class Rows(Supervised):
    """The part that numbers and classes have in common: what the inputs are.

    Attributes:
      columns, kinds, categories, fills, means, stds: of each input, as `Encoding` has them.
    """

    input_shape: tuple[int, ...]
    target: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    categories: tuple[str, ...]
    fills: tuple[float, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]

    @property
    def encoding(self) -> Encoding:
        """From columns to inputs."""
        return Encoding(self.columns, self.kinds, self.categories, self.fills, self.means, self.stds)

    @property
    def inputs_in_words(self) -> str:  # type: ignore[override]
        """The inputs in their order, as a user without this library has to make them."""
        words = {NUMBER: "{column} ({fill:g} where missing)", MISSING: "1 if {column} is missing, else 0"}
        words[CATEGORY] = "1 if {column} is {category}, else 0"
        entries = zip(self.columns, self.kinds, self.categories, self.fills, strict=True)
        return "; ".join(words[kind].format(column=c, category=k, fill=fill) for c, kind, k, fill in entries)

    @property
    def normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each input."""
        return self.means, self.stds

    def prepare(self, inputs: Any) -> Float[Array, "n inputs"]:
        """Raw rows as inputs: a data frame of pandas, or whatever it makes one of, as a dict of columns.

        An array of numbers has no names of columns: it is taken as inputs that are normalised already.

        Raises:
          InputError: a column is missing or holds something else, or an array has another shape.
        """
        if hasattr(inputs, "columns") or not hasattr(inputs, "shape"):
            import pandas

            return jnp.asarray(self.encoding.encode(pandas.DataFrame(inputs)))
        return super().prepare(inputs)

    def batch(self, table: Any) -> Batch:
        """Inputs and targets of raw rows, which have a column for the target too.

        Raises:
          InputError: a column is missing or holds something else, or a row has no target.
        """
        import pandas

        frame: Any = pandas.DataFrame(table)
        require_columns(frame, [self.target])
        if frame[self.target].isna().any():
            raise InputError(f"column {self.target!r}: a row has no value, so nothing can be learned from it")
        return Batch(self.prepare(frame), self.read_targets(frame[self.target]))

    def read_targets(self, column: Any) -> Shaped[Array, "n"]:
        """The targets that the values of a column are."""
        raise NotImplementedError


@register_behaviour
@dataclasses.dataclass(frozen=True)
class RowRegression(Rows):
    """One number for a row. Networks give it in standard deviations from the mean; targets are as they are.

    Attributes:
      mean, std: of the target, over the training rows of all training tasks.
    """

    mean: float = 0.0
    std: float = 1.0
    name: ClassVar[str] = "row_regression"
    metric: ClassVar[Metric] = Metric(
        "explained",
        "share of the variance explained",
        low=-float("inf"),
        agreement=f"differ by at most {NEAR:g} standard deviations",
    )

    @property
    def outputs_in_words(self) -> str:
        """The target's units, in which outputs are not."""
        return f"{self.target} in standard deviations from the mean: multiply by {self.std:g}, then add {self.mean:g}"

    def read_targets(self, column: Any) -> Float[Array, "n"]:
        """The numbers of a column."""
        return jnp.asarray(numbers(column, self.target), jnp.float32)

    def values(self, outputs: Float[Array, "n 1"]) -> Float[Array, "n"]:
        """What networks give, in the units of the target."""
        return outputs[:, 0] * self.std + self.mean

    def target_answers(self, targets: Float[Array, "n"]) -> Float[Array, "n 1"]:
        """True targets as a network would give them."""
        return ((jnp.asarray(targets, jnp.float32) - self.mean) / self.std).reshape(len(targets), -1)

    def fit_loss(self, outputs: Float[Array, "batch 1"], targets: Float[Array, "batch"]) -> Float[Array, ""]:
        """Mean squared error, in variances of the target."""
        return jnp.square(outputs - self.target_answers(targets)).mean()

    def score(self, outputs: Float[Array, "batch 1"], targets: Float[Array, "batch"]) -> Float[Array, ""]:
        """1 − mean squared error / variance of the target over all tasks: R² with one variance for all tasks.

        So tasks of few rows, or of rows that are alike, can be compared: 0 is as good as the mean of all tasks.
        """
        return 1 - self.fit_loss(outputs, targets)

    def agreement(self, target_outputs: Float[Array, "batch 1"], outputs: Float[Array, "batch 1"]) -> Float[Array, ""]:
        """Share of rows for which two networks differ by at most a tenth of the target's standard deviation."""
        return (jnp.abs(target_outputs - outputs) <= NEAR).mean()


@register_behaviour
@dataclasses.dataclass(frozen=True)
class RowClassification(Rows, ClassAnswers):  # type: ignore[override]  # of how inputs are put into words
    """One of several classes for a row.

    Attributes:
      labels: the values of the target, in the order of the classes.
      temperature, relative: of the distillation (`ClassAnswers`).
    """

    labels: tuple[str, ...] = ()
    temperature: float = 1.0
    relative: float = 1.0
    name: ClassVar[str] = "row_classification"
    metric: ClassVar[Metric] = Metric("accuracy", agreement="predict the same class")

    @property
    def outputs_in_words(self) -> str:
        """The classes in their order."""
        return f"logits of {self.target} being {', '.join(self.labels)}"

    @property
    def classes(self) -> int:  # type: ignore[override]
        """Number of classes."""
        return len(self.labels)

    def check_examples(self, inputs: Float[Array, "n inputs"], targets: Any) -> Int[Array, "n"]:
        """A user's targets as classes: labels, or their places among them; rows that are alike may differ in these.

        Raises:
          InputError: they are not as many as the rows, or one is no class.
        """
        named = np.asarray(targets)
        if named.dtype.kind not in "OSU":
            places = np.asarray(Supervised.check_examples(self, inputs, targets))
            known = (places >= 0) & (places < self.classes) & (places == np.rint(places))
            if places.ndim != 1 or not known.all():
                raise InputError(f"targets: give one for each row, a label or its place among {', '.join(self.labels)}")
            return jnp.asarray(places, jnp.int32)
        if named.shape != (len(inputs),):
            raise InputError(f"targets: {named.shape} labels for {len(inputs)} rows; give one for each")
        return self._places(list(map(str, named)))

    def read_targets(self, column: Any) -> Int[Array, "n"]:
        """The classes that a column names.

        Raises:
          InputError: it names another.
        """
        return self._places(texts(column).tolist())

    def _places(self, named: Iterable[str]) -> Int[Array, "n"]:
        unknown = sorted(set(named) - set(self.labels))
        if unknown:
            raise InputError(f"{self.target}: {unknown[0]!r} is no class; there are {', '.join(self.labels)}")
        number = {label: number for number, label in enumerate(self.labels)}
        return jnp.asarray([number[name] for name in named], jnp.int32)
