"""Sections that the report of every domain has."""

import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.metrics.reconstruction import gaps, training_gap
from netspace_jax.report import figures
from netspace_jax.report.section import Section
from netspace_jax.report.words import difference, interval, number
from netspace_jax.runs import Run
from netspace_jax.runs.log import read_log
from netspace_jax.space.schedule import correction_begins

_COMPARED = 2000  # embeddings whose distances to each other are looked at


def zoo(run: Run) -> Section:
    """The zoo: networks and scores of each architecture and split."""
    summary, metric = run.zoo.summary, run.metric
    metrics = {
        "zoo/seconds": summary["seconds"],
        "zoo/members": summary["members"],
        "zoo/diverged": summary["diverged"],
        **{f"zoo/{metric}_{name}": summary[f"score_{name}"] for name in ("min", "mean", "max")},
    }
    rows = [
        (name, split, str(len(members)), *(f"{f(members.score_test):.3f}" for f in (np.min, np.mean, np.max)))
        for name in run.zoo.architectures
        for split, members in run.zoo.by_split(name).items()
    ]
    header = ("architecture", "split", "networks", f"{metric.title} (test): min", "mean", "max")
    text = f"{summary['diverged']} of {summary['members']} networks diverged and are left out."
    if run.zoo.imported:
        text = (
            f"{summary['members']} networks that were trained elsewhere; {summary['left_out']} others were not "
            "imported, for the reasons in the zoo's left_out.csv."
        )
    least, mean, most = (number(summary[f"score_{name}"]) for name in ("min", "mean", "max"))
    text += f" On test inputs {metric.title} is from {least} to {most} among those kept, {mean} on average."
    return Section("zoo", "The zoo", text, metrics, None, (header, *rows))


def reconstruction(run: Run) -> Section:
    """Input against generated network: gap, agreement and Kendall's τ on test networks."""
    found = [run.reconstruction(architecture_id, "test") for architecture_id in run.trained_ids]
    training_gaps = [
        training_gap(run.space, run.dataset, run.networks(architecture_id, "train"), architecture_id)
        for architecture_id in run.trained_ids
    ]
    gap_train, gap, tau = (
        float(np.mean(values))
        for values in (training_gaps, [one.gap for one in found], [one.kendall_tau for one in found])
    )
    agreement = float(np.mean([one.agreement.mean() for one in found]))
    metrics = {
        "reconstruct/gap_train": gap_train,
        "reconstruct/gap_test": gap,
        "reconstruct/agreement_test": agreement,
        "reconstruct/kendall_tau_test": tau,
        f"reconstruct/{run.metric}_test": float(np.mean([one.generated_score.mean() for one in found])),
    }
    names = [run.space.names[architecture_id] for architecture_id in run.trained_ids]
    groups = [(name, one.score, one.generated_score) for name, one in zip(names, found, strict=True)]
    figure, ax = figures.input_against_generated(groups, run.metric)
    score, generated_score = (np.concatenate(scores) for scores in zip(*(group[1:] for group in groups), strict=True))
    around_gap = interval(gaps(score, generated_score))
    each = np.concatenate([one.agreement for one in found])
    ordered = f", Kendall's τ {tau:.3f}" if np.isfinite(tau) else ""
    ax.set_title(f"gap {gap:.3f} ({around_gap})\nagreement {agreement:.3f} ({interval(each)}){ordered}", fontsize=9)
    text = (
        f"{len(score)} networks that NetSpace never saw, each a point, and those generated from them: on "
        f"{agreement:.1%} of test inputs ({interval(each, 1, percent=True)}) the two {run.metric.agreement}. Their "
        f"{run.metric.title} differs by {gap:.3f} ({around_gap}), among networks that trained NetSpace by "
        f"{gap_train:.3f}; that of the generated ones is {difference(generated_score, score)}. "
    )
    if not np.isfinite(tau):
        text += "All of one side have the same score, so there is no order to be kept. "
    text += "In brackets, 95 % intervals over networks, by the bootstrap."
    return Section("reconstruct", "Input against generated network", text, metrics, figure)


def embeddings(run: Run) -> Section:
    """The space: test embeddings on their first two principal components, coloured by score."""
    parts = [run.reconstruction(architecture_id, "test") for architecture_id in run.trained_ids]
    z, scores = np.concatenate([part.embedding for part in parts]), np.concatenate([part.score for part in parts])
    if z.shape[1] < 2:
        return Section("embeddings", "The space", "An embedding of one value has no plane to be drawn in.", {})
    pca = PCA(2, random_state=0).fit(z)
    ends = np.cumsum([0, *(len(part.score) for part in parts)])
    groups = [
        (run.space.names[architecture_id], np.arange(ends[i], ends[i + 1]))
        for i, architecture_id in enumerate(run.trained_ids)
    ]
    points, explained = pca.transform(z), pca.explained_variance_ratio_
    figure, _ = figures.plane_of_embeddings(
        points, scores, run.metric.title, explained, groups if len(groups) > 1 else ()
    )
    text = f"Embeddings of {len(z)} test networks.{_neighbours(z, scores, run.metric.title)}"
    return Section("embeddings", "The space", text, {}, figure)


def _neighbours(z: np.ndarray, scores: np.ndarray, title: str) -> str:
    """Whether a network and the one nearest to it differ less in score than any two, in a sentence."""
    if np.ptp(scores) == 0:
        return f" All have the same {title}, {scores[0]:.3f}, which so says nothing of their places."
    if not 2 < len(z) <= _COMPARED:
        return ""
    distances = np.square(z[:, None] - z[None]).sum(-1)
    np.fill_diagonal(distances, np.inf)
    apart = np.abs(scores - scores[distances.argmin(1)])
    any_two = np.abs(scores[:, None] - scores[None]).sum(1) / (len(z) - 1)
    return (
        f" A network and the one nearest to it differ in {title} by {apart.mean():.3f} on average, any two by "
        f"{any_two.mean():.3f}: between neighbours the difference is "
        f"{difference(apart, any_two, more='larger', less='smaller')}."
    )


def preps(run: Run) -> Section:
    """A PRep before and after: parameters of a network, and of the one generated from it."""
    architecture_id, (height, width) = run.trained_ids[0], run.space.prep
    found, architecture = run.reconstruction(architecture_id, "test"), run.space.architectures[architecture_id]
    row = int(np.argsort(found.score)[-1])
    flat, generated = run.networks(architecture_id, "test").parameters[row], found.generated[row]
    used = -(-architecture.size // width)  # rows; the others are padding
    figure, _ = figures.preps(
        [
            (title, np.asarray(to_prep(jnp.asarray(values), run.space.prep))[:used])
            for title, values in (("input", flat), ("generated", generated))
        ]
    )
    alike = float(np.corrcoef(flat, generated)[0, 1]) if np.ptp(flat) and np.ptp(generated) else float("nan")
    text = (
        f"The parameters of the test {architecture.name} with the highest score, and of the network generated "
        f"from it: {used} of {height} rows of the PRep, the others are padding. Their correlation is "
        f"{number(alike, 2)} (1: the same but for their size; 0: nothing in common); on "
        f"{found.agreement[row]:.1%} of test inputs the two {run.metric.agreement}."
    )
    return Section("prep", "A PRep before and after", text, {}, figure)


def training(run: Run) -> Section:
    """Training: loss and selection metric over steps."""
    lines = read_log(run.path)
    name = f"validation_{run.config.netspace.select}"
    losses = [line for line in lines if "total" in line]
    text = f"The checkpoint of step {run.step} is the one evaluated."
    if not losses:
        text += " The log metrics.jsonl is lost, and its curve."
        return Section("training", "Training", text, {})
    checks = [(line["step"], abs(line[name])) for line in lines if name in line]
    label = name.replace("_", " ")
    figure, ax = figures.training_curve(
        [line["step"] for line in losses], [line["total"] for line in losses], checks, label
    )
    settings = run.config.netspace
    corrected = correction_begins(settings) if settings.corrections else 0
    if corrected:
        ax.axvline(corrected, color="0.5", lw=1, ls=":")
        ax.annotate("corrections begin", (corrected, 0.97), xycoords=("data", "axes fraction"), fontsize=8,
                    rotation=90, ha="right", va="top")  # fmt: skip
    if checks:
        last = losses[-max(len(losses) // 10, 1) :]
        before = losses[-2 * len(last) : -len(last)] or last
        change = 1 - np.mean([line["total"] for line in last]) / np.mean([line["total"] for line in before])
        text = (
            f"The loss went from {losses[0]['total']:.3g} to {losses[-1]['total']:.3g}; over the last tenth it "
            f"{'fell' if change >= 0 else 'rose'} by {abs(change):.1%}. The {label} was "
            f"{dict(checks).get(run.step, checks[-1][1]):.4f} at step "
            f"{run.step}, whose checkpoint is the one evaluated."
        )
    if corrected:
        text += (
            f" From step {corrected} on (dotted) the encoder's corrections are trained too, which are new there: the "
            f"loss then rises at once and falls again, which is no divergence."
        )
    return Section("training", "Training", text, {}, figure)
