"""Sections of a report about networks that hold signals: how well, and what embeddings say of them linearly."""

import numpy as np
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from sklearn.linear_model import LinearRegression

from netspace_jax.domains.fields.dataset import FieldData, SignalTruth
from netspace_jax.domains.fields.members import LABELS, features_of, items_of, true_values, unseen_values, values_on
from netspace_jax.report import Section, figures
from netspace_jax.report.words import difference, relation
from netspace_jax.runs import Run

SHOWN = 6


def in_time(run: Run[FieldData[SignalTruth]]) -> tuple[Float[np.ndarray, "n"], np.ndarray]:
    """Instants at which all signals of a run are known, in order, and the samples' places in it."""
    instants, order = instants_of(run, np.zeros(1, int))
    return instants[0], order[0]


def instants_of(
    run: Run[FieldData[SignalTruth]], items: Int[np.ndarray, "signal"]
) -> tuple[Float[np.ndarray, "signal n"], Int[np.ndarray, "signal n"]]:
    """Instants at which each of some signals is known, in order, and the samples' places in it."""
    points = np.asarray(run.dataset.train[0].points)[..., 0]
    instants = points[items % len(points), : run.dataset.values(np.zeros(1, int)).shape[1]]
    order = np.argsort(instants, 1)
    return np.take_along_axis(instants, order, 1), order


def signals(run: Run[FieldData[SignalTruth]]) -> Section:
    """Signals never seen: each network, the one generated from it and the refined one, against the signal."""
    truth, values = true_values(run, "test"), unseen_values(run)
    instants, order = instants_of(run, items_of(run, "test")[:SHOWN])
    errors = {name: rms(outputs, truth) for name, outputs in values.items()}
    metrics = {f"signals/rms_{name}": float(error.mean()) for name, error in errors.items()}
    metrics["signals/rms_of_signals"] = float(rms(truth, 0 * truth).mean())
    rows = [
        (LABELS[name], *(f"{value:.4f}" for value in (error.mean(), *np.quantile(error, (0.5, 0.95)))))
        for name, error in errors.items()
    ]
    text = (
        f"Networks of {len(truth)} signals that NetSpace never saw, and their root mean square errors; the signals "
        f"themselves have a root mean square of {metrics['signals/rms_of_signals']:.3f}. The error of what encoder and "
        f"decoder generate is {difference(errors['generated'], errors['members'], digits=4)} beside the networks' own; "
        f"refinement makes it {difference(errors['refined'], errors['generated'], digits=4)}."
    )
    curves = {"signal": truth} | {LABELS[name]: outputs for name, outputs in values.items()}
    shown = {label: np.take_along_axis(outputs[:SHOWN], order[..., None], 1) for label, outputs in curves.items()}
    figure = _curves(instants, shown)
    header = ("networks", "error, mean", "median", "95 %")
    return Section("signals", "Signals that were never seen", text, metrics, figure, (header, *rows))


def readout(run: Run[FieldData[SignalTruth]]) -> Section:
    """The numbers that stand for a signal, by linear regression from embeddings, which no label trained."""
    truth, features = run.dataset.truth, features_of(run)
    train, test = (np.asarray(truth.numbers)[items_of(run, split)] for split in ("train", "test"))
    probes = run.space.probe_reading.inputs
    train_probes, test_probes = (values_on(run, flats, probes).reshape(len(flats), -1) for flats in features["flat"])
    sources = {
        "embedding": ("embedding", features["embedding"]),
        "probes": (f"outputs at the {len(probes)} probes", (train_probes, test_probes)),
        "flat": ("flat weights", features["flat"]),
        "statistics": ("statistics of weights", features["statistics"]),
    }
    metrics, rows = {}, []
    for name, (label, (train_features, test_features)) in sources.items():
        model = LinearRegression().fit(train_features.astype(np.float64), train)
        errors = np.square(model.predict(test_features.astype(np.float64)) - test).mean(0)
        metrics[f"readout/mse_{name}"] = float(errors.mean())
        by_number = dict(zip(truth.names, errors.tolist(), strict=True))
        metrics |= {f"readout/mse_{name}_{number}": error for number, error in by_number.items()}
        rows.append((label, str(train_features.shape[1]), *(f"{error:.3f}" for error in (errors.mean(), *errors))))
    metrics["readout/mse_mean"] = float(np.square(test - train.mean(0)).mean())
    text = (
        f"Linear regression on {len(train)} training networks, mean squared error on {len(test)} others. "
        f"Always naming the mean gives {metrics['readout/mse_mean']:.3f}. From the embedding the error is "
        f"{metrics['readout/mse_embedding']:.3f}: beside that from flat weights "
        f"{relation(metrics['readout/mse_embedding'], metrics['readout/mse_flat'])}, beside that from the probes "
        f"{relation(metrics['readout/mse_embedding'], metrics['readout/mse_probes'])}."
    )
    header = ("read from", "values", "mean squared error", *truth.names)
    return Section("readout", "The numbers of a signal, read from its embedding", text, metrics, None, (header, *rows))


def rms(values: Float[np.ndarray, "signal n c"], truth: Float[np.ndarray, "signal n c"]) -> Float[np.ndarray, "signal"]:
    """Root mean square error of each signal."""
    return np.sqrt(np.square(values - truth).mean((1, 2)))


def _curves(instants: Float[np.ndarray, "signal n"], curves: dict[str, Float[np.ndarray, "signal n c"]]) -> Figure:
    """The first channel of the first signals, a panel for each."""
    count = min(SHOWN, min(map(len, curves.values())))
    figure, axes = figures.plt.subplots(2, -(-count // 2), figsize=(10, 4.4), sharex=True, squeeze=False)
    for signal, ax in zip(range(count), axes.flat, strict=False):
        for (label, values), (colour, _), style in zip(
            curves.items(), figures.styles(len(curves)), ("-", "--", "-.", ":"), strict=False
        ):
            ax.plot(instants[signal], values[signal, :, 0], style, color=colour, lw=1.3, label=label)
    for ax in axes[-1]:
        ax.set_xlabel("time, from -1 to 1")
    for ax in axes[:, 0]:
        ax.set_ylabel("value")
    axes[0, 0].legend(fontsize=7)
    return figure
