"""Does NetSpace generate networks, or repeat those it was shown?

Several generators of weights have been found to memorise (Zeng et al. 2025, arXiv 2506.07998), so generated networks
are compared with the nearest network of the training set, and with what takes no generator at all.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist

from netspace_jax.domains.images.search import decoded
from netspace_jax.latent import search as latent
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained
from netspace_jax.space.behaviour import Rows, in_blocks, of_first, outputs_of_each, score_outputs
from netspace_jax.task import Task

DRAWN = 128  # networks sampled from the space


class Nearest(NamedTuple):
    """For each network, how near the nearest of a training set is.

    Attributes:
      distance: Euclidean distance of parameters over the norm of the network's own.
      agreement: share of inputs on which the one of the training set that agrees most says the same.
    """

    distance: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]


@jax.jit
def _most_agreement(count, outputs, known, task: Task):
    return of_first(count, lambda own: jax.vmap(lambda wanted: task.agreement(wanted, own))(known).max(), outputs)


def nearest(outputs: Float[np.ndarray, "network n outputs"], flats: Float[Rows, "network size"],
            known: Float[np.ndarray, "known n outputs"], training: Float[Rows, "known size"], task: Task) -> Nearest:
    """Nearest training networks, in parameters and in behaviour, of some networks.

    Args:
      outputs, known: what networks and training networks say of the same inputs.
    """
    distance = cdist(flats, training).min(1) / np.linalg.norm(flats, axis=1)
    return Nearest(distance, in_blocks(_most_agreement, outputs, jnp.asarray(known), task))


def disturbed(flats: Float[Rows, "network size"], size: float, seed: int = 0) -> Float[np.ndarray, "network size"]:
    """Networks with Gaussian noise of `size` times each network's own deviation added to their parameters."""
    noise = np.random.default_rng(seed).standard_normal(flats.shape, np.float32)
    return np.asarray(flats) + size * np.std(flats, 1, keepdims=True) * noise


def memorisation(trained: Trained) -> Section:
    """Are generated networks new? Nearest training networks, and what takes no generator at all."""
    kind, task = 0, trained.task
    architecture = trained.netspace.architectures[kind]
    members = trained.networks(kind, "train")
    training, test = members.parameters, trained.networks(kind, "test").parameters
    generated = reconstruct_split(trained, kind, "test").generated
    best = members.best
    embeddings = reconstruct_split(trained, kind, "train").embedding
    drawn = {name: decoded(trained, latent.sample(fit(embeddings), 0, DRAWN), kind)
             for name, fit in (("mixture", latent.fit_mixture), ("kernel", latent.fit_kernel))}

    def said_by(flats):
        return outputs_of_each(architecture, flats, task, np.zeros(len(flats), np.int32), "test")

    known, targets = said_by(training), task.examples("test", jnp.int32(0)).targets
    rows, metrics = [], {}
    for label, name, flats in (
            ("generated from test networks", "generated", generated),
            (f"{DRAWN} drawn from a Gaussian mixture over training embeddings", "mixture", drawn["mixture"]),
            (f"{DRAWN} drawn from a kernel density over them", "kernel", drawn["kernel"]),
            ("test networks themselves", "members", test),
            ("test networks, 10 % noise on the weights", "noise", disturbed(test, 0.1)),
            ("average of the training networks' weights", "average", training.mean(0, keepdims=True)),
            ("best of the training networks (by validation)", "best", training[best:best + 1])):
        outputs = said_by(flats)
        scores = score_outputs(outputs, targets, task)
        near = nearest(outputs, flats, known, training, task)
        metrics |= {f"memorised/{name}_{task.metric}": float(scores.mean()),
                    f"memorised/{name}_distance": float(near.distance.mean()),
                    f"memorised/{name}_agreement": float(near.agreement.mean())}
        rows.append((label, f"{scores.mean():.3f}", f"{scores.max():.3f}", f"{near.distance.mean():.3f}",
                     f"{near.agreement.mean():.3f}"))
    header = ("networks", f"{task.metric}, mean", "best", "distance to the nearest training network",
              "agreement with the nearest training network")
    text = ("Distance is Euclidean between all weights, over the norm of the network's own. A generator that repeats what it "
            "was shown would have distance 0 and agreement 1; compare generated networks with the test networks themselves.")
    return Section("memorised", "New networks, or repeated ones?", text, metrics, None, (header, *rows))
