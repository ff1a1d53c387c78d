"""Predicting a network's accuracy from its embedding, beside simple statistics of its weights (Unterthiner et al. 2020)."""

import numpy as np
from jaxtyping import Float
from scipy.stats import kendalltau
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from netspace_jax.architectures.parameters import Spec
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained, shown_kinds
from netspace_jax.space.behaviour import outputs_on, score_outputs

_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def weight_statistics(spec: Spec, flats: Float[np.ndarray, "network size"]) -> Float[np.ndarray, "network statistics"]:
    """Mean, variance and five quantiles of each leaf of each network's parameters: the baseline of Unterthiner et al."""
    columns = []
    for leaf, start in zip(spec.leaves, spec.offsets, strict=True):
        part = np.asarray(flats)[:, start:start + leaf.size]
        columns += [part.mean(1), part.var(1), *np.quantile(part, _QUANTILES, axis=1)]
    return np.stack(columns, 1)


def ridge(train: Float[np.ndarray, "n features"], wanted: Float[np.ndarray, "n"],
          test: Float[np.ndarray, "m features"]) -> Float[np.ndarray, "m"]:
    """Ridge regression on standardised features; its penalty is chosen by leave-one-out on the training rows."""
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17))).fit(train, wanted).predict(test)


def _probe_scores(trained: Trained, kind: int, flats: Float[np.ndarray, "network size"]) -> Float[np.ndarray, "network 1"]:
    """Accuracy on the encoder's probe images, which are the first training images."""
    labels = trained.task.train.y[np.arange(len(trained.constants.probes)) % len(trained.task.train.y)]
    outputs = outputs_on(trained.netspace.architectures[kind], flats, trained.constants.probes)
    return score_outputs(outputs, labels, trained.task)[:, None]


def prediction(trained: Trained) -> Section:
    """Accuracy on test images of networks that neither NetSpace nor the regression saw, predicted from what is known of them."""
    kinds, metric = shown_kinds(trained.config), trained.task.metric
    features: dict[str, dict[str, list]] = {}
    wanted: dict[str, list] = {}
    for split in ("train", "test"):
        for kind in kinds:
            found = reconstruct_split(trained, kind, split)
            flats = trained.networks(kind, split).parameters
            architecture = trained.netspace.architectures[kind]
            wanted.setdefault(split, []).append(found.score)
            own = {"embedding": found.embedding}
            if len(kinds) == 1:  # statistics of different architectures have different lengths
                own["statistics"] = weight_statistics(architecture.spec, flats)
            if trained.config.netspace.encoder == "probe":
                own["probes"] = _probe_scores(trained, kind, flats)
            for name, values in own.items():
                features.setdefault(name, {}).setdefault(split, []).append(values)
    scores = {split: np.concatenate(parts) for split, parts in wanted.items()}
    labels = {"embedding": "its embedding", "statistics": "mean, variance and quantiles of each layer's weights",
              "probes": f"its {metric} on the encoder's {len(trained.constants.probes)} probe images (training images)"}
    metrics, rows = {}, []
    for name, parts in features.items():
        predicted = ridge(np.concatenate(parts["train"]), scores["train"], np.concatenate(parts["test"]))
        r2, tau = r2_score(scores["test"], predicted), kendalltau(scores["test"], predicted).statistic
        metrics |= {f"probe/r2_{name}": float(r2), f"probe/kendall_tau_{name}": float(tau)}
        rows.append((labels[name], f"{r2:.3f}", f"{tau:.3f}"))
    text = (f"Ridge regression from what is known of a network to its test {metric}, fitted on training members and "
            f"measured on {len(scores['test'])} test members.")
    if "probes" in features:
        text += (f" The encoder runs each network on probe images, so its {metric} there, which needs no embedding, is the figure "
                 "to beat.")
    return Section("probe", f"Predicting {metric}", text, metrics, None, (("from", "R²", "Kendall's τ"), *rows))
