"""Fidelity: how well generated networks agree with their inputs, beside baselines (docs/method.md, Metrics)."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from netspace_jax.architectures import permuted_copies
from netspace_jax.behaviour import one_task
from netspace_jax.metrics.baselines import distilled, nearest_networks
from netspace_jax.metrics.interval import mean_interval
from netspace_jax.metrics.novelty import disturbed
from netspace_jax.metrics.outputs import compare, outputs_of
from netspace_jax.metrics.reconstruction import Reconstruction, decode_and_compare, gaps
from netspace_jax.metrics.spread import HIGH, spread
from netspace_jax.ops.mapping import Rows
from netspace_jax.report.section import Section
from netspace_jax.report.words import difference, score_name
from netspace_jax.rules import Count
from netspace_jax.runs import Run
from netspace_jax.space.many import embed_many, generate_many

BANDS = ((0.0, 0.3), (0.3, 0.8), (0.8, 1.01))
"""Scores of input networks between which agreement is also given."""

_JUDGED = {"train": "", "validation": "; how far each embedding moves is judged on inputs of the validation split"}


class Row(NamedTuple):
    """One way to a network that does what a given one does: scores of input and result, and their agreement."""

    name: str
    label: str
    wanted: Float[np.ndarray, "network"]
    score: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]

    @property
    def gaps(self) -> Float[np.ndarray, "network"]:
        """How far the score of each is from the one wanted."""
        return gaps(self.wanted, self.score)

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        bands = []
        for low, high in BANDS:
            inside = (self.wanted >= low) & (self.wanted < high)
            bands.append(f"{self.agreement[inside].mean():.3f}" if inside.any() else "–")
        low, high = mean_interval(self.agreement)
        # No line break within the interval.
        interval = f"{self.agreement.mean():.3f}\u00a0({low:.3f}\u2060–\u2060{high:.3f})"
        return self.label, interval, *bands, f"{self.gaps.mean():.4f}"


@dataclasses.dataclass(frozen=True)
class FidelityOptions:
    """What generated networks are compared with."""

    distil_times: tuple[Count, ...] = (1,)
    """Distillation without a space takes so many times the steps of refinement; each number is a row."""


def fidelity(run: Run, options: FidelityOptions) -> Section:
    """Fidelity: generated and refined networks against what takes no space, in agreement and gap, and their spread."""
    rows = [row for which in run.trained_ids for row in _rows(run, which, options)]
    metrics = _means(rows) | _spreads(run, run.trained_ids[0]) | _permuted(run, run.trained_ids[0])
    taus = [run.refined(which).kendall_tau for which in run.trained_ids]
    scores = [run.refined(which).generated_score.mean() for which in run.trained_ids]
    metrics |= {
        "refined/kendall_tau_test": float(np.mean(taus)),
        f"refined/{run.metric}_test": float(np.mean(scores)),
        "refined/seconds_per_network": run.refine_seconds,
    }
    bands = tuple(f"{low:g}–{min(high, 1):g}" for low, high in BANDS)
    label = score_name(run.metric)
    header = ("network", "agreement", *(f"agreement, inputs scored {band}" for band in bands), "gap")
    steps = run.config.refine.steps
    best = max(
        (name for name in metrics if name.startswith("baseline/") and "agreement" in name and "noise" not in name),
        key=metrics.__getitem__,
    )
    refined, encoded, baseline = (
        np.concatenate([row.agreement for row in rows if row.name == name])
        for name in ("refined", "encoder", best.split("/")[1])
    )
    text = (
        f"Test members, never seen; in brackets, 95 % intervals over networks. Scored by: {label}. Refined: {steps} "
        f"gradient steps on the "
        f"embedding, the decoder frozen, without labels, on training inputs{_JUDGED[run.config.refine.judged_on]}. "
        f"Refined embeddings have an agreement of "
        f"{metrics['refined/agreement_test']:.3f}: against the encoder alone it is {difference(refined, encoded)}; "
        f"against the best of the baselines without noise, {best.split('/')[1].replace('_', ' ')} with "
        f"{metrics[best]:.3f}, it is {difference(refined, baseline)}."
    )
    if "spread/members" in metrics:
        text += (
            f" Two members of like {label} disagree on {_shown(metrics['spread/members'])} of inputs, two refined "
            f"networks on {_shown(metrics['spread/refined'])}; among those from {HIGH} on "
            f"{_shown(metrics['spread/members_high'])} and {_shown(metrics['spread/refined_high'])}."
        )
    if "permuted/agreement_test" in metrics:
        text += (
            f" Copies with permuted neurons, which compute the same, are generated as networks that agree with those "
            f"of the originals on {metrics['permuted/agreement_test']:.4f} of inputs."
        )
    return Section("fidelity", "Is it the same network?", text, metrics, None, (header, *(row.cells() for row in rows)))


def _shown(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "– (no such pair)"


def _means(rows: list[Row]) -> dict[str, float]:
    """Figures of each way, averaged over architectures."""
    metrics: dict[str, float] = {}
    for name in dict.fromkeys(row.name for row in rows):
        own = [row for row in rows if row.name == name]
        if name in ("encoder", "refined"):
            place = "reconstruct" if name == "encoder" else "refined"
            low, high = mean_interval(np.concatenate([row.agreement for row in own]))
            metrics |= {f"{place}/agreement_test_low": low, f"{place}/agreement_test_high": high}
            low, high = mean_interval(np.concatenate([row.gaps for row in own]))
            metrics |= {f"{place}/gap_test_low": low, f"{place}/gap_test_high": high}
            metrics |= _in_bands(place, own)
        if name == "encoder":  # the section of the reconstruction has these
            continue
        key = name if name == "refined" else f"baseline/{name}"
        metrics[f"{key}/agreement_test"] = float(np.mean([row.agreement.mean() for row in own]))
        metrics[f"{key}/gap_test"] = float(np.mean([row.gaps.mean() for row in own]))
    return metrics


def _in_bands(place: str, rows: list[Row]) -> dict[str, float]:
    """Agreement and gap of input networks within bands of score, over all architectures."""
    wanted, agreement, gap = (
        np.concatenate([getattr(row, name) for row in rows]) for name in ("wanted", "agreement", "gaps")
    )
    metrics = {}
    for low, high in BANDS:
        inside = (wanted >= low) & (wanted < high)
        if inside.any():
            band = f"{low:g}_{min(high, 1):g}"
            metrics[f"{place}/agreement_{band}"] = float(agreement[inside].mean())
            metrics[f"{place}/gap_{band}"] = float(gap[inside].mean())
    return metrics


def _rows(run: Run, which: int, options: FidelityOptions) -> list[Row]:
    networks, architecture = run.networks(which, "test"), run.space.architectures[which]
    prefix = f"{architecture.name}: " if len(run.trained_ids) > 1 else ""

    def of_embeddings(name: str, label: str, found: Reconstruction) -> Row:
        return Row(name, prefix + label, found.score, found.generated_score, found.agreement)

    def of_weights(name: str, label: str, flats: Float[Rows, "network size"]) -> Row:
        found = compare(run.dataset, architecture, networks.parameters, flats, members=networks.indices)
        return Row(name, prefix + label, *found)

    mean = np.repeat(np.asarray(run.space.region().mean)[None], len(networks.members), 0)
    constant = decode_and_compare(run.space, run.dataset, networks, mean, architecture_id=which)
    rows = [
        of_embeddings("encoder", "encoder alone", run.reconstruction(which, "test")),
        of_embeddings("refined", "refined", run.refined(which)),
        of_embeddings("mean_embedding", "mean embedding", constant),
        of_weights("noise", "10 % noise on the weights", disturbed(networks.parameters, 0.1)),
    ]
    if one_task(run.dataset):
        inputs, behaviour = run.dataset.examples("train").inputs, run.space.behaviour
        training = run.networks(which, "train").parameters
        nearest = nearest_networks(behaviour, architecture, networks.parameters, training, inputs)
        rows.append(of_weights("nearest_network", "nearest training network, by training inputs", training[nearest]))
        for times in options.distil_times:
            steps, batch = times * run.config.refine.steps, run.config.refine.batch
            flats = distilled(behaviour, architecture, networks.parameters, inputs, steps=steps, batch=batch)
            name = "distilled" if times == 1 else f"distilled_{times}"
            rows.append(of_weights(name, f"distilled without a space, {steps} steps", flats))
    return rows


def _spreads(run: Run, which: int) -> dict[str, float]:
    if not one_task(run.dataset):
        return {}
    architecture, behaviour = run.space.architectures[which], run.dataset.behaviour
    generated, refined = run.reconstruction(which, "test"), run.refined(which)
    metrics = {}
    for name, flats, scores in (
        ("members", run.networks(which, "test").parameters, generated.score),
        ("generated", generated.generated, generated.generated_score),
        ("refined", refined.generated, refined.generated_score),
    ):
        outputs = outputs_of(run.dataset, architecture, flats)
        metrics[f"spread/{name}"] = spread(behaviour, outputs, scores)
        metrics[f"spread/{name}_high"] = spread(behaviour, outputs, scores, HIGH)
    return metrics


def _permuted(run: Run, which: int) -> dict[str, float]:
    """What becomes of copies with permuted hidden units (Zeng et al. 2025, arXiv 2506.07998, section on symmetry)."""
    networks, architecture = run.networks(which, "test"), run.space.architectures[which]
    permuted = permuted_copies(architecture, networks.parameters)
    if permuted is None:
        return {}
    original = run.reconstruction(which, "test")
    copies = embed_many(run.space, which, permuted)
    generated = generate_many(run.space, which, copies)
    found = compare(run.dataset, architecture, original.generated, generated, members=networks.indices)
    unit = original.embedding.std()
    return {
        "permuted/agreement_test": float(found[2].mean()),
        "permuted/embedding_difference": float(np.abs(copies - original.embedding).max() / unit),
    }
