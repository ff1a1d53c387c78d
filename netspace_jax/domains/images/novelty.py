"""Novelty: generated networks beside the nearest training network, and beside baselines without a generator."""

from typing import NamedTuple

import numpy as np

from netspace_jax import latent
from netspace_jax.metrics.novelty import add_noise, error_iou, gaussian, nearest
from netspace_jax.metrics.outputs import Evaluated, evaluate, outputs_of
from netspace_jax.metrics.reconstruction import Reconstruction
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import Rows
from netspace_jax.report import Section
from netspace_jax.report.words import difference
from netspace_jax.runs import Run
from netspace_jax.space.batched import generate_many

DRAWN = 128  # networks sampled from the space, at most: as many as there are test networks


class _Candidates(NamedTuple):
    """Networks whose novelty is asked about."""

    name: str
    label: str
    flats: Rows
    evaluated: Evaluated


def novelty(run: Run) -> Section:
    """New networks, or repeated ones? Nearest training networks, and what takes no generator at all."""
    architecture_id, behaviour, metric = run.trained_ids[0], run.dataset.behaviour, run.metric
    training = run.networks(architecture_id, "train")
    architecture = run.space.architectures[architecture_id]
    training_outputs = np.asarray(outputs_of(run.dataset, architecture, training.parameters))
    labels = np.asarray(run.dataset.examples("test").targets)
    training_errors = training_outputs.argmax(-1) != labels
    rows, metrics, overlaps, distances = [], {}, {}, {}
    for name, label, flats, evaluated in _candidates(run, architecture_id):
        outputs, scores = np.asarray(evaluated.outputs), evaluated.score
        near = nearest(behaviour, flats, training.parameters, outputs=outputs, training_outputs=training_outputs)
        overlaps[name] = error_iou(outputs.argmax(-1) != labels, training_errors)
        distances[name] = near.distance
        metrics |= {
            f"novelty/{name}_{metric}": float(scores.mean()),
            f"novelty/{name}_distance": float(near.distance.mean()),
            f"novelty/{name}_agreement": float(near.agreement.mean()),
            f"novelty/{name}_error_iou": float(overlaps[name].mean()),
        }
        values = (scores.mean(), scores.max(), near.distance.mean(), near.agreement.mean(), overlaps[name].mean())
        rows.append((label, *(f"{value:.3f}" for value in values)))
    header = ("networks", f"{metric.title}: mean", "max", "distance to the nearest training network")
    header += ("agreement with the nearest training network", "largest IoU of errors with a training network")
    text = (
        f"Of {run.space.names[architecture_id]}s. Distance is Euclidean between all weights, over the norm of the "
        f"network's own; a copy of a training network has 0, and the two {metric.agreement} everywhere. The IoU of "
        "errors is that of Zeng et al. (arXiv 2506.07998); low is new. Test networks are new by construction: beside "
        f"theirs, the distance of those generated from them is "
        f"{difference(distances['generated'], distances['members'])}, and their IoU of errors "
        f"{difference(overlaps['generated'], overlaps['members'])}; after refinement the IoU is "
        f"{difference(overlaps['refined'], overlaps['members'])}."
    )
    return Section("novelty", "New networks, or repeated ones?", text, metrics, None, (header, *rows))


def _candidates(run: Run, architecture_id: int) -> list[_Candidates]:
    """Networks of the space, members, and networks that take no space."""
    architecture = run.space.architectures[architecture_id]
    training, test = run.networks(architecture_id, "train"), run.networks(architecture_id, "test").parameters
    embeddings = np.asarray(run.space.embeddings[architecture.name])
    count, best = min(DRAWN, len(test)), slice(training.best, training.best + 1)

    def new(name: str, label: str, flats: Rows) -> _Candidates:
        return _Candidates(name, label, flats, evaluate(run.dataset, architecture, flats))

    def generated(name: str, label: str, found: Reconstruction) -> _Candidates:
        return _Candidates(name, label, found.generated, Evaluated(found.generated_outputs, found.generated_score))

    def drawn(density: latent.Density) -> Rows:
        z = density.sample(key_of(0, Purpose.SAMPLE), count)
        return np.asarray(generate_many(run.space, architecture_id, z))

    mixture, kernel = drawn(latent.fit_mixture(embeddings)), drawn(latent.fit_kernel(embeddings))
    weights = gaussian(training.parameters, count)
    return [
        generated("generated", "generated from test networks", run.reconstruction(architecture_id, "test")),
        generated("refined", "the same after refinement", run.refined(architecture_id)),
        new("mixture", f"{count} drawn from a Gaussian mixture over training embeddings", mixture),
        new("kernel", f"{count} drawn from a kernel density over them", kernel),
        _Candidates("members", "test networks themselves", test, run.evaluated(architecture_id, "test")),
        new("noise", "test networks, 10 % noise on the weights", add_noise(test, 0.1)),
        new("average", "average of the training networks' weights", training.parameters.mean(0, keepdims=True)),
        new("gaussian", f"{count} drawn from a Gaussian of the training networks' weights", weights),
        new("best", "best of the training networks (by validation)", training.parameters[best]),
    ]
