"""The members of a run: the field of each, what is true of it, and the features that it can be read from."""

import numpy as np
from jaxtyping import Float, Int

from netspace_jax.dataset import Split
from netspace_jax.domains.fields.dataset import FieldData
from netspace_jax.metrics.outputs import outputs_of, outputs_on
from netspace_jax.metrics.statistics import weight_statistics
from netspace_jax.ops.mapping import Rows
from netspace_jax.runs import Run
from netspace_jax.space.batched import generate_many

LABELS = {"members": "network", "generated": "generated", "refined": "refined"}
Features = tuple[Float[np.ndarray, "train features"], Float[np.ndarray, "test features"]]
"""Features of training members and of test members."""


def items_of(run: Run[FieldData], split: Split) -> Int[np.ndarray, "member"]:
    """The field that each member of a split is about."""
    return run.networks(0, split).indices % run.dataset.items


def true_values(run: Run[FieldData], split: Split) -> Float[np.ndarray, "member n c"]:
    """Values of each member's field at the training samples."""
    return run.dataset.values(items_of(run, split))


def unseen_networks(run: Run[FieldData]) -> dict[str, Float[np.ndarray, "member size"]]:
    """Parameters, by the names of `LABELS`, of test members and of what is generated and refined from them."""
    return {
        "members": run.networks(0, "test").parameters,
        "generated": run.reconstruction(0, "test").generated,
        "refined": run.refined(0).generated,
    }


def unseen_values(run: Run[FieldData]) -> dict[str, Float[np.ndarray, "member n c"]]:
    """The values of these networks at the training samples."""
    members, architecture = run.networks(0, "test").indices, run.space.architectures[0]
    return {
        name: np.asarray(outputs_of(run.dataset, architecture, flats, members))
        for name, flats in unseen_networks(run).items()
    }


def values_on(
    run: Run[FieldData], flats: Float[Rows, "network size"], points: Float[Rows, "n d"]
) -> Float[np.ndarray, "network n c"]:
    """Values of networks at some points."""
    return np.asarray(outputs_on(run.space.architectures[0], flats, points))


def decoded_values(
    run: Run[FieldData], embeddings: Float[Rows, "network embedding"], points: Float[Rows, "n d"]
) -> Float[np.ndarray, "network n c"]:
    """Values at some points of the networks that embeddings stand for."""
    return values_on(run, generate_many(run.space, 0, embeddings), points)


def features_of(run: Run[FieldData]) -> dict[str, Features]:
    """Features of members: embeddings, the values of their fields, weights, statistics of weights."""
    train, test = run.networks(0, "train").parameters, run.networks(0, "test").parameters
    spec = run.space.architectures[0].spec
    values, test_values = (_comparable(run, split) for split in ("train", "test"))
    return {
        "embedding": (np.asarray(run.space.embeddings[run.space.names[0]]), run.reconstruction(0, "test").embedding),
        "inputs": (values.reshape(len(values), -1), test_values.reshape(len(test_values), -1)),
        "flat": (train, test),
        "statistics": (weight_statistics(spec, train), weight_statistics(spec, test)),
    }


def _comparable(run: Run[FieldData], split: Split) -> Float[np.ndarray, "member n c"]:
    """True values of members' fields; of signals with instants of their own, on straight lines at common instants."""
    data, values = run.dataset, true_values(run, split)
    if data.one_grid or data.behaviour.input_shape != (1,):
        return values
    instants = np.asarray(data.train[0].points)[items_of(run, split), : values.shape[1], 0]
    common = np.linspace(-1, 1, values.shape[1])
    orders = instants.argsort(1)
    lines = [
        [np.interp(common, times[order], channel[order]) for channel in signal.T]
        for times, order, signal in zip(instants, orders, values, strict=True)
    ]
    return np.swapaxes(np.array(lines, np.float32), 1, 2)
