"""Networks that vote: logits averaged over several generated networks, against single ones and as many members."""

import numpy as np

from netspace_jax.metrics.outputs import scores_on
from netspace_jax.metrics.spread import pairwise_agreement
from netspace_jax.report import Section
from netspace_jax.runs import Run

SIZES = (1, 2, 4, 8, 16)
ALIKE = 0.99  # pairwise agreement from which on there is little to vote about


def ensemble(run: Run) -> Section:
    """Networks that vote: the best test members, the networks generated from them, and ensembles of growing size."""
    title, architecture_id, behaviour = run.metric.title, run.trained_ids[0], run.dataset.behaviour
    order = run.networks(architecture_id, "test").best_first[: max(SIZES)]
    labels, found = run.dataset.examples("test").targets, run.reconstruction(architecture_id, "test")
    sizes = [size for size in SIZES if size <= len(order)]
    metrics, columns, text = {}, [], ""
    for name, outputs, scores in (
        ("generated", found.generated_outputs, found.generated_score),
        ("members", found.outputs, found.score),
    ):
        logits, alone = outputs[order], scores[order]
        together = scores_on(behaviour, np.stack([logits[:size].mean(0) for size in sizes]), labels)
        metrics |= {f"ensemble/{name}_{size}": float(score) for size, score in zip(sizes, together, strict=True)}
        if len(order) > 1:
            alike, single = pairwise_agreement(behaviour, logits), float(alone[: sizes[-1]].mean())
            text += (
                f" {sizes[-1]} {name} voting reach {together[-1]:.3f}, one alone {single:.3f} on average and the first "
                f"{alone[0]:.3f} ({title}). Two of them "
                f"{run.metric.agreement} on {alike:.1%} of images"
                f"{': a vote can change little.' if alike > ALIKE else '.'}"
            )
        columns += [[f"{alone[:size].mean():.3f}" for size in sizes], [f"{score:.3f}" for score in together]]
    rows = list(zip(map(str, sizes), *columns, strict=True))
    averaged = "of their averaged logits"
    header = ("networks", f"generated: mean {title} of each", averaged, f"members: mean {title} of each", averaged)
    text = (
        f"The best test {run.space.names[architecture_id]}s by validation images, and the networks generated from "
        f"their embeddings. They vote by their averaged logits, on test images.{text}"
    )
    return Section("ensemble", "Networks that vote", text, metrics, None, (header, *rows))
