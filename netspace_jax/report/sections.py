"""Sections that the report of every domain has."""

import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.metrics.interval import mean_interval
from netspace_jax.metrics.reconstruction import gaps as gaps_of
from netspace_jax.report import figures
from netspace_jax.report.section import Section
from netspace_jax.report.words import difference, number, same_answer, score_name
from netspace_jax.runs import Run
from netspace_jax.runs.log import read_log

_COMPARED = 2000  # embeddings whose distances to each other are looked at


def zoo(run: Run) -> Section:
    """The zoo: networks and scores of each architecture and split."""
    summary, metric = run.zoo.summary, run.metric
    metrics = {
        "zoo/seconds": summary["seconds"],
        "zoo/members": summary["members"],
        "zoo/diverged": summary["diverged"],
        **{f"zoo/{metric}_{which}": summary[f"score_{which}"] for which in ("min", "mean", "max")},
    }
    rows = [
        (name, split, str(len(members)), *(f"{f(members.score_test):.3f}" for f in (np.min, np.mean, np.max)))
        for name in run.zoo.architectures
        for split, members in run.zoo.by_split(name).items()
    ]
    label = score_name(metric)
    header = ("architecture", "split", "networks", f"{label} (test): min", "mean", "max")
    text = f"{summary['diverged']} of {summary['members']} networks diverged and are left out."
    if run.zoo.imported:
        text = (
            f"{summary['members']} networks that were trained elsewhere; {summary['left_out']} others were not "
            "imported, for the reasons in the zoo's left_out.csv."
        )
    least, mean, most = (number(summary[f"score_{which}"]) for which in ("min", "mean", "max"))
    text += f" On test inputs {label} is from {least} to {most} among those kept, {mean} on average."
    return Section("zoo", "The zoo", text, metrics, None, (header, *rows))


def reconstruction(run: Run) -> Section:
    """Input against generated network: gap, agreement and Kendall's τ on test networks."""
    metric = run.metric
    groups, gaps, agreements, taus = [], {"train": [], "test": []}, [], []
    for which in run.trained_ids:
        gaps["train"].append(run.reconstruction(which, "train").gap)
        found = run.reconstruction(which, "test")
        gaps["test"].append(found.gap)
        agreements.append(float(found.agreement.mean()))
        taus.append(found.kendall_tau)
        groups.append((run.space.names[which], np.asarray(found.score), np.asarray(found.generated_score)))
    metrics = {
        "reconstruct/gap_train": float(np.mean(gaps["train"])),
        "reconstruct/gap_test": float(np.mean(gaps["test"])),
        "reconstruct/agreement_test": float(np.mean(agreements)),
        "reconstruct/kendall_tau_test": float(np.mean(taus)),
        f"reconstruct/{metric}_test": float(np.mean([generated.mean() for _, _, generated in groups])),
    }
    label = score_name(metric)
    figure, ax = figures.input_against_generated(groups, label)
    found = [run.reconstruction(which, "test") for which in run.trained_ids]
    wanted, generated = (np.concatenate([getattr(one, n) for one in found]) for n in ("score", "generated_score"))
    low, high = mean_interval(gaps_of(wanted, generated))
    least, most = mean_interval(np.concatenate([each.agreement for each in found]))
    tau = metrics["reconstruct/kendall_tau_test"]
    ordered = f", Kendall's τ {tau:.3f}" if np.isfinite(tau) else ""
    gap, agreement = metrics["reconstruct/gap_test"], metrics["reconstruct/agreement_test"]
    ax.set_title(
        f"gap {gap:.3f} ({low:.3f}–{high:.3f})\nagreement {agreement:.3f} ({least:.3f}–{most:.3f}){ordered}", fontsize=9
    )
    shown = metrics["reconstruct/gap_train"]
    text = (
        f"{len(wanted)} networks that NetSpace never saw, each a point, and those generated from them: on "
        f"{agreement:.1%} of test inputs ({least:.1%}–{most:.1%}) the two {same_answer(metric)}. Their {label} differs "
        f"by {gap:.3f} ({low:.3f}–{high:.3f}), among networks that trained NetSpace by {shown:.3f}; that of the "
        f"generated ones is {difference(generated, wanted)}. "
    )
    if not np.isfinite(tau):
        text += "All of one side have the same score, so there is no order to be kept. "
    text += "In brackets, 95 % intervals over networks, by the bootstrap."
    return Section("reconstruct", "Input against generated network", text, metrics, figure)


def embeddings(run: Run) -> Section:
    """The space: test embeddings on their first two principal components, coloured by score."""
    ids = run.trained_ids
    parts = [run.reconstruction(which, "test") for which in ids]
    z, scores = (np.concatenate([getattr(part, name) for part in parts]) for name in ("embedding", "score"))
    if z.shape[1] < 2:
        return Section("embeddings", "The space", "An embedding of one value has no plane to be drawn in.", {})
    pca = PCA(2, random_state=0).fit(z)
    ends = np.cumsum([0, *(len(part.score) for part in parts)])
    groups = [(run.space.names[which], np.arange(ends[i], ends[i + 1])) for i, which in enumerate(ids)]
    figure, _ = figures.plane_of_embeddings(
        pca.transform(z),
        scores,
        score_name(run.metric),
        pca.explained_variance_ratio_,
        groups if len(groups) > 1 else (),
    )
    near = np.square(z[:, None] - z[None]).sum(-1) if len(z) <= _COMPARED else None
    text = f"Embeddings of {len(z)} test networks."
    if near is not None and len(z) > 2 and np.ptp(scores) > 0:
        np.fill_diagonal(near, np.inf)
        apart = np.abs(scores - scores[near.argmin(1)])
        any_two = np.abs(scores[:, None] - scores[None]).sum(1) / (len(z) - 1)
        text += (
            f" A network and the one nearest to it differ in {score_name(run.metric)} by {apart.mean():.3f} on "
            f"average, any two by {any_two.mean():.3f}: between neighbours the difference is "
            f"{difference(apart, any_two, more='larger', less='smaller')}."
        )
    elif np.ptp(scores) == 0:
        text += f" All have the same {score_name(run.metric)}, {scores[0]:.3f}, which so says nothing of their places."
    return Section("embeddings", "The space", text, {}, figure)


def preps(run: Run) -> Section:
    """A PRep before and after: parameters of a network, and of the one generated from it."""
    which = run.trained_ids[0]
    found = run.reconstruction(which, "test")
    chosen = int(np.argsort(np.asarray(found.score))[-1])
    flat = run.networks(which, "test").parameters[chosen]
    used = -(-run.space.architectures[which].size // run.space.prep[1])  # rows; the others are padding
    pairs = [
        (title, np.asarray(to_prep(jnp.asarray(values), run.space.prep))[:used])
        for title, values in (("input", flat), ("generated", found.generated[chosen]))
    ]
    figure, _ = figures.preps(pairs)
    own, new = np.asarray(flat), np.asarray(found.generated[chosen])
    alike = float(np.corrcoef(own, new)[0, 1]) if np.ptp(own) and np.ptp(new) else float("nan")
    text = (
        f"The parameters of the test {run.space.names[which]} with the highest score, and of the network generated "
        f"from it: {used} of {run.space.prep[0]} rows of the PRep, the others are padding. Their correlation is "
        f"{number(alike, 2)} (1: the same but for their size; 0: nothing in common); on "
        f"{found.agreement[chosen]:.1%} of test inputs the two {same_answer(run.metric)}."
    )
    return Section("prep", "A PRep before and after", text, {}, figure)


def training(run: Run) -> Section:
    """Training: loss and selection metric over steps."""
    lines = read_log(run.path)
    select = f"validation_{run.config.netspace.select}"
    losses = [line for line in lines if "total" in line]
    if not losses:
        text = f"The checkpoint of step {run.step} is the one evaluated. The log metrics.jsonl is lost, and its curve."
        return Section("training", "Training", text, {})
    checks = [(line["step"], abs(line[select])) for line in lines if select in line]
    figure, _ = figures.training_curve(
        [line["step"] for line in losses], [line["total"] for line in losses], checks, select.replace("_", " ")
    )
    text = f"The checkpoint of step {run.step} is the one evaluated."
    if losses and checks:
        last = losses[-max(len(losses) // 10, 1) :]
        before = losses[-2 * len(last) : -len(last)] or last
        change = 1 - np.mean([line["total"] for line in last]) / np.mean([line["total"] for line in before])
        text = (
            f"The loss went from {losses[0]['total']:.3g} to {losses[-1]['total']:.3g}; over the last tenth it "
            f"{'fell' if change >= 0 else 'rose'} by {abs(change):.1%}. The {select.replace('_', ' ')} was "
            f"{dict(checks).get(run.step, checks[-1][1]):.4f} at step "
            f"{run.step}, whose checkpoint is the one evaluated."
        )
    return Section("training", "Training", text, {}, figure)
