"""Adaptation: what a new task gets from k examples, by the space and by what takes no space (docs/method.md)."""

import dataclasses

import numpy as np
from jaxtyping import Float

from netspace_jax.classes import ClassAnswers
from netspace_jax.metrics.adaptation import (
    BASELINES,
    UNTRAINED,
    AdaptationConfig,
    Adapter,
    Baselines,
    Curves,
    adaptation_curves,
    fit_baselines,
    member_scores,
)
from netspace_jax.metrics.adaptation.hypernetwork import fit_hypernetwork
from netspace_jax.metrics.adaptation.space import SpaceNetwork, UnlabelledSpaceNetwork
from netspace_jax.metrics.interval import mean_interval
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.report import figures
from netspace_jax.report.section import Section
from netspace_jax.report.words import difference, listed
from netspace_jax.rules import Count
from netspace_jax.runs import Run
from netspace_jax.space import NetSpace

SPACE, UNLABELLED, MEMBER, HYPERNETWORK = "space", "space_unlabelled", "member", "hypernetwork"
BESIDE = (HYPERNETWORK, UNLABELLED)
"""What stands beside, and is no rival of the space."""
LABELS = {
    SPACE: "the space: one network, read in the examples",
    UNLABELLED: "the same from inputs alone, without labels",
    "nearest": "nearest training network",
    "vote": "vote of the nearest",
    "mean_weights": "mean of their weights",
    "pooled": "one network for all tasks",
    "pooled_tuned": "the same, tuned on the examples",
    "nearest_tuned": "nearest training network, tuned",
    "scratch": "trained on the examples alone",
    "maml": "MAML",
    "maml_first_order": "MAML, first order",
    "anil": "ANIL",
    "probe": "linear probe",
    "pooled_large": "a larger network for all tasks",
    "aligned": "one network for all tasks, given inputs of one mean and deviation",
    "tent": "one network for all tasks, made sure of the test inputs (TENT)",
    HYPERNETWORK: "hypernetwork, trained on all tasks' data",
    MEMBER: "trained on all data of the task",
}
IN_REPORT = (*UNTRAINED, "pooled")
"""Baselines that a report waits for."""


@dataclasses.dataclass(frozen=True)
class ReportConfig(AdaptationConfig):
    """The same with one draw of examples of each task, so that a report comes soon."""

    draws: Count = 1
    """Draws of examples of each new task; fewer examples are the first of more."""


def adaptation(run: Run, config: ReportConfig) -> Section:
    """Examples of new tasks: the network that the space finds, beside baselines that take little time."""
    return _section("adaptation", run, config, IN_REPORT)


def adaptation_baselines(run: Run, config: AdaptationConfig) -> Section:
    """The same beside all baselines, each trained long and tuned on validation tasks."""
    return _section("adaptation_baselines", run, config, (*BASELINES, HYPERNETWORK))


def _section(name: str, run: Run, config: AdaptationConfig, baselines: tuple[str, ...]) -> Section:
    curves, made = measured(run, _within(run, config), baselines)
    metrics = _metrics(curves)
    header = ("way", "parameters", "s to train and tune", "ms a task", *(f"k = {count}" for count in curves.counts))
    lines = [(LABELS.get(one, one), curves.of(one)) for one in curves.names]
    figure, _ = figures.against_examples(curves.counts, lines, run.metric, mean_interval)
    table = (header, *(_row(curves, made, one) for one in curves.names))
    return Section(
        name, "A new task from a few examples", _text(run, curves, config, made.left_out), metrics, figure, table
    )


def _within(run: Run, config: AdaptationConfig) -> AdaptationConfig:
    """The configuration with those of the usual numbers of examples that tasks have; others are asked for by hand."""
    if config.examples != type(config).examples:
        return config
    there = len(run.dataset.of(0).examples("validation").inputs)
    counts = tuple(count for count in config.examples if count <= there)
    return dataclasses.replace(config, examples=counts or (there,))


def measured(run: Run, config: AdaptationConfig, baselines: tuple[str, ...]) -> tuple[Curves, Baselines]:
    """Scores of the space and of baselines on the tasks of test members, and these baselines."""
    architecture_id = run.trained_ids[0]
    architecture, test = run.space.architectures[architecture_id], run.networks(architecture_id, "test")
    new = test.first(config.tasks)
    made = fit_baselines(
        key_of(config.seed, Purpose.BATCHES),
        run.dataset,
        architecture,
        run.networks(architecture_id, "train"),
        run.networks(architecture_id, "validation").indices,
        config=config,
        names=[name for name in baselines if name != HYPERNETWORK],
    )
    adapters: dict[str, Adapter] = dict(made.adapters)
    if run.space.calibration is not None:
        netspace = run.space.netspace
        own: dict[str, Adapter] = {SPACE: SpaceNetwork(architecture, netspace, architecture_id)}
        if isinstance(run.dataset.behaviour, ClassAnswers):
            embeddings = run.space.embeddings[architecture.name]
            own[UNLABELLED] = UnlabelledSpaceNetwork(architecture, netspace, embeddings, architecture_id)
        adapters = own | adapters
        if HYPERNETWORK in baselines:
            adapters[HYPERNETWORK] = SpaceNetwork(architecture, _hypernetwork(run, config), architecture_id)
    key = key_of(config.seed, Purpose.EXAMPLES)
    curves = adaptation_curves(key, run.dataset, adapters, new.indices, config.examples, config.draws)
    return curves.joined(member_scores(run.dataset, MEMBER, new, config.examples)), made


def _hypernetwork(run: Run, config: AdaptationConfig) -> NetSpace:
    """The space's own modules, trained end to end on the data of its training tasks."""
    architecture_id = run.trained_ids[0]
    return fit_hypernetwork(
        key_of(config.seed, Purpose.INIT),
        run.space.netspace,
        run.dataset,
        run.networks(architecture_id, "train").indices,
        config=run.config.netspace,
        architecture_id=architecture_id,
    )


def _metrics(curves: Curves) -> dict[str, float]:
    metrics = {
        f"adapt/{count}/{name}": float(curves.of(name)[place].mean())
        for name in curves.names
        for place, count in enumerate(curves.counts)
    }
    if SPACE in curves.names:
        metrics["adapt/seconds_per_task"] = curves.seconds[curves.names.index(SPACE)]
        for place, count in enumerate(curves.counts):
            low, high = mean_interval(curves.of(SPACE)[place])
            metrics |= {f"adapt/{count}/{SPACE}_low": low, f"adapt/{count}/{SPACE}_high": high}
            metrics[f"adapt/wins_{count}"] = curves.wins(SPACE, curves.best_rival(SPACE, place, BESIDE), place)
    return metrics


def _row(curves: Curves, made: Baselines, name: str) -> tuple[str, ...]:
    place = curves.names.index(name)
    trained = f"{made.seconds[name]:.0f}" if name in made.seconds else "–"
    taken = "–" if name == MEMBER else f"{1000 * curves.seconds[place]:.1f}"
    return LABELS.get(name, name), f"{curves.parameters[place]:,}", trained, taken, *map(_cell, curves.of(name))


def _cell(scores: Float[np.ndarray, "task"]) -> str:
    low, high = mean_interval(scores)
    return f"{scores.mean():.3f}\u00a0({low:.3f}\u2060–\u2060{high:.3f})"


def _text(run: Run, curves: Curves, config: AdaptationConfig, left_out: dict[str, str]) -> str:
    tasks, chosen = curves.scores.shape[2], run.networks(run.trained_ids[0], "validation")
    draws = "once" if config.draws == 1 else f"{config.draws} times"
    text = (
        f"{tasks} new tasks, those of test members: k examples of each, drawn {draws} from inputs that no "
        f"network trained on, and {run.metric.title} on its test inputs; in brackets, 95 % intervals over tasks. Rates "
        f"and steps are chosen on {min(len(chosen.members), config.validation_tasks)} validation tasks for each k."
    )
    if SPACE in curves.names:
        sentences = []
        for place, count in enumerate(curves.counts):
            rival = curves.best_rival(SPACE, place, BESIDE)
            apart = difference(curves.of(SPACE)[place], curves.of(rival)[place])
            sentences.append(
                f"at k = {count} it is {apart} and wins on {curves.wins(SPACE, rival, place):.0%} of tasks "
                f"({LABELS.get(rival, rival)})"
            )
        text += f" The space beside the best baseline of one network: {listed(sentences)}."
    text += " What several baselines need, as the network for all tasks, is counted for the first that needs it."
    for name, reason in left_out.items():
        text += f" Left out: {LABELS[name]}, since {reason}."
    return text
