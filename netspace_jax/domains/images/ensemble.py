"""Networks that vote: logits averaged over several generated networks, against single ones and as many members."""

import jax.numpy as jnp
import numpy as np

from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained
from netspace_jax.space.behaviour import outputs_of_each, score_outputs

SIZES = (1, 2, 4, 8, 16)


def ensemble(trained: Trained) -> Section:
    """The best test members by validation, what was generated from them, and both as ensembles of growing size."""
    metric, kind = trained.task.metric, 0
    members = trained.networks(kind, "test")
    order = members.by_merit[:max(SIZES)]
    generated = reconstruct_split(trained, kind, "test").generated
    labels = trained.task.examples("test", jnp.int32(0)).targets
    items = np.zeros(len(order), np.int32)
    outputs = {name: outputs_of_each(trained.netspace.architectures[kind], flats[order], trained.task, items, "test")
               for name, flats in (("generated", generated), ("members", members.parameters))}
    sizes = [size for size in SIZES if size <= len(order)]
    metrics, columns = {}, []
    for name, logits in outputs.items():
        alone = score_outputs(logits, labels, trained.task)
        together = score_outputs(np.stack([logits[:size].mean(0) for size in sizes]), labels, trained.task)
        metrics |= {f"ensemble/{name}_{size}": float(score) for size, score in zip(sizes, together, strict=True)}
        columns += [[f"{alone[:size].mean():.3f}" for size in sizes], [f"{score:.3f}" for score in together]]
    rows = list(zip(map(str, sizes), *columns, strict=True))
    header = ("networks", f"generated: mean {metric} of each", "of their averaged logits", f"members: mean {metric} of each",
              "of their averaged logits")
    text = ("The best test members by validation images, and the networks generated from their embeddings; averaged are "
            "logits, on test images.")
    return Section("ensemble", "Networks that vote", text, metrics, None, (header, *rows))
