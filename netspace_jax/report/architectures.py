"""Sections of a report about several architectures in one space (reference, sections Training the embedding, Zoos)."""

import numpy as np

from netspace_jax.latent.search import line
from netspace_jax.metrics.between import all_pairs, between_boundaries
from netspace_jax.metrics.interpolation import STEPS
from netspace_jax.report import figures
from netspace_jax.report.section import Section, chance, reconstruct_split
from netspace_jax.runs.pipeline import Trained, shown_kinds
from netspace_jax.space.behaviour import predicted_kinds, score_embeddings
from netspace_jax.space.loss import boundary_pairs

UNSEEN_TEXT = ("Networks of these architectures were never shown to NetSpace, but it was taught what should lie between the "
               "architectures that were: at interpolated embeddings the generated network learned from a teacher and from "
               "labels, read as the architecture in between. So they are unseen as instances, not unheard of.")


def architectures(trained: Trained) -> Section:
    """Generated against directly trained networks, for each architecture, and which architecture the head names."""
    metric = trained.task.metric
    metrics, rows, right = {}, [], []
    for kind in shown_kinds(trained.config):
        name = trained.netspace.architectures[kind].name
        found = reconstruct_split(trained, kind, "test")
        own = trained.zoo.mean_score(name)
        right.append((found.predicted == kind).mean())
        metrics |= {f"zoo/{name}/{metric}_mean": own, f"reconstruct/{name}/{metric}_test": float(found.generated_score.mean())}
        rows.append((name, str(trained.netspace.architectures[kind].size), f"{own:.3f}", f"{found.score.mean():.3f}",
                     f"{found.generated_score.mean():.3f}", f"{found.generated_score.min():.3f}",
                     f"{found.generated_score.max():.3f}", f"{found.agreement.mean():.3f}", f"{right[-1]:.0%}"))
    metrics["architecture/accuracy_test"] = float(np.mean(right))
    header = ("architecture", "parameters", f"{metric} of the zoo", "of test members", "of networks generated from them", "least",
              "most", "agreement", "named right")
    return Section("architectures", "Architectures", "Test members, none of them shown in training. The head reads each "
                   "embedding's architecture; nothing but the parameters told the encoder.", metrics, None, (header, *rows))


def across(trained: Trained) -> Section:
    """Accuracy and predicted architecture in 100 steps from a network of the first architecture to one of the last."""
    low, high = boundary_pairs(len(trained.netspace.architectures))[0]
    ends = [reconstruct_split(trained, kind, "test") for kind in (low, high)]
    best = [np.argmax(end.score) for end in ends]
    z = line(ends[0].embedding[best[0]], ends[1].embedding[best[1]], STEPS)
    predicted = predicted_kinds(trained.netspace, trained.params, z)
    scores = np.zeros(STEPS)
    for kind in set(predicted.tolist()):
        own = predicted == kind
        scores[own] = score_embeddings(trained.netspace, trained.params, trained.constants, trained.task, z[own],
                                       np.zeros(own.sum(), np.int32), kind, "test")
    names = [a.name for a in trained.netspace.architectures]
    figure, _ = figures.across_architectures(np.linspace(0, 1, STEPS), scores, predicted, names,
                                             trained.task.metric)
    changes = int(np.count_nonzero(np.diff(predicted)))
    text = (f"Each embedding on the way is read as the architecture that its own head names; the colour tells which. The way "
            f"passes through {len(set(predicted))} of the {len(names)} architectures with {changes} changes.")
    metrics = {"across/architectures": float(len(set(predicted))),
               f"across/{trained.task.metric}_min": float(scores.min()),
               f"across/{trained.task.metric}_mean": float(scores.mean())}
    return Section("across", f"From {names[low]} to {names[high]}", text, metrics, figure)


def unseen(trained: Trained) -> Section:
    """Networks of architectures that were never shown, from between two that were, over many pairs."""
    metric = trained.task.metric
    shown = shown_kinds(trained.config)
    found = {kind: reconstruct_split(trained, kind, "test") for kind in shown}
    teacher = [m.score_test for m in trained.zoo.members if m.split == "teacher"]
    metrics, rows = {}, []
    for between in between_boundaries(trained.netspace, found, all_pairs):
        name = trained.netspace.architectures[between.kind].name
        items = np.zeros(len(between.embedding), np.int32)
        scores = score_embeddings(trained.netspace, trained.params, trained.constants, trained.task, between.embedding, items,
                                  between.kind, "test")
        named = np.mean(predicted_kinds(trained.netspace, trained.params, between.embedding) == between.kind)
        scratch = trained.zoo.mean_score(name)
        key = "unseen" if between.kind not in shown else "between"
        metrics |= {f"{key}/{name}/{metric}": float(scores.mean()), f"{key}/{name}/scratch_{metric}": scratch}
        rows.append((name, "never shown" if between.kind not in shown else "shown", str(len(scores)), f"{scores.mean():.3f}",
                     f"{scores.max():.3f}", f"{scores.min():.3f}", f"{scratch:.3f}", f"{np.mean(teacher):.3f}" if teacher else "–",
                     f"{chance(trained.task):.3f}", f"{named:.0%}"))
    header = ("architecture", "its networks", "pairs", f"generated, mean {metric}", "best", "worst", "trained directly, mean", "teacher",
              "chance", "named right")
    never = any(kind not in shown for kind in range(len(trained.netspace.architectures)))
    return Section("unseen" if never else "between", "Architectures between two others",
                   UNSEEN_TEXT if never else "Embeddings half-way are read as the architectures in between.", metrics, None,
                   (header, *rows))
