"""Reading: which class does the field have that a network holds, from the network alone?"""

import dataclasses
import warnings
from typing import Annotated

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from netspace_jax.architectures import permuted_copies
from netspace_jax.behaviour import Split
from netspace_jax.domains.fields.dataset import FieldData
from netspace_jax.domains.fields.members import items_of
from netspace_jax.domains.fields.probing import probe_accuracy
from netspace_jax.errors import InputError
from netspace_jax.metrics.statistics import weight_statistics
from netspace_jax.report import Section
from netspace_jax.report.words import relation
from netspace_jax.rules import MOST, Range
from netspace_jax.runs import Run
from netspace_jax.space.many import embed_many

HIDDEN, EPOCHS = 128, 40  # of the perceptron
PENALTY = 0.1  # inverse strength of the linear model's penalty (scikit-learn's C)


@dataclasses.dataclass(frozen=True)
class ReadingOptions:
    """What networks are read by."""

    coordinates: Annotated[tuple[int, ...], Range(1, MOST)] = (4, 16, 64, 256)
    """Numbers of learned coordinates; each is one reader that is trained."""


def reading(run: Run[FieldData], options: ReadingOptions) -> Section:
    """Naming the class of what a network holds: from embedding, data, weights, and outputs at learned coordinates."""
    labels = np.asarray(run.dataset.truth.classes)
    train, test = (labels[items_of(run, split)] for split in ("train", "test"))
    architecture, networks = run.space.architectures[0], run.networks(0, "test")
    known, unseen = _features(run, "train"), _features(run, "test")
    names = {
        "embedding": "embedding",
        "inputs": "pixels, or samples, themselves",
        "flat": "flat weights",
        "statistics": "mean, variance and quantiles of each layer's weights",
    }
    metrics, rows, readers = {}, [], {}
    for name, label in names.items():
        linear, perceptron = _readers(known[name], train)
        readers[name] = linear, perceptron
        accuracy = [float(reader.score(unseen[name], test)) for reader in (linear, perceptron)]
        metrics |= {f"classify/{name}_linear": accuracy[0], f"classify/{name}": accuracy[1]}
        rows.append((label, str(known[name].shape[1]), *(f"{value:.3f}" for value in accuracy)))
    for count in options.coordinates:
        found = probe_accuracy(
            architecture,
            run.networks(0, "train").parameters,
            train,
            networks.parameters,
            test,
            probes=count,
        )
        metrics[f"classify/coordinates_{count}"] = found
        rows.append(
            (f"outputs at {count} learned coordinates", str(count * run.space.behaviour.outputs), "", f"{found:.3f}")
        )
    copies = permuted_copies(architecture, networks.parameters)
    if copies is None:
        raise InputError(f"the layers of {architecture.name} do not follow one another: its units cannot be permuted")
    for name, features in (("embedding", embed_many(run.space, 0, copies)), ("flat", copies)):
        same = readers[name][1].predict(features) == readers[name][1].predict(unseen[name])
        metrics[f"classify/permuted_{name}_same"] = float(same.mean())
    metrics["classify/chance"] = float(np.bincount(test).max() / len(test))
    text = (
        f"Readers are trained on {len(train)} networks and name {len(test)} others; the commonest class "
        f"has {metrics['classify/chance']:.3f}. By the embedding a perceptron names "
        f"{metrics['classify/embedding']:.1%} right: "
        f"beside pixels, or samples, that is {relation(metrics['classify/embedding'], metrics['classify/inputs'])}, "
        f"beside flat weights {relation(metrics['classify/embedding'], metrics['classify/flat'])}. Linear: logistic "
        f"regression; perceptron: {HIDDEN} hidden units. With the hidden neurons of each network in another order, "
        f"which changes no output, the perceptron names the same class for "
        f"{metrics['classify/permuted_embedding_same']:.3f} of networks by their embedding, and of "
        f"{metrics['classify/permuted_flat_same']:.3f} by their weights."
    )
    header = ("read from", "values", "linear", "perceptron")
    return Section("reading", "What does the network show?", text, metrics, None, (header, *rows))


def _features(run: Run[FieldData], split: Split) -> dict[str, Float[np.ndarray, "network features"]]:
    networks = run.networks(0, split)
    pixels = run.dataset.values(items_of(run, split))
    name = run.space.names[0]
    embedding = run.space.embeddings[name] if split == "train" else run.reconstruction(0, split).embedding
    return {
        "embedding": np.asarray(embedding),
        "inputs": pixels.reshape(len(pixels), -1),
        "flat": networks.parameters,
        "statistics": weight_statistics(run.space.architectures[0].spec, networks.parameters),
    }


def _readers(features: Float[np.ndarray, "network features"], labels: Int[np.ndarray, "network"]):
    """A linear model and a small perceptron on standardised features; both stop after a set number of passes."""
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=300))
    perceptron = make_pipeline(StandardScaler(), MLPClassifier((HIDDEN,), alpha=1e-2, max_iter=EPOCHS, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return linear.fit(features, labels), perceptron.fit(features, labels)
