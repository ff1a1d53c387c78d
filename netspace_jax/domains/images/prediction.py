"""Predicting a network's accuracy from its embedding, beside statistics of its weights (Unterthiner et al. 2020)."""

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from netspace_jax.dataset import Split, one_task
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.metrics.outputs import outputs_on, scores_on
from netspace_jax.metrics.reconstruction import kendall_tau
from netspace_jax.metrics.statistics import weight_statistics
from netspace_jax.report import Section
from netspace_jax.report.words import number, relation
from netspace_jax.runs import Run


def ridge(
    train: Float[np.ndarray, "n features"], targets: Float[np.ndarray, "n"], test: Float[np.ndarray, "m features"]
) -> Float[np.ndarray, "m"]:
    """Ridge regression on standardised features; its penalty is chosen by leave-one-out on the training rows."""
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17))).fit(train, targets).predict(test)


def prediction(run: Run[ImageData]) -> Section:
    """Predicting a network's accuracy on test images from what is known of it, for networks never seen."""
    title = run.metric.title
    train, test = (_features(run, split) for split in ("train", "test"))
    train_scores = np.array([member.score_test for i in run.trained_ids for member in run.networks(i, "train").members])
    test_scores = np.concatenate([run.evaluated(i, "test").score for i in run.trained_ids])
    labels = {
        "embedding": "its embedding",
        "statistics": "mean, variance and quantiles of each layer's weights",
        "probes": f"its {title} on the encoder's {run.config.netspace.probes} probe images (training images)",
    }
    metrics, rows = {}, []
    for name in train:
        predicted = ridge(train[name], train_scores, test[name])
        r2, tau = r2_score(test_scores, predicted), kendall_tau(test_scores, predicted)
        metrics |= {f"probe/r2_{name}": float(r2), f"probe/kendall_tau_{name}": float(tau)}
        rows.append((labels[name], number(r2), number(tau)))
    r2 = metrics["probe/r2_embedding"]
    text = (
        f"Ridge regression from what is known of a network to its test {title}, fitted on training members and "
        f"measured on {len(test_scores)} test members. From the embedding R² is {number(r2)}"
    )
    for name in train:
        if name != "embedding":
            other = metrics[f"probe/r2_{name}"]
            text += f"; beside that from {labels[name]}, {number(other)}, it is {relation(r2, other)}"
    title = f"Predicting {title}"
    return Section("prediction", title, f"{text}.", metrics, None, (("from", "R²", "Kendall's τ"), *rows))


def _features(run: Run[ImageData], split: Split) -> dict[str, Float[np.ndarray, "network features"]]:
    """Features that accuracy may be predicted from, for the members of a split, one architecture after another."""
    parts = [_features_of(run, architecture_id, split) for architecture_id in run.trained_ids]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _features_of(run: Run[ImageData], architecture_id: int, split: Split) -> dict[str, np.ndarray]:
    flats, architecture = run.networks(architecture_id, split).parameters, run.space.architectures[architecture_id]
    trained = split == "train"
    z = run.space.embeddings[architecture.name] if trained else run.reconstruction(architecture_id, split).embedding
    features = {"embedding": np.asarray(z)}
    if len(run.trained_ids) == 1:  # statistics of different architectures have different lengths
        features["statistics"] = weight_statistics(architecture.spec, flats)
    probes = run.space.constants.probes
    if run.config.netspace.encoder == "probe" and probes is not None and one_task(run.dataset):
        images = run.dataset.train
        labels = images.y[np.arange(len(probes)) % len(images.y)]  # probes are the first training images
        outputs = outputs_on(architecture, flats, probes)
        features["probes"] = scores_on(run.dataset.behaviour, outputs, labels)[:, None]
    return features
