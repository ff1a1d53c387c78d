"""Sections of a report: each computes figures of merit for a trained NetSpace and draws what they mean."""

import json
from collections.abc import Callable

import numpy as np
from etils import epath
from sklearn.decomposition import PCA

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.domains.fields import shapes
from netspace_jax.domains.fields.completion import completion
from netspace_jax.domains.fields.dataset import Fields
from netspace_jax.domains.images.ensemble import ensemble
from netspace_jax.domains.images.prediction import prediction
from netspace_jax.domains.images.redundancy import redundancy
from netspace_jax.domains.images.search import search, search_architectures
from netspace_jax.domains.images.transfer import start
from netspace_jax.metrics.interpolation import interpolate
from netspace_jax.metrics.novelty import memorisation
from netspace_jax.report import architectures as several
from netspace_jax.report import figures
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained, shown_kinds
from netspace_jax.space.loss import boundary_pairs


def reconstruction(trained: Trained) -> Section:
    """Input against generated accuracy for each test network."""
    metric = trained.task.metric
    metrics: dict[str, float] = {}
    groups, gaps = [], {"train": [], "test": []}
    agreements, taus = [], []
    for kind in shown_kinds(trained.config):
        for split in ("train", "test"):
            found = reconstruct_split(trained, kind, split)
            gaps[split].append(found.gap)
        agreements.append(float(found.agreement.mean()))
        taus.append(found.kendall_tau)
        groups.append((trained.netspace.architectures[kind].name, np.asarray(found.score), np.asarray(found.generated_score)))
    metrics |= {"reconstruct/gap_train": np.mean(gaps["train"]), "reconstruct/gap_test": np.mean(gaps["test"]),
                "reconstruct/agreement_test": np.mean(agreements), "reconstruct/kendall_tau_test": np.mean(taus),
                f"reconstruct/{metric}_test": np.mean([generated.mean() for _, _, generated in groups])}
    figure, ax = figures.input_against_generated(groups, metric)
    ax.set_title(f"gap {metrics['reconstruct/gap_test']:.3f}, agreement {metrics['reconstruct/agreement_test']:.3f}, "
                 f"Kendall's τ {metrics['reconstruct/kendall_tau_test']:.3f}", fontsize=10)
    text = ("Each point is a network that NetSpace never saw. The gap is the mean distance from the line; agreement is the "
            "share of test inputs on which input and generated network say the same, which is harder than equal accuracy.")
    return Section("reconstruct", "Input against generated network", text,
                   {name: float(value) for name, value in metrics.items()}, figure)


def interpolation(trained: Trained) -> Section:
    """Accuracy along the line of embeddings and along the line of weights, between the two best test networks."""
    found = reconstruct_split(trained, 0, "test")
    networks = trained.shown(trained.networks(0, "test"))
    best = np.argsort(-np.asarray(found.score), kind="stable")[:2]
    way = interpolate(trained.netspace, trained.params, trained.constants, trained.task, networks.flats[best],
                      networks.items[best[0]], 0)
    metric = trained.task.metric
    figure, _ = figures.along_a_line(way.share, [("embeddings", way.latent), ("weights", way.weights)], metric)
    text = ("The two best test networks, which were trained independently unless the preset says otherwise. Between their "
            "weights lies nothing that works; between their embeddings there are networks all the way.")
    return Section("interpolate", "From one network to another", text,
                   {"interpolate/latent_min": float(way.latent.min()), "interpolate/weights_min": float(way.weights.min())},
                   figure)


def embeddings(trained: Trained) -> Section:
    """Test embeddings in the plane of their first two principal components, coloured by accuracy."""
    kinds = shown_kinds(trained.config)
    parts = [reconstruct_split(trained, kind, "test") for kind in kinds]
    z = np.concatenate([part.embedding for part in parts])
    scores = np.concatenate([part.score for part in parts])
    pca = PCA(2, random_state=0).fit(z)
    ends = np.cumsum([0, *(len(part.score) for part in parts)])
    groups = [(trained.netspace.architectures[kind].name, np.arange(ends[i], ends[i + 1])) for i, kind in enumerate(kinds)]
    figure, _ = figures.plane_of_embeddings(pca.transform(z), scores, trained.task.metric, pca.explained_variance_ratio_,
                                            groups if len(groups) > 1 else ())
    return Section("embeddings", "The space", "Embeddings of test networks. Nothing told the space how good a network is.",
                   {}, figure)


def preps(trained: Trained) -> Section:
    """A PRep before and after."""
    found = reconstruct_split(trained, 0, "test")
    chosen = int(np.argsort(np.asarray(found.score))[-1])
    flat = trained.shown(trained.networks(0, "test")).flats[chosen]
    pairs = [(title, np.asarray(to_prep(values, trained.config.netspace.prep)))
             for title, values in (("input", flat), ("generated", found.generated[chosen]))]
    figure, _ = figures.preps(pairs)
    text = ("The parameters of the best test network, and of the network generated from it. They need not look alike: only "
            "what a network does is compared in training.")
    return Section("prep", "A PRep before and after", text, {}, figure)


def training(trained: Trained, run: epath.Path) -> Section:
    """Loss over steps."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    select = f"validation_{trained.config.netspace.select}"
    losses = [line for line in lines if "total" in line]
    looks = [(line["step"], abs(line[select])) for line in lines if select in line]
    figure, _ = figures.training_curve([line["step"] for line in losses], [line["total"] for line in losses], looks,
                                       select.replace("_", " "))
    text = f"The checkpoint of step {trained.step} is the one evaluated."
    return Section("training", "Training", text, {}, figure)


def zoo(trained: Trained) -> Section:
    """What is in the zoo."""
    summary = trained.zoo.summary
    metric = trained.task.metric
    metrics = {"zoo/seconds": summary["seconds"], "zoo/members": summary["members"], "zoo/diverged": summary["diverged"],
               **{f"zoo/{metric}_{which}": summary[f"score_{which}"] for which in ("min", "mean", "max")}}
    rows = []
    for name, _ in trained.zoo.config.populations:
        for split in ("train", "validation", "test", "teacher"):
            scores = [m.score_test for m in trained.zoo.members
                      if (m.architecture, m.split, m.status) == (name, split, "finite")]
            if scores:
                rows.append((name, split, str(len(scores)), *(f"{f(scores):.3f}" for f in (np.min, np.mean, np.max))))
    return Section("zoo", "The zoo", f"{summary['diverged']} of {summary['members']} networks diverged and are left out.",
                   metrics, None, (("architecture", "split", "networks", "least", "mean", f"most {metric}"), *rows))


def sections_for(trained: Trained) -> dict[str, Callable[[Trained], Section]]:
    """The sections that a run's report has, by the name of the command that makes each alone."""
    found = {"zoo": zoo, "reconstruct": reconstruction, "embeddings": embeddings, "prep": preps}
    if isinstance(trained.task, Fields):
        return found | {"shapes": shapes.shapes, "walk": shapes.walk, "completion": completion}
    found["interpolate"] = interpolation
    if boundary_pairs(len(trained.netspace.architectures)):
        found |= {"across": several.across, "unseen": several.unseen}
    if len(trained.netspace.architectures) > 1:
        found["architectures"] = several.architectures
    return found | {"probe": prediction, "ensemble": ensemble, "memorised": memorisation}


def extra_sections_for(trained: Trained) -> dict[str, Callable[[Trained], Section]]:
    """Sections that take minutes of training, and are made when asked for."""
    if isinstance(trained.task, Fields):
        return {}
    found = {"search": search, "start": start, "redundancy": redundancy}
    return found | ({"search_architectures": search_architectures} if len(trained.netspace.architectures) > 1 else {})
