"""Fidelity: how well generated networks agree with their inputs, beside baselines (docs/method.md, Metrics)."""

import dataclasses
import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from netspace_jax.architectures import permuted_copies
from netspace_jax.dataset import one_task
from netspace_jax.metrics.baselines import distilled, nearest_networks
from netspace_jax.metrics.interval import mean_interval
from netspace_jax.metrics.novelty import add_noise
from netspace_jax.metrics.outputs import agreements, evaluate
from netspace_jax.metrics.reconstruction import Reconstruction, gaps
from netspace_jax.metrics.spread import HIGH, LOW, score_at, spread
from netspace_jax.ops.mapping import Rows
from netspace_jax.report.section import Section
from netspace_jax.report.words import difference
from netspace_jax.rules import Count
from netspace_jax.runs import Run
from netspace_jax.space.batched import embed_members, generate_many

_JUDGED = {"train": "", "validation": "; how far each embedding moves is judged on inputs of the validation split"}


class Row(NamedTuple):
    """One way to networks that do what given ones do: scores of these and of the results, and their agreement."""

    name: str
    label: str
    target_score: Float[np.ndarray, "network"]
    score: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]

    @property
    def gaps(self) -> Float[np.ndarray, "network"]:
        """Distance of each score from its target's."""
        return gaps(self.target_score, self.score)


@dataclasses.dataclass(frozen=True)
class FidelityOptions:
    """What generated networks are compared with."""

    distil_times: tuple[Count, ...] = (1,)
    """Distillation without a space takes so many times the steps of refinement; each number is a row."""


def fidelity(run: Run, options: FidelityOptions) -> Section:
    """Fidelity: generated and refined networks against what takes no space, in agreement and gap, and their spread."""
    rows = [row for architecture_id in run.trained_ids for row in _rows(run, architecture_id, options)]
    scores = np.concatenate([row.target_score for row in rows])
    edges = [score_at(run.metric, scores, share) for share in (0.0, LOW, HIGH, 1.0)]
    first, refined = run.trained_ids[0], [run.refined(architecture_id) for architecture_id in run.trained_ids]
    metrics = _means(rows, edges) | _spreads(run, first) | _permuted(run, first)
    metrics |= {
        "refined/kendall_tau_test": float(np.mean([one.kendall_tau for one in refined])),
        f"refined/{run.metric}_test": float(np.mean([one.generated_score.mean() for one in refined])),
        "refined/seconds_per_network": run.refine_seconds,
    }
    bands = (f"agreement, networks that score {low:g}–{high:g}" for low, high in itertools.pairwise(edges))
    table = (("network", "agreement", *bands, "gap"), *(_cells(row, edges) for row in rows))
    return Section("fidelity", "Is it the same network?", _text(run, rows, metrics), metrics, None, table)


def _text(run: Run, rows: list[Row], metrics: dict[str, float]) -> str:
    names = [row.name for row in rows if row.name not in ("encoder", "refined", "noise")]
    best = max(names, key=lambda name: metrics[f"baseline/{name}/agreement_test"])
    refined, encoded, baseline = (
        np.concatenate([row.agreement for row in rows if row.name == name]) for name in ("refined", "encoder", best)
    )
    text = (
        f"Test members, never seen; in brackets, 95 % intervals over networks. Scored by: {run.metric.title}. Refined: "
        f"{run.config.refine.steps} gradient steps on the embedding, the decoder frozen, without labels, on training "
        f"inputs{_JUDGED[run.config.refine.judged_on]}. Refined embeddings have an agreement of "
        f"{metrics['refined/agreement_test']:.3f}: against the encoder alone it is {difference(refined, encoded)}; "
        f"against the best of the baselines without noise, {best.replace('_', ' ')} with "
        f"{metrics[f'baseline/{best}/agreement_test']:.3f}, it is {difference(refined, baseline)}."
    )
    if "spread/members" in metrics:
        high = score_at(run.metric, rows[0].target_score, HIGH)
        text += (
            f" Pairs of equally good networks ({run.metric.title}) differ on {_pairs(metrics['spread/members'])} of "
            f"inputs (originals) and {_pairs(metrics['spread/refined'])} (refined); from {high:g} on, on "
            f"{_pairs(metrics['spread/members_high'])} and {_pairs(metrics['spread/refined_high'])}."
        )
    if "permuted/agreement_test" in metrics:
        text += (
            f" Copies with permuted neurons, which compute the same, are generated as networks that agree with those "
            f"of the originals on {metrics['permuted/agreement_test']:.4f} of inputs."
        )
    return text


def _pairs(value: float) -> str:
    return f"{value:.1%}" if np.isfinite(value) else "– (no such pair)"


def _in_bands(scores: Float[np.ndarray, "network"], edges: list[float]) -> list[np.ndarray]:
    """Rows whose score is between each two edges; the first and the last band have what lies beyond."""
    band = np.digitize(scores, edges[1:-1])
    return [np.flatnonzero(band == number) for number in range(len(edges) - 1)]


def _cells(row: Row, edges: list[float]) -> tuple[str, ...]:
    """A row as text."""
    low, high = mean_interval(row.agreement)
    # No line break within the interval.
    interval = f"{row.agreement.mean():.3f}\u00a0({low:.3f}\u2060–\u2060{high:.3f})"
    bands = (f"{row.agreement[rows].mean():.3f}" if len(rows) else "–" for rows in _in_bands(row.target_score, edges))
    return row.label, interval, *bands, f"{row.gaps.mean():.4f}"


def _means(rows: list[Row], edges: list[float]) -> dict[str, float]:
    """Figures of each way, averaged over architectures."""
    metrics: dict[str, float] = {}
    for name in dict.fromkeys(row.name for row in rows):
        of_name = [row for row in rows if row.name == name]
        if name in ("encoder", "refined"):
            metrics |= _intervals("reconstruct" if name == "encoder" else "refined", of_name, edges)
        if name == "encoder":  # the section of the reconstruction has these
            continue
        key = name if name == "refined" else f"baseline/{name}"
        metrics[f"{key}/agreement_test"] = float(np.mean([row.agreement.mean() for row in of_name]))
        metrics[f"{key}/gap_test"] = float(np.mean([row.gaps.mean() for row in of_name]))
    return metrics


def _intervals(key: str, rows: list[Row], edges: list[float]) -> dict[str, float]:
    """Intervals of agreement and gap over the networks of all architectures, and their means within bands of score."""
    inside = _in_bands(np.concatenate([row.target_score for row in rows]), edges)
    metrics = {}
    for name in ("agreement", "gap"):
        values = np.concatenate([row.agreement if name == "agreement" else row.gaps for row in rows])
        metrics[f"{key}/{name}_test_low"], metrics[f"{key}/{name}_test_high"] = mean_interval(values)
        for (low, high), networks in zip(itertools.pairwise(edges), inside, strict=True):
            if len(networks):
                metrics[f"{key}/{name}_{low:g}_{high:g}"] = float(values[networks].mean())
    return metrics


def _rows(run: Run, architecture_id: int, options: FidelityOptions) -> list[Row]:
    networks, architecture = run.networks(architecture_id, "test"), run.space.architectures[architecture_id]
    members, behaviour = run.evaluated(architecture_id, "test"), run.dataset.behaviour
    prefix = f"{architecture.name}: " if len(run.trained_ids) > 1 else ""

    def generated(name: str, label: str, found: Reconstruction) -> Row:
        return Row(name, prefix + label, found.score, found.generated_score, found.agreement)

    def baseline(name: str, label: str, flats: Float[Rows, "network size"]) -> Row:
        found = evaluate(run.dataset, architecture, flats, networks.indices)
        agreement = agreements(behaviour, members.outputs, found.outputs)
        return Row(name, prefix + label, members.score, found.score, agreement)

    mean = np.asarray(run.space.embeddings[architecture.name]).mean(0, keepdims=True)
    center = generate_many(run.space, architecture_id, mean)
    rows = [
        generated("encoder", "encoder alone", run.reconstruction(architecture_id, "test")),
        generated("refined", "refined", run.refined(architecture_id)),
        baseline("mean_embedding", "mean embedding", np.repeat(center, len(networks.members), 0)),
        baseline("noise", "10 % noise on the weights", add_noise(networks.parameters, 0.1)),
    ]
    if one_task(run.dataset):
        inputs, training = run.dataset.examples("train").inputs, run.networks(architecture_id, "train").parameters
        nearest = nearest_networks(run.space.behaviour, architecture, networks.parameters, training, inputs)
        label = "nearest training network, by training inputs"
        rows.append(baseline("nearest_network", label, training[nearest]))
        for times in options.distil_times:
            steps, batch = times * run.config.refine.steps, run.config.refine.batch
            flats = distilled(run.space.behaviour, architecture, networks.parameters, inputs, steps=steps, batch=batch)
            name = "distilled" if times == 1 else f"distilled_{times}"
            rows.append(baseline(name, f"distilled without a space, {steps} steps", flats))
    return rows


def _spreads(run: Run, architecture_id: int) -> dict[str, float]:
    if not one_task(run.dataset):
        return {}
    generated, refined = run.reconstruction(architecture_id, "test"), run.refined(architecture_id)
    metrics, high = {}, score_at(run.metric, generated.score, HIGH)
    for name, outputs, scores in (
        ("members", generated.outputs, generated.score),
        ("generated", generated.generated_outputs, generated.generated_score),
        ("refined", refined.generated_outputs, refined.generated_score),
    ):
        metrics[f"spread/{name}"] = spread(run.dataset.behaviour, outputs, scores)
        metrics[f"spread/{name}_high"] = spread(run.dataset.behaviour, outputs, scores, high)
    return metrics


def _permuted(run: Run, architecture_id: int) -> dict[str, float]:
    """Copies with permuted hidden units (Zeng et al. 2025, arXiv 2506.07998, section on symmetry)."""
    networks, architecture = run.networks(architecture_id, "test"), run.space.architectures[architecture_id]
    permuted = permuted_copies(architecture, networks.parameters)
    if permuted is None:
        return {}
    original = run.reconstruction(architecture_id, "test")
    z = embed_members(run.space, architecture_id, permuted, run.dataset, networks.indices)
    copies = evaluate(run.dataset, architecture, generate_many(run.space, architecture_id, z), networks.indices)
    agreement = agreements(run.dataset.behaviour, original.generated_outputs, copies.outputs)
    return {
        "permuted/agreement_test": float(agreement.mean()),
        "permuted/embedding_difference": float(np.abs(z - original.embedding).max() / original.embedding.std()),
    }
