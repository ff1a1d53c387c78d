"""Reading: which class does the field have that a network holds, from the network alone?"""

import dataclasses
import warnings

import numpy as np
from jaxtyping import Float, Int
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from netspace_jax.architectures import permuted_copies
from netspace_jax.domains.fields.dataset import FieldData
from netspace_jax.domains.fields.members import features_of, items_of
from netspace_jax.domains.fields.probing import probe_accuracy
from netspace_jax.errors import InputError
from netspace_jax.report import Section
from netspace_jax.report.words import relation
from netspace_jax.rules import Count
from netspace_jax.runs import Run
from netspace_jax.space.batched import embed_many

HIDDEN, EPOCHS = 128, 40  # of the perceptron
PENALTY = 0.1  # inverse strength of the linear model's penalty (scikit-learn's C)


@dataclasses.dataclass(frozen=True)
class ReadingOptions:
    """Flags of `reading`."""

    coordinates: tuple[Count, ...] = (4, 16, 64, 256)
    """Numbers of learned coordinates; each is one reader that is trained."""


def reading(run: Run[FieldData], options: ReadingOptions) -> Section:
    """Naming the class of what a network holds: from embedding, data, weights, and outputs at learned coordinates."""
    labels = np.asarray(run.dataset.truth.classes)
    train, test = (labels[items_of(run, split)] for split in ("train", "test"))
    architecture, features = run.space.architectures[0], features_of(run)
    names = {
        "embedding": "embedding",
        "inputs": "pixels, or samples, themselves",
        "flat": "flat weights",
        "statistics": "mean, variance and quantiles of each layer's weights",
    }
    metrics, rows, perceptrons = {}, [], {}
    for name, label in names.items():
        train_features, test_features = features[name]
        linear, perceptrons[name] = _readers(train_features, train)
        accuracies = [float(reader.score(test_features, test)) for reader in (linear, perceptrons[name])]
        metrics |= {f"classify/{name}_linear": accuracies[0], f"classify/{name}": accuracies[1]}
        rows.append((label, str(train_features.shape[1]), *(f"{accuracy:.3f}" for accuracy in accuracies)))
    flats, test_flats = features["flat"]
    for count in options.coordinates:
        accuracy = probe_accuracy(architecture, flats, train, test_flats, test, probes=count)
        metrics[f"classify/coordinates_{count}"] = accuracy
        size = str(count * run.space.behaviour.outputs)
        rows.append((f"outputs at {count} learned coordinates", size, "", f"{accuracy:.3f}"))
    copies = permuted_copies(architecture, test_flats)
    if copies is None:
        raise InputError(f"the layers of {architecture.name} do not follow one another: its units cannot be permuted")
    for name, copied in (("embedding", embed_many(run.space, 0, copies)), ("flat", copies)):
        same = perceptrons[name].predict(copied) == perceptrons[name].predict(features[name][1])
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


def _readers(features: Float[np.ndarray, "network features"], labels: Int[np.ndarray, "network"]):
    """A linear model and a small perceptron on standardised features; both stop after a set number of passes."""
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=300))
    perceptron = make_pipeline(StandardScaler(), MLPClassifier((HIDDEN,), alpha=1e-2, max_iter=EPOCHS, random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return linear.fit(features, labels), perceptron.fit(features, labels)
