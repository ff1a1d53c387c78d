"""Networks that vote: logits averaged over several generated networks, against single ones and as many members."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax.evaluation.section import Section, reconstruct_split
from netspace_jax.pipeline import Trained
from netspace_jax.population import outputs_of

SIZES = (1, 2, 4, 8, 16)


def logits_of(trained: Trained, kind: int, flats: Float[np.ndarray, "network size"]) -> Float[Array, "network image classes"]:
    """What each network says of the test images."""
    examples = trained.task.examples("test", jnp.int32(0))
    architecture = trained.netspace.architectures[kind]
    return jax.jit(lambda flats: jax.lax.map(lambda flat: outputs_of(architecture, flat, examples.inputs), flats,
                                             batch_size=32))(jnp.asarray(flats))


def ensemble(trained: Trained) -> Section:
    """The best test members by validation, what was generated from them, and both as ensembles of growing size."""
    metric, kind = trained.task.metric, 0
    members = trained.networks(kind, "test")
    order = np.argsort([-m.score_validation for m in members.members], kind="stable")
    generated = reconstruct_split(trained, kind, "test").generated
    labels = trained.task.examples("test", jnp.int32(0)).targets
    outputs = {"generated": logits_of(trained, kind, generated[order]),
               "members": logits_of(trained, kind, members.parameters[order])}
    metrics, rows = {}, []
    for size in (size for size in SIZES if size <= len(order)):
        row = [str(size)]
        for name, logits in outputs.items():
            together = float(trained.task.score(logits[:size].mean(0), labels))
            single = float(np.mean([trained.task.score(one, labels) for one in logits[:size]]))
            metrics[f"ensemble/{name}_{size}"] = together
            row += [f"{single:.3f}", f"{together:.3f}"]
        rows.append(tuple(row))
    header = ("networks", f"generated: mean {metric} of each", "of their averaged logits", f"members: mean {metric} of each",
              "of their averaged logits")
    text = ("The best test members by validation images, and the networks generated from their embeddings; averaged are "
            "logits, on test images.")
    return Section("ensemble", "Networks that vote", text, metrics, None, (header, *rows))
