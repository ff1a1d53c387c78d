"""Signals of which little was seen: the embedding whose network passes through that, the decoder frozen."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from netspace_jax.domains.fields.dataset import FieldData, SignalTruth
from netspace_jax.domains.fields.fit_samples import STEPS, fit_embeddings, fit_networks
from netspace_jax.domains.fields.members import decoded_values, true_values, values_on
from netspace_jax.domains.fields.signals import in_time, rms
from netspace_jax.latent import correlated_statistics
from netspace_jax.report import Section, figures
from netspace_jax.report.words import listed
from netspace_jax.runs import Run

SIGNALS, SHOWN = 32, 3
STARTS = 4
KEPT = 0.999  # share of the variance of embeddings along the axes that one is looked for on
ERROR = 0.05  # standard deviation of what the decoder itself gets wrong, in root mean squares of the signals
SEEN = 0.25  # share of samples, at random instants
MISSING = 0.25  # share of samples that are missing one after another
NOISE = 0.3  # standard deviation of noise, in root mean squares of the signals


WAYS = {
    "space": "embedding found in the space",
    "nearest": "training signal that fits best",
    "interpolated": "linear interpolation",
    "own": "network fitted to what was seen",
}


class Seen(NamedTuple):
    """The part of some signals that was seen.

    Attributes:
      mask: which samples, in order of time; of each signal as many.
      noise: standard deviation of what is added to them, in root mean squares of the signals.
    """

    label: str
    mask: Bool[np.ndarray, "signal n"]
    noise: float = 0.0


def gaps(run: Run[FieldData[SignalTruth]]) -> Section:
    """Signals at irregular instants, with a gap, with noise: refined on what was seen, beside what takes no space."""
    (instants, order), architecture = in_time(run), run.space.architectures[0]
    truth, training = true_values(run, "test")[:SIGNALS, order], true_values(run, "train")[:, order]
    embeddings = np.asarray(run.space.embeddings[run.space.names[0]])
    size = float(np.sqrt(np.square(training).mean()))
    metrics, rows, panels, least = {}, [], [], []
    prior = correlated_statistics(embeddings, KEPT)
    for name, seen in cases(len(truth), len(instants)).items():
        noise = np.random.default_rng(1).standard_normal(truth.shape).astype(np.float32)
        values = truth + seen.noise * size * noise
        nearest = np.argsort(_distances(values, training, seen.mask), 1)[:, :STARTS]
        samples = _rows(instants, values, seen.mask)
        networks = fit_networks(architecture, run.dataset.behaviour, samples)
        trust = (seen.noise**2 + ERROR**2) * size**2 * len(prior.axes) / samples.shape[1]
        z = fit_embeddings(run.space, prior, samples, embeddings[nearest], trust)
        fills = {
            "space": decoded_values(run, z, instants[:, None]),
            "nearest": training[nearest[:, 0]],
            "interpolated": interpolated(instants, values, seen.mask),
            "own": values_on(run, networks, instants[:, None]),
        }
        judged = np.ones_like(seen.mask) if seen.mask.all() else ~seen.mask
        errors = {way: float(_masked_rms(fill, truth, judged).mean()) for way, fill in fills.items()}
        metrics |= {f"gaps/{name}_{way}": error for way, error in errors.items()}
        best = min(errors, key=lambda way: errors[way])
        least.append(f"{WAYS[best]} with {seen.label} ({errors[best] / size:.3f})")
        rows.append((seen.label, *(f"{error / size:.3f}" for error in errors.values())))
        panels.append((seen, values, fills))
    text = (
        f"{len(truth)} test signals. Root mean square error where nothing was seen (with noise: everywhere, against "
        f"the signal without it), as a share of the signals' own. The space: the embedding, of {STARTS} begun at "
        f"training signals that fit best, whose network passes through what was seen after {STEPS} steps. The "
        f"least error has {listed(least)}."
    )
    header = ("seen", *WAYS.values())
    figure = _figure(instants, truth, panels)
    return Section("gaps", "Signals of which little was seen", text, metrics, figure, (header, *rows))


def cases(count: int, length: int) -> dict[str, Seen]:
    """Parts of `count` signals of so many samples: of each signal the same number of samples."""
    rng = np.random.default_rng(0)
    irregular = rng.random((count, length)).argsort(1).argsort(1) < max(2, round(SEEN * length))
    missing = max(1, round(MISSING * length))
    begin = rng.integers(1, max(length - missing, 2), count)[:, None]
    place = np.arange(length)[None]
    gap = (place < begin) | (place >= begin + missing)
    return {
        "irregular": Seen(f"{irregular[0].sum()} of {length} samples, at random instants", irregular),
        "gap": Seen(f"all but {missing} samples in a row", gap),
        "noise": Seen(f"all, with noise of {NOISE:g} root mean squares", np.ones((count, length), bool), NOISE),
    }


def interpolated(
    instants: Float[np.ndarray, "n"], values: Float[np.ndarray, "signal n c"], mask: Bool[np.ndarray, "signal n"]
) -> Float[np.ndarray, "signal n c"]:
    """Each channel linear between what was seen, and as its ends beyond."""
    fills = [
        np.stack([np.interp(instants, instants[seen], channel[seen]) for channel in signal.T], 1)
        for signal, seen in zip(values, mask, strict=True)
    ]
    return np.stack(fills).astype(np.float32)


def _rows(instants, values, mask) -> Float[np.ndarray, "signal seen d_and_c"]:
    both = np.concatenate([np.broadcast_to(instants[:, None], (*values.shape[:2], 1)), values], 2)
    return both[mask].reshape(len(values), -1, both.shape[2]).astype(np.float32)


def _distances(values, training, mask) -> Float[np.ndarray, "signal training"]:
    """Squared difference of each signal to each training signal where it was seen, less what is the same for all."""
    seen = mask[..., None] * values
    cross = np.einsum("snc,tnc->st", seen, training)
    return np.einsum("sn,tnc->st", mask.astype(np.float32), np.square(training)) - 2 * cross


def _masked_rms(values, truth, mask) -> Float[np.ndarray, "signal"]:
    return rms(mask[..., None] * values, mask[..., None] * truth) / np.sqrt(mask.mean(1))


def _figure(instants: Float[np.ndarray, "n"], truth: Float[np.ndarray, "signal n c"], panels: list) -> Figure:
    figure, axes = figures.plt.subplots(len(panels), SHOWN, figsize=(10, 2.2 * len(panels)), squeeze=False, sharex=True)
    for line, (seen, values, fills) in zip(axes, panels, strict=True):
        for signal, ax in zip(range(len(truth)), line, strict=False):
            mask, whole = seen.mask[signal], truth[signal, :, 0]
            ax.plot(instants, whole, "-", color="0.6", lw=2.5, label="signal")
            ax.plot(instants[mask], values[signal, mask, 0], "o", color=figures.COLOURS[6], ms=2.5, label="seen")
            ax.plot(instants, fills["space"][signal, :, 0], "-", color=figures.COLOURS[0], lw=1.3, label="space")
            ax.plot(instants, fills["own"][signal, :, 0], ":", color=figures.COLOURS[1], lw=1.3, label="own network")
            margin = 0.5 * np.ptp(whole)
            ax.set_ylim(whole.min() - margin, whole.max() + margin)
        line[0].set_ylabel("value")
        line[0].set_title(seen.label, loc="left", fontsize=9)
    for ax in axes[-1]:
        ax.set_xlabel("time, from -1 to 1")
    axes[0, 0].legend(fontsize=7)
    return figure
