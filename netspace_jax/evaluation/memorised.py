"""Does NetSpace generate networks, or repeat those it was shown?

Several generators of weights have been found to memorise (Zeng et al. 2025, arXiv 2506.07998), so generated networks
are compared with the nearest network of the training set, and with what takes no generator at all.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax import latent
from netspace_jax.evaluation.reconstruct import score_networks
from netspace_jax.evaluation.search import decoded
from netspace_jax.evaluation.section import Section, reconstruct_split
from netspace_jax.objectives import Shown
from netspace_jax.pipeline import Trained
from netspace_jax.population import outputs_of
from netspace_jax.tasks import Split, Task

DRAWN = 128  # networks sampled from the space


class Nearest(NamedTuple):
    """For each network, how near the nearest of a training set is.

    Attributes:
      distance: Euclidean distance of parameters over the norm of the network's own.
      agreement: share of inputs on which the one of the training set that agrees most says the same.
    """

    distance: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]


@functools.partial(jax.jit, static_argnames=("architecture", "split"))
def _nearest(architecture, flats: Float[Array, "network size"], training: Shown, task: Task, split: Split):
    examples = task.examples(split, training.items[0])

    def outputs(flat):
        return outputs_of(architecture, flat, examples.inputs)

    known = jax.lax.map(outputs, training.flats, batch_size=32)

    def one(flat):
        own = outputs(flat)
        distance = jnp.sqrt(jnp.square(training.flats - flat[None]).sum(1).min()) / jnp.linalg.norm(flat)
        return distance, jax.vmap(lambda wanted: task.agreement(wanted, own))(known).max()

    return jax.lax.map(one, flats)


def nearest(architecture, flats: Float[Array, "network size"] | Float[np.ndarray, "network size"], training: Shown, task: Task,
            split: Split = "test") -> Nearest:
    """Nearest training networks, in parameters and in behaviour, of some networks."""
    return Nearest(*map(np.asarray, _nearest(architecture, flats, training, task, split)))


def disturbed(flats: Float[Array, "network size"], size: float, seed: int = 0) -> Float[Array, "network size"]:
    """Networks with Gaussian noise of `size` times each network's own deviation added to their parameters."""
    deviation = flats.std(1, keepdims=True)
    return flats + size * deviation * jax.random.normal(jax.random.key(seed), flats.shape)


def memorisation(trained: Trained) -> Section:
    """Are generated networks new? Nearest training networks, and what takes no generator at all."""
    kind = 0
    architecture = trained.netspace.architectures[kind]
    training = trained.shown(trained.networks(kind, "train"))
    test = trained.shown(trained.networks(kind, "test"))
    generated = reconstruct_split(trained, kind, "test").generated
    best = int(np.argmax(score_networks(architecture, training.flats, trained.task, training.items, "validation")))
    known = reconstruct_split(trained, kind, "train").embedding
    drawn = {name: decoded(trained, latent.sample(fit(known), 0, DRAWN), kind)
             for name, fit in (("mixture", latent.fit_mixture), ("kernel", latent.fit_kernel))}
    rows, metrics = [], {}
    for label, name, flats in (
            ("generated from test networks", "generated", generated),
            (f"{DRAWN} drawn from a Gaussian mixture over training embeddings", "mixture", drawn["mixture"]),
            (f"{DRAWN} drawn from a kernel density over them", "kernel", drawn["kernel"]),
            ("test networks themselves", "members", test.flats),
            ("test networks, 10 % noise on the weights", "noise", disturbed(test.flats, 0.1)),
            ("average of the training networks' weights", "average", training.flats.mean(0, keepdims=True)),
            ("best of the training networks (by validation)", "best", training.flats[best:best + 1])):
        items = jnp.broadcast_to(test.items[:1], (len(flats),))
        scores = np.asarray(score_networks(architecture, flats, trained.task, items, "test"))
        near = nearest(architecture, flats, training, trained.task)
        metrics |= {f"memorised/{name}_{trained.task.metric}": float(scores.mean()),
                    f"memorised/{name}_distance": float(near.distance.mean()),
                    f"memorised/{name}_agreement": float(near.agreement.mean())}
        rows.append((label, f"{scores.mean():.3f}", f"{scores.max():.3f}", f"{near.distance.mean():.3f}",
                     f"{near.agreement.mean():.3f}"))
    header = ("networks", f"{trained.task.metric}, mean", "best", "distance to the nearest training network",
              "agreement with the nearest training network")
    text = ("Distance is Euclidean between all weights, over the norm of the network's own. A generator that repeats what it "
            "was shown would have distance 0 and agreement 1; compare generated networks with the test networks themselves.")
    return Section("memorised", "New networks, or repeated ones?", text, metrics, None, (header, *rows))
