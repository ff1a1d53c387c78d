"""Networks that vote: logits averaged over several generated networks, against single ones and as many members."""

import numpy as np

from netspace_jax.metrics.behaviour import outputs_of, scores_on
from netspace_jax.report import Section
from netspace_jax.runs import Run

SIZES = (1, 2, 4, 8, 16)


def ensemble(run: Run) -> Section:
    """Networks that vote: the best test members, the networks generated from them, and ensembles of growing size."""
    metric, which, dataset = run.metric, run.trained_ids[0], run.dataset
    members = run.networks(which, "test")
    order = members.best_first[: max(SIZES)]
    labels = dataset.examples("test").targets
    generated = run.reconstruction(which, "test").generated
    outputs = {
        name: outputs_of(dataset, run.space.architectures[which], flats[order])
        for name, flats in (("generated", generated), ("members", members.parameters))
    }
    sizes = [size for size in SIZES if size <= len(order)]
    metrics, columns = {}, []
    for name, logits in outputs.items():
        alone = scores_on(dataset.task, logits, labels)
        together = scores_on(dataset.task, np.stack([logits[:size].mean(0) for size in sizes]), labels)
        metrics |= {f"ensemble/{name}_{size}": float(score) for size, score in zip(sizes, together, strict=True)}
        columns += [[f"{alone[:size].mean():.3f}" for size in sizes], [f"{score:.3f}" for score in together]]
    rows = list(zip(map(str, sizes), *columns, strict=True))
    averaged = "of their averaged logits"
    header = ("networks", f"generated: mean {metric} of each", averaged, f"members: mean {metric} of each", averaged)
    text = (
        f"The best test {run.space.names[which]}s by validation images, and the networks generated from their "
        f"embeddings; averaged are logits, on test images."
    )
    return Section("ensemble", "Networks that vote", text, metrics, None, (header, *rows))
