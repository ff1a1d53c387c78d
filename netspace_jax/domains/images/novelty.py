"""Novelty: generated networks beside the nearest training network, and beside baselines without a generator."""

import numpy as np

from netspace_jax import latent
from netspace_jax.metrics.novelty import disturbed, error_iou, gaussian, nearest
from netspace_jax.metrics.outputs import outputs_of, scores_on
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.report import Section
from netspace_jax.report.words import difference, same_answer, score_name
from netspace_jax.runs import Run
from netspace_jax.space.batched import generate_many

DRAWN = 128  # networks sampled from the space, at most: as many as there are test networks


def novelty(run: Run) -> Section:
    """New networks, or repeated ones? Nearest training networks, and what takes no generator at all."""
    which, behaviour = run.trained_ids[0], run.dataset.behaviour
    architecture = run.space.architectures[which]
    members = run.networks(which, "train")
    training, test = members.parameters, run.networks(which, "test").parameters
    embeddings = run.reconstruction(which, "train").embedding
    count = min(DRAWN, len(test))

    def drawn(fit):
        z = fit(embeddings).sample(key_of(0, Purpose.SAMPLE), count)
        return np.asarray(generate_many(run.space, which, z))

    def said_by(flats):
        return np.asarray(outputs_of(run.dataset, architecture, flats))

    known, targets = said_by(training), run.dataset.examples("test").targets
    labels = np.asarray(targets)
    known_errors = known.argmax(-1) != labels
    rows, metrics, overlaps, nears = [], {}, {}, {}
    for label, name, flats in (
        ("generated from test networks", "generated", run.reconstruction(which, "test").generated),
        ("the same after refinement", "refined", run.refined(which).generated),
        (f"{count} drawn from a Gaussian mixture over training embeddings", "mixture", drawn(latent.fit_mixture)),
        (f"{count} drawn from a kernel density over them", "kernel", drawn(latent.fit_kernel)),
        ("test networks themselves", "members", test),
        ("test networks, 10 % noise on the weights", "noise", disturbed(test, 0.1)),
        ("average of the training networks' weights", "average", training.mean(0, keepdims=True)),
        (f"{count} drawn from a Gaussian of the training networks' weights", "gaussian", gaussian(training, count)),
        ("best of the training networks (by validation)", "best", training[members.best : members.best + 1]),
    ):
        outputs = said_by(flats)
        scores = scores_on(behaviour, outputs, targets)
        near = nearest(behaviour, flats, training, outputs=outputs, known=known)
        overlap = error_iou(outputs.argmax(-1) != labels, known_errors)
        overlaps[name], nears[name] = overlap, near.distance
        metrics |= {
            f"novelty/{name}_{behaviour.metric}": float(scores.mean()),
            f"novelty/{name}_distance": float(near.distance.mean()),
            f"novelty/{name}_agreement": float(near.agreement.mean()),
            f"novelty/{name}_error_iou": float(overlap.mean()),
        }
        values = (scores.mean(), scores.max(), near.distance.mean(), near.agreement.mean(), overlap.mean())
        rows.append((label, *(f"{value:.3f}" for value in values)))
    header = ("networks", f"{score_name(behaviour.metric)}: mean", "max", "distance to the nearest training network")
    header += ("agreement with the nearest training network", "largest IoU of errors with a training network")
    text = (
        f"Of {architecture.name}s. Distance is Euclidean between all weights, over the norm of the network's own; a "
        f"copy of a training network has 0, and the two {same_answer(behaviour.metric)} everywhere. The IoU of errors "
        "is that of Zeng et al. (arXiv 2506.07998); low is new. Test networks are new by construction: beside "
        f"theirs, the distance of those generated from them is {difference(nears['generated'], nears['members'])}, and "
        f"their IoU of errors {difference(overlaps['generated'], overlaps['members'])}; after refinement the IoU is "
        f"{difference(overlaps['refined'], overlaps['members'])}."
    )
    return Section("novelty", "New networks, or repeated ones?", text, metrics, None, (header, *rows))
