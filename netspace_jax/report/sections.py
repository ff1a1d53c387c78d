"""Sections that the report of every domain has."""

import jax.numpy as jnp
import numpy as np
from sklearn.decomposition import PCA

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.report import figures
from netspace_jax.report.export import ExportOptions, export
from netspace_jax.report.fidelity import FidelityOptions, fidelity, refines
from netspace_jax.report.section import Evaluation, Section
from netspace_jax.runs import Run
from netspace_jax.runs.log import read_log


def zoo(run: Run) -> Section:
    """The zoo: networks and scores of each architecture and split."""
    summary, metric = run.zoo.summary, run.metric
    metrics = {
        "zoo/seconds": summary["seconds"],
        "zoo/members": summary["members"],
        "zoo/diverged": summary["diverged"],
        **{f"zoo/{metric}_{which}": summary[f"score_{which}"] for which in ("min", "mean", "max")},
    }
    rows = []
    for name in run.zoo.architectures:
        for split in ("train", "validation", "test", "teacher"):
            scores = run.zoo.scores(name, split)
            if len(scores):
                rows.append((name, split, str(len(scores)), *(f"{f(scores):.3f}" for f in (np.min, np.mean, np.max))))
    header = ("architecture", "split", "networks", f"{metric}: min", "mean", "max")
    text = f"{summary['diverged']} of {summary['members']} networks diverged and are left out."
    if run.zoo.imported:
        text = (
            f"{summary['members']} networks that were trained elsewhere; {summary['left_out']} others were not "
            "imported, for the reasons in the zoo's left_out.csv."
        )
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
    figure, ax = figures.input_against_generated(groups, metric)
    tau = metrics["reconstruct/kendall_tau_test"]
    ordered = f", Kendall's τ {tau:.3f}" if np.isfinite(tau) else ""
    ax.set_title(
        f"gap {metrics['reconstruct/gap_test']:.3f}, agreement {metrics['reconstruct/agreement_test']:.3f}{ordered}",
        fontsize=10,
    )
    text = (
        "Each point is a network that NetSpace never saw. The gap is the mean distance from the line; agreement is the "
        "share of test inputs on which input and generated network say the same, which is harder than equal scores."
    )
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
        pca.transform(z), scores, run.metric, pca.explained_variance_ratio_, groups if len(groups) > 1 else ()
    )
    text = "Embeddings of test networks. Nothing told the space how good a network is."
    return Section("embeddings", "The space", text, {}, figure)


def preps(run: Run) -> Section:
    """A PRep before and after: parameters of a network, and of the one generated from it."""
    which = run.trained_ids[0]
    found = run.reconstruction(which, "test")
    chosen = int(np.argsort(np.asarray(found.score))[-1])
    flat = run.networks(which, "test").parameters[chosen]
    pairs = [
        (title, np.asarray(to_prep(jnp.asarray(values), run.space.prep)))
        for title, values in (("input", flat), ("generated", found.generated[chosen]))
    ]
    figure, _ = figures.preps(pairs)
    text = (
        f"The parameters of the test {run.space.names[which]} with the highest score, and of the network generated "
        "from it. They need not look alike: only what a network does is compared in training."
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
    return Section("training", "Training", f"The checkpoint of step {run.step} is the one evaluated.", {}, figure)


FIRST = (
    Evaluation("zoo", zoo),
    Evaluation("reconstruct", reconstruction),
    Evaluation("fidelity", fidelity, applies=refines, options=FidelityOptions),
    Evaluation("embeddings", embeddings),
    Evaluation("prep", preps),
)
"""What every report begins with."""

LAST = (Evaluation("training", training), Evaluation("export", export, in_report=False, options=ExportOptions))
"""What every report ends with."""
