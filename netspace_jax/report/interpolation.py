"""From one network to another: through embeddings and through weights, and from one architecture to another."""

import numpy as np

from netspace_jax.latent import line
from netspace_jax.metrics.interpolation import STEPS, interpolate
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.report import Section, figures
from netspace_jax.report.words import relation
from netspace_jax.runs import Run
from netspace_jax.space.batched import classify_many, generate_many
from netspace_jax.space.loss import boundary_pairs


def interpolation(run: Run) -> Section:
    """From one network to another: scores along the line of embeddings and along the line of weights."""
    architecture_id = run.trained_ids[0]
    networks = run.networks(architecture_id, "test")
    ends = networks.best_first[:2]
    z = run.reconstruction(architecture_id, "test").embedding[ends]
    way = interpolate(run.space, run.dataset, networks.parameters[ends], z, architecture_id)
    latent, weights = float(way.latent.min()), float(way.weights.min())
    figure, _ = figures.along_a_line(way.share, [("embeddings", way.latent), ("weights", way.weights)], run.metric)
    initial = "one shared initialisation" if run.config.zoo.shared_init else "initialisations of their own"
    text = (
        f"The two best test {run.space.names[architecture_id]}s by validation inputs, trained from {initial}. Between "
        f"their embeddings the lowest {run.metric.title} is {latent:.3f} (at the ends {way.latent[0]:.3f} and "
        f"{way.latent[-1]:.3f}), between their weights {weights:.3f} ({way.weights[0]:.3f} and {way.weights[-1]:.3f}; "
        f"chance: {run.dataset.chance('test'):.3f}). By the embeddings it is {relation(latent, weights)}."
    )
    metrics = {"interpolate/latent_min": latent, "interpolate/weights_min": weights}
    return Section("interpolate", "From one network to another", text, metrics, figure)


def interpolate_architectures(run: Run) -> Section:
    """From one architecture to another: score and architecture read in 100 steps between two embeddings."""
    low, high = boundary_pairs(len(run.space.architectures))[0]
    first, last = (
        run.reconstruction(architecture_id, "test").embedding[run.networks(architecture_id, "test").best]
        for architecture_id in (low, high)
    )
    z = np.asarray(line(first, last, STEPS))
    read_as, scores = np.asarray(classify_many(run.space, z)), np.zeros(STEPS)
    passed = np.unique(read_as).tolist()
    for architecture_id in passed:
        rows = read_as == architecture_id
        flats = generate_many(run.space, architecture_id, z[rows])
        scores[rows] = scores_of(run.dataset, run.space.architectures[architecture_id], flats)
    names = run.space.names
    figure, _ = figures.across_architectures(np.linspace(0, 1, STEPS), scores, read_as, names, run.metric)
    text = (
        f"From the best test {names[low]} to the best test {names[high]}, by validation inputs. Each embedding on the "
        f"line is read as the architecture that the head reads in it; the colour tells which. The line passes through "
        f"{len(passed)} of the {len(names)} architectures with {np.count_nonzero(np.diff(read_as))} changes; its "
        f"lowest {run.metric.title} is {scores.min():.3f}, at its ends {scores[0]:.3f} and {scores[-1]:.3f} (chance: "
        f"{run.dataset.chance('test'):.3f})."
    )
    metrics = {
        "interpolate_architectures/architectures": float(len(passed)),
        f"interpolate_architectures/{run.metric}_min": float(scores.min()),
        f"interpolate_architectures/{run.metric}_mean": float(scores.mean()),
    }
    title = f"From {names[low]} to {names[high]}"
    return Section("interpolate_architectures", title, text, metrics, figure)
