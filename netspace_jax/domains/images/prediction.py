"""Predicting a network's accuracy from its embedding, beside statistics of its weights (Unterthiner et al. 2020)."""

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from netspace_jax.behaviour import Split
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.metrics.outputs import outputs_on, scores_on
from netspace_jax.metrics.reconstruction import kendall_tau
from netspace_jax.metrics.statistics import weight_statistics
from netspace_jax.report import Section
from netspace_jax.report.words import number, relation, score_name
from netspace_jax.runs import Run


def ridge(
    train: Float[np.ndarray, "n features"], wanted: Float[np.ndarray, "n"], test: Float[np.ndarray, "m features"]
) -> Float[np.ndarray, "m"]:
    """Ridge regression on standardised features; its penalty is chosen by leave-one-out on the training rows."""
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17))).fit(train, wanted).predict(test)


def prediction(run: Run[ImageData]) -> Section:
    """Predicting a network's accuracy on test images from what is known of it, for networks never seen."""
    ids, metric = run.trained_ids, score_name(run.metric)
    features: dict[str, dict[str, list]] = {}
    wanted: dict[str, list] = {}
    splits: tuple[Split, ...] = ("train", "test")
    for split in splits:
        for which in ids:
            found = run.reconstruction(which, split)
            wanted.setdefault(split, []).append(found.score)
            for name, values in _known_of(run, which, split).items():
                features.setdefault(name, {}).setdefault(split, []).append(values)
    scores = {split: np.concatenate(parts) for split, parts in wanted.items()}
    probes = len(run.space.constants.probes)
    labels = {
        "embedding": "its embedding",
        "statistics": "mean, variance and quantiles of each layer's weights",
        "probes": f"its {metric} on the encoder's {probes} probe images (training images)",
    }
    metrics, rows = {}, []
    for name, parts in features.items():
        predicted = ridge(np.concatenate(parts["train"]), scores["train"], np.concatenate(parts["test"]))
        r2, tau = r2_score(scores["test"], predicted), kendall_tau(scores["test"], predicted)
        metrics |= {f"probe/r2_{name}": float(r2), f"probe/kendall_tau_{name}": float(tau)}
        rows.append((labels[name], number(r2), number(tau)))
    text = (
        f"Ridge regression from what is known of a network to its test {metric}, fitted on training members and "
        f"measured on {len(scores['test'])} test members."
    )
    own = metrics["probe/r2_embedding"]
    text += f" From the embedding R² is {number(own)}"
    for name in features:
        if name != "embedding":
            found = metrics[f"probe/r2_{name}"]
            text += f"; beside that from {labels[name]}, {number(found)}, it is {relation(own, found)}"
    text += "."
    return Section("prediction", f"Predicting {metric}", text, metrics, None, (("from", "R²", "Kendall's τ"), *rows))


def _known_of(run: Run[ImageData], which: int, split: Split) -> dict[str, np.ndarray]:
    """What accuracy may be predicted from, for each member of one architecture and split."""
    flats, architecture = run.networks(which, split).parameters, run.space.architectures[which]
    known = {"embedding": run.reconstruction(which, split).embedding}
    if len(run.trained_ids) == 1:  # statistics of different architectures have different lengths
        known["statistics"] = weight_statistics(architecture.spec, flats)
    if run.config.netspace.encoder == "probe":
        probes, train = run.space.constants.probes, run.dataset.train
        labels = train.y[np.arange(len(probes)) % len(train.y)]  # probes are the first training images
        known["probes"] = scores_on(run.dataset.behaviour, outputs_on(architecture, flats, probes), labels)[:, None]
    return known
