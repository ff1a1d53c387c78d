"""Sections of a report about several architectures in one space (docs/method.md, eq. 16 to 18)."""

from collections.abc import Mapping

import numpy as np

from netspace_jax.behaviour import one_task
from netspace_jax.metrics.baselines import distilled
from netspace_jax.metrics.interpolation import all_pairs, between_boundaries
from netspace_jax.metrics.outputs import outputs_of, scores_of
from netspace_jax.metrics.spread import pairwise_agreement
from netspace_jax.report.section import Section
from netspace_jax.report.words import number, relation, same_answer, score_name
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
    metric, metrics, rows, accuracies = run.metric, {}, [], []
    for which in run.trained_ids:
        built, found = run.space.architectures[which], run.reconstruction(which, "test")
        own = float(run.zoo.scores(built.name).mean())
        accuracies.append(float((found.read_as == which).mean()))
        metrics[f"zoo/{built.name}/{metric}_mean"] = own
        metrics[f"reconstruct/{built.name}/{metric}_test"] = float(found.generated_score.mean())
        generated = (f"{value:.3f}" for value in _mean_min_max(found.generated_score))
        alike = _alike(run, which)
        for kind, value in alike.items():
            metrics[f"pairwise/{built.name}/{kind}"] = value
        shown = (f"{own:.3f}", f"{found.score.mean():.3f}", *generated, f"{found.agreement.mean():.3f}")
        pairs = (f"{alike[kind]:.3f}" if kind in alike else "–" for kind in ("members", "generated"))
        rows.append((built.name, str(built.size), *shown, *pairs, f"{accuracies[-1]:.0%} of {len(found.score)}"))
    metrics["architecture/accuracy_test"] = float(np.mean(accuracies))
    label = score_name(metric)
    header = ("architecture", "parameters", f"{label} of the zoo", "of test members")
    header += ("of networks generated from them", "min", "max", "agreement")
    header += ("two members agree on", "two generated on", "head accuracy")
    count = sum(len(run.networks(which, "test").members) for which in run.trained_ids)
    text = (
        f"{count} test members, none of them used in training. The head names the architecture of "
        f"{metrics['architecture/accuracy_test']:.1%} of their embeddings; the encoder is told of "
        "it by what it sees of a network alone."
    )
    names = [run.space.names[which] for which in run.trained_ids]
    pairs = {
        name: (metrics[f"pairwise/{name}/members"], metrics[f"pairwise/{name}/generated"])
        for name in names
        if f"pairwise/{name}/members" in metrics
    }
    text += kept(pairs, same_answer(metric), run.config.netspace.teaching)
    return Section("architectures", "Architectures", text, metrics, None, (header, *rows))


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


def unseen(run: Run) -> Section:
    """Architectures between two others, over many pairs: those that no network of was shown, and those that were."""
    metric, shown, settings = run.metric, run.trained_ids, run.config.netspace
    found = {which: run.reconstruction(which, "test") for which in shown}
    teacher = [m.score_test for m in run.zoo.members if m.split == "teacher"]
    metrics, rows, outcomes = {}, [], []
    for between in between_boundaries(run.space, found, all_pairs):
        which, name = between.architecture_id, run.space.names[between.architecture_id]
        flats = generate_many(run.space, which, between.embedding)
        scores = scores_of(run.dataset, run.space.architectures[which], flats)
        distilled_scores = _distilled(run, which)
        read_right = np.mean(classify_many(run.space, between.embedding) == which)
        scratch = float(run.zoo.scores(name).mean())
        key = "between" if which in shown else "unseen"
        metrics |= {f"{key}/{name}/{metric}": float(scores.mean()), f"{key}/{name}/scratch_{metric}": scratch}
        if distilled_scores is not None:
            metrics[f"{key}/{name}/distilled_{metric}"] = float(distilled_scores.mean())
        generated = (f"{value:.3f}" for value in _mean_min_max(scores))
        same = f"{distilled_scores.mean():.3f}" if distilled_scores is not None else "–"
        others = (
            f"{scratch:.3f}",
            same,
            f"{np.mean(teacher):.3f}" if teacher else "–",
            f"{run.dataset.chance('test'):.3f}",
        )
        networks = "trained the space" if which in shown else "never shown"
        outcomes.append(
            f" For {name}s generated there {score_name(metric)} is {scores.mean():.3f} ({scores.min():.3f} to "
            f"{scores.max():.3f}), for those trained directly {number(scratch)} on average: for the generated ones it "
            f"is {relation(float(scores.mean()), scratch)}."
        )
        rows.append((name, networks, str(len(scores)), *generated, *others, f"{read_right:.0%}"))
    header = ("architecture", "its networks", "pairs", f"generated: mean {score_name(metric)}", "min", "max")
    header += ("trained directly, mean", "distilled without a space", "teacher", "chance", "head accuracy")
    never = len(shown) < len(run.space.architectures)
    text = UNSEEN_TEXT if never else "Embeddings half-way are read as the architectures in between."
    if run.config.zoo.teacher:
        text += (
            f" Distilled without a space: {DISTILLED} networks of the architecture that imitate the same teacher for "
            f"as many images, {settings.steps} steps of {settings.batch}."
        )
    text += "".join(outcomes)
    return Section("unseen", "Architectures between two others", text, metrics, None, (header, *rows))


def _alike(run: Run, which: int) -> dict[str, float]:
    """How much two different test members agree, and how much two networks that were generated from different ones."""
    if not one_task(run.dataset) or len(run.networks(which, "test").members) < 2:
        return {}
    generated = run.reconstruction(which, "test").generated
    architecture, behaviour = run.space.architectures[which], run.space.behaviour
    return {
        kind: pairwise_agreement(behaviour, outputs_of(run.dataset, architecture, flats))
        for kind, flats in (("members", run.networks(which, "test").parameters), ("generated", generated))
    }


def _distilled(run: Run, which: int) -> np.ndarray | None:
    """Scores of networks of an architecture that learned from the common teacher alone, for as many images."""
    name, settings = run.config.zoo.teacher, run.config.netspace
    if not name:
        return None
    behaviour = run.space.behaviour
    teacher = behaviour.architecture(name)
    wanted = np.repeat(run.zoo.networks(name, "teacher").parameters[:1], DISTILLED, 0)
    inputs, architecture = run.dataset.examples("train").inputs, run.space.architectures[which]
    flats = distilled(
        behaviour, architecture, wanted, inputs, teacher=teacher, steps=settings.steps, batch=settings.batch
    )
    return scores_of(run.dataset, architecture, flats)


def _mean_min_max(values: np.ndarray) -> tuple[float, float, float]:
    return float(values.mean()), float(values.min()), float(values.max())
