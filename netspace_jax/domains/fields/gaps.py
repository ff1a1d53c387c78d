"""Signals of which little was seen: the embedding whose network passes through that, the decoder frozen."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from netspace_jax.dataset import Split
from netspace_jax.domains.fields.dataset import FieldData, SignalTruth
from netspace_jax.domains.fields.fit_samples import STEPS, fit_embeddings, fit_networks
from netspace_jax.domains.fields.gaussian import RIDGES, conditioned
from netspace_jax.domains.fields.members import decoded_values, true_values, values_on
from netspace_jax.domains.fields.signals import in_time, rms
from netspace_jax.latent import correlated_statistics
from netspace_jax.report import Section, figures
from netspace_jax.report.words import listed
from netspace_jax.runs import Run
from netspace_jax.space.mixture import ensemble_of, find_many

SIGNALS, SHOWN = 32, 3
VALIDATION = 16  # signals, at most, that choose
STARTS = 4
KEPT = 0.999  # share of the variance of embeddings along the axes that one is looked for on
ERROR = 0.05  # standard deviation of what the decoder itself gets wrong, in root mean squares of the signals
SEEN = 0.25  # share of samples, at random instants
MISSING = 0.25  # share of samples that are missing one after another
NOISE = 0.3  # standard deviation of noise, in root mean squares of the signals


WAYS = {
    "space": "the space",
    "posterior": "its posterior, without a step",
    "descent": "descent in it",
    "nearest": "training signal that fits best",
    "gaussian": "Gaussian of the training signals",
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

    def values(self, truth: Float[np.ndarray, "signal n c"], size: float) -> Float[np.ndarray, "signal n c"]:
        """Values with their noise; those that were not seen are not to be looked at."""
        noise = np.random.default_rng(1).standard_normal(truth.shape).astype(np.float32)
        return truth + self.noise * size * noise

    def errors(
        self, fill: Float[np.ndarray, "signal n c"], truth: Float[np.ndarray, "signal n c"]
    ) -> Float[np.ndarray, "signal"]:
        """Root mean square error of each signal where nothing was seen; where all was, everywhere."""
        judged = np.ones_like(self.mask) if self.mask.all() else ~self.mask
        return rms(judged[..., None] * fill, judged[..., None] * truth) / np.sqrt(judged.mean(1))


def gaps(run: Run[FieldData[SignalTruth]]) -> Section:
    """Signals at irregular instants, with a gap, with noise: found in the space, beside what takes none.

    Which way is the space's, and the ridge of the Gaussian, is chosen on validation signals, of each case by itself.
    """
    instants, training = in_time(run)[0], _signals(run, "train")
    truth, validation = _signals(run, "test")[:SIGNALS], _signals(run, "validation")[:VALIDATION]
    size = float(np.sqrt(np.square(training).mean()))
    metrics, rows, panels, least = {}, [], [], []
    find = _finder(run, training)
    held = cases(len(validation), len(instants), seed=1)
    for name, seen in cases(len(truth), len(instants)).items():
        values, tried = seen.values(truth, size), held[name].values(validation, size)
        found = find(tried, held[name], size)
        gain = np.subtract(*(held[name].errors(found[way], validation) for way in ("posterior", "descent")))
        way = "descent" if gain.mean() > 2 * gain.std() / np.sqrt(len(gain)) else "posterior"
        ridge = min(RIDGES, key=lambda ridge: _gaussian_error(training, tried, held[name], validation, ridge))
        samples = _rows(instants, values, seen.mask)
        networks = fit_networks(run.space.architectures[0], run.dataset.behaviour, samples)
        ways = find(values, seen, size)
        fills = {"space": ways[way]} | ways
        fills |= {
            "nearest": training[_nearest(values, training, seen.mask)[:, 0]],
            "gaussian": conditioned(training, values, seen.mask, ridge),
            "interpolated": interpolated(instants, values, seen.mask),
            "own": values_on(run, networks, instants[:, None]),
        }
        errors = {way: float(seen.errors(fill, truth).mean()) for way, fill in fills.items()}
        metrics |= {f"gaps/{name}_{way}": error for way, error in errors.items()}
        best = min(errors, key=lambda way: errors[way])
        least.append(f"{WAYS[best]} with {seen.label} ({errors[best] / size:.3f})")
        rows.append((seen.label, *(f"{errors[way] / size:.3f}" for way in WAYS)))
        panels.append((seen, values, fills))
    text = (
        f"{len(truth)} test signals. Root mean square error where nothing was seen (with noise: everywhere, against "
        f"the signal without it), as a share of the signals' own. The space: of its posterior (docs/method.md, eq. 40) "
        f"or, where that has a clearly lower error for {len(validation)} validation signals, {STEPS} steps that begin "
        f"there and at the {STARTS} training signals that fit best. The least error has {listed(least)}."
    )
    figure = _figure(instants, truth, panels)
    return Section("gaps", "Signals of which little was seen", text, metrics, figure, (("seen", *WAYS.values()), *rows))


def _signals(run: Run[FieldData[SignalTruth]], split: Split) -> Float[np.ndarray, "signal n c"]:
    """Signals of a split in order of time."""
    return true_values(run, split)[:, in_time(run)[1]]


def _finder(run: Run[FieldData[SignalTruth]], training: Float[np.ndarray, "training n c"]):
    """A function from values of which some were seen to what the space makes of them, by each of its ways."""
    instants = in_time(run)[0]
    embeddings = np.asarray(run.space.embeddings[run.space.names[0]])
    prior, ensemble = correlated_statistics(embeddings, KEPT), ensemble_of(run.space, embeddings)

    def find(values, seen: Seen, size: float) -> dict[str, Float[np.ndarray, "signal n c"]]:
        samples = _rows(instants, values, seen.mask)
        posterior = find_many(run.space, ensemble, samples[..., :1], samples[..., 1:])
        starts = np.concatenate(
            [posterior[:, None], embeddings[_nearest(values, training, seen.mask)[:, :STARTS]]], axis=1
        )
        trust = (seen.noise**2 + ERROR**2) * size**2 * len(prior.axes) / samples.shape[1]
        ends = fit_embeddings(run.space, prior, samples, starts, trust)
        ways = {"posterior": posterior, "descent": ends}
        return {way: decoded_values(run, z, instants[:, None]) for way, z in ways.items()}

    return find


def _gaussian_error(training, values, seen: Seen, truth, ridge: float) -> float:
    return float(seen.errors(conditioned(training, values, seen.mask, ridge), truth).mean())


def _nearest(values, training, mask) -> np.ndarray:
    """Training signals of each signal, those first that are nearest to it where it was seen."""
    return np.argsort(_distances(values, training, mask), 1)


def cases(count: int, length: int, seed: int = 0) -> dict[str, Seen]:
    """Parts of `count` signals of so many samples: of each signal the same number of samples."""
    rng = np.random.default_rng(seed)
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
