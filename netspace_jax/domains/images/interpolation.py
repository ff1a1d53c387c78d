"""From one network to another, through embeddings and through weights."""

from netspace_jax.metrics.interpolation import interpolate
from netspace_jax.report import Section, figures
from netspace_jax.report.words import relation, score_name
from netspace_jax.runs import Run


def interpolation(run: Run) -> Section:
    """From one network to another: scores along the line of embeddings and along the line of weights."""
    which = run.trained_ids[0]
    networks = run.networks(which, "test")
    best = networks.best_first[:2]
    way = interpolate(run.space, run.dataset, networks.parameters[best], which)
    latent, weights = float(way.latent.min()), float(way.weights.min())
    figure, _ = figures.along_a_line(
        way.share, [("embeddings", way.latent), ("weights", way.weights)], score_name(run.metric)
    )
    initial = "one shared initialisation" if run.config.zoo.shared_init else "initialisations of their own"
    text = (
        f"The two best test {run.space.names[which]}s by validation inputs, trained from {initial}. Between their "
        f"embeddings the lowest {score_name(run.metric)} is {latent:.3f} (at the ends {way.latent[0]:.3f} and "
        f"{way.latent[-1]:.3f}), between their weights {weights:.3f} ({way.weights[0]:.3f} and {way.weights[-1]:.3f}; "
        f"chance: {run.dataset.chance('test'):.3f}). By the embeddings it is {relation(latent, weights)}."
    )
    metrics = {"interpolate/latent_min": latent, "interpolate/weights_min": weights}
    return Section("interpolate", "From one network to another", text, metrics, figure)
