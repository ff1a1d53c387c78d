"""Sections of a report about several architectures in one space (docs/method.md, eq. 16 to 18)."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from netspace_jax.dataset import one_task
from netspace_jax.metrics.baselines import distilled
from netspace_jax.metrics.interpolation import Between, all_pairs, between_boundaries
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.metrics.spread import pairwise_agreement
from netspace_jax.report.section import Section
from netspace_jax.report.words import number, relation
from netspace_jax.runs import Run
from netspace_jax.space.batched import classify_many, generate_many

DISTILLED = 4  # networks of each architecture

UNSEEN_TEXT = (
    "Networks of these architectures were never shown to NetSpace, but it was taught what should lie between the "
    "architectures that were: at interpolated embeddings the generated network learned from a teacher and from labels, "
    "read as the architecture in between. So they are unseen as instances, not unheard of."
)


def architectures(run: Run) -> Section:
    """Architectures: generated against directly trained networks of each, and how well the head tells them apart."""
    metric, metrics, rows, read_right, pairs = run.metric, {}, [], [], {}
    for architecture_id in run.trained_ids:
        architecture = run.space.architectures[architecture_id]
        name, found = architecture.name, run.reconstruction(architecture_id, "test")
        zoo_mean = float(run.zoo.scores(name).mean())
        read_right.append(float((found.read_as == architecture_id).mean()))
        metrics[f"zoo/{name}/{metric}_mean"] = zoo_mean
        metrics[f"reconstruct/{name}/{metric}_test"] = float(found.generated_score.mean())
        pairs[name] = _pairs(run, architecture_id)
        if pairs[name]:
            metrics[f"pairwise/{name}/members"], metrics[f"pairwise/{name}/generated"] = pairs[name]
        figures = (zoo_mean, found.score.mean(), *_mean_min_max(found.generated_score), found.agreement.mean())
        cells = (*(f"{value:.3f}" for value in figures), *(f"{value:.3f}" for value in pairs[name] or ()))
        cells += () if pairs[name] else ("–", "–")
        rows.append((name, str(architecture.size), *cells, f"{read_right[-1]:.0%} of {len(found.score)}"))
    metrics["architecture/accuracy_test"] = float(np.mean(read_right))
    header = ("architecture", "parameters", f"{metric.title} of the zoo", "of test members")
    header += ("of networks generated from them", "min", "max", "agreement")
    header += ("two members agree on", "two generated on", "head accuracy")
    count = sum(len(run.networks(architecture_id, "test").members) for architecture_id in run.trained_ids)
    text = (
        f"{count} test members, none of them used in training. The head names the architecture of "
        f"{metrics['architecture/accuracy_test']:.1%} of their embeddings; the encoder is told of "
        "it by what it sees of a network alone."
    )
    text += kept({name: pair for name, pair in pairs.items() if pair}, metric.agreement, run.config.netspace.teaching)
    return Section("architectures", "Architectures", text, metrics, None, (header, *rows))


def _pairs(run: Run, architecture_id: int) -> tuple[float, float] | None:
    """Mean agreement of two different test members, and of two networks that were generated from different ones."""
    found = run.reconstruction(architecture_id, "test")
    if not one_task(run.dataset) or len(found.score) < 2:
        return None
    members, generated = (
        pairwise_agreement(run.dataset.behaviour, outputs) for outputs in (found.outputs, found.generated_outputs)
    )
    return members, generated


def kept(pairs: Mapping[str, tuple[float, float]], same: str, teaching: str) -> str:
    """Whether networks that are generated from different members of an architecture differ as these do.

    Args:
      pairs: by architecture, on how many inputs two members agree, and two that were generated from them.
    """
    text, lost = "", False
    for name, (members, generated) in pairs.items():
        text += f" Two different {name}s of the zoo {same} on {members:.1%} of test inputs, two generated from them on "
        if round(generated, 3) <= round(members, 3):
            text += f"{generated:.1%}: what tells them apart is kept."
        else:
            lost = True
            text += f"{generated:.1%}: of their disagreement {(1 - generated) / (1 - members):.0%} is kept."
    if lost and teaching == "common":
        text += (
            " One common teacher asks the same outputs of all of them; with each its own teacher more could be kept."
        )
    return text


class _Unseen(NamedTuple):
    """Networks generated between two architectures.

    Attributes:
      scores: of the generated networks; `distilled`: of networks that learned from the common teacher, where there is
        one.
      scratch: mean score of the zoo's own networks of the architecture.
    """

    name: str
    shown: bool
    scores: Float[np.ndarray, "pair"]
    distilled: Float[np.ndarray, "network"] | None
    scratch: float
    read_right: float


def unseen(run: Run) -> Section:
    """Architectures between two others, over many pairs: those never shown in training, and those that were."""
    ends = {architecture_id: run.reconstruction(architecture_id, "test") for architecture_id in run.trained_ids}
    found = [_measured(run, between) for between in between_boundaries(run.space, ends, all_pairs)]
    teacher = [member.score_test for member in run.zoo.members if member.split == "teacher"]
    metric, settings, metrics, rows, outcomes = run.metric, run.config.netspace, {}, [], ""
    for one in found:
        key = f"{'between' if one.shown else 'unseen'}/{one.name}"
        mean, least, most = _mean_min_max(one.scores)
        metrics |= {f"{key}/{metric}": mean, f"{key}/scratch_{metric}": one.scratch}
        if one.distilled is not None:
            metrics[f"{key}/distilled_{metric}"] = float(one.distilled.mean())
        others = (
            f"{one.scratch:.3f}",
            "–" if one.distilled is None else f"{one.distilled.mean():.3f}",
            f"{np.mean(teacher):.3f}" if teacher else "–",
            f"{run.dataset.chance('test'):.3f}",
        )
        networks = "trained the space" if one.shown else "never shown"
        scores = (f"{value:.3f}" for value in (mean, least, most))
        rows.append((one.name, networks, str(len(one.scores)), *scores, *others, f"{one.read_right:.0%}"))
        outcomes += (
            f" For {one.name}s generated there {metric.title} is {mean:.3f} ({least:.3f} to {most:.3f}), for those "
            f"trained directly {number(one.scratch)} on average: for the generated ones it is "
            f"{relation(mean, one.scratch)}."
        )
    header = ("architecture", "its networks", "pairs", f"generated: mean {metric.title}", "min", "max")
    header += ("trained directly, mean", "distilled without a space", "teacher", "chance", "head accuracy")
    never = len(run.trained_ids) < len(run.space.architectures)
    text = UNSEEN_TEXT if never else "Embeddings half-way are read as the architectures in between."
    if run.config.zoo.teacher:
        text += (
            f" Distilled without a space: {DISTILLED} networks of the architecture that imitate the same teacher for "
            f"as many inputs, {settings.steps} steps of {settings.batch}."
        )
    title = "Architectures between two others"
    return Section("unseen", title, text + outcomes, metrics, None, (header, *rows))


def _measured(run: Run, between: Between) -> _Unseen:
    architecture = run.space.architectures[between.architecture_id]
    flats = generate_many(run.space, between.architecture_id, between.embedding)
    return _Unseen(
        architecture.name,
        between.architecture_id in run.trained_ids,
        scores_of(run.dataset, architecture, flats),
        _distilled(run, between.architecture_id),
        float(run.zoo.scores(architecture.name).mean()),
        float(np.mean(classify_many(run.space, between.embedding) == between.architecture_id)),
    )


def _distilled(run: Run, architecture_id: int) -> Float[np.ndarray, "network"] | None:
    """Scores of networks of an architecture that learned from the common teacher alone, for as many inputs."""
    name, settings = run.config.zoo.teacher, run.config.netspace
    if not name:
        return None
    teacher, architecture = run.space.behaviour.architecture(name), run.space.architectures[architecture_id]
    targets = np.repeat(run.zoo.networks(name, "teacher").parameters[:1], DISTILLED, 0)
    flats = distilled(
        run.space.behaviour,
        architecture,
        targets,
        run.dataset.examples("train").inputs,
        teacher=teacher,
        steps=settings.steps,
        batch=settings.batch,
    )
    return scores_of(run.dataset, architecture, flats)


def _mean_min_max(values: Float[np.ndarray, "n"]) -> tuple[float, float, float]:
    return float(values.mean()), float(values.min()), float(values.max())
