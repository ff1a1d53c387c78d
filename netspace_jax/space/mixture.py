"""The posterior of a task whose answers are numbers: a mixture of Gaussians over training networks, conditioned.

Embeddings of training networks and their answers on the examples' inputs are taken to be normal together in each
component of a mixture, so that examples of a new task say where its embedding lies without a gradient step
(docs/method.md, eq. 40): Gaussian mixture regression (Ghahramani & Jordan 1994), which for one component is the
ensemble Kalman update (Evensen 1994).
How exact the answers of the examples are is a sum over guesses, each by its evidence.
"""

import functools
from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from netspace_jax.latent import fit_mixture
from netspace_jax.ops.mapping import Rows, batched
from netspace_jax.space.batched import generate_many
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs

COMPONENTS = 16
NOISE = (1e-5, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3)
"""Guesses of the variance of errors in the examples' answers, as shares of the variance of training networks' own."""

MOST = 256
"""Examples, at most, that are looked at: what is solved has as many equations as there are values."""


@flax.struct.dataclass
class Ensemble:
    """Training networks, as what is known of networks before any example.

    Attributes:
      embeddings: of each.
      networks: parameters that these are decoded to.
      shares: of each network in each component of a mixture of Gaussians over embeddings.
    """

    embeddings: Float[Array, "network embedding"]
    networks: Float[Array, "network size"]
    shares: Float[Array, "network component"]


class Found(NamedTuple):
    """Where the embedding of a task lies: mean and standard deviation of each value."""

    mean: Float[Array, "embedding"]
    deviation: Float[Array, "embedding"]


def ensemble_of(netspace: NetSpace, embeddings: Float[np.ndarray, "network embedding"], which: int = 0) -> Ensemble:
    """The training networks of a space's architecture as an ensemble."""
    shares = fit_mixture(embeddings, COMPONENTS).shares(jnp.asarray(embeddings))
    return Ensemble(jnp.asarray(embeddings), jnp.asarray(generate_many(netspace, which, embeddings)), shares)


def find_many(
    netspace: NetSpace,
    ensemble: Ensemble,
    inputs: Shaped[Rows, "task n *input"],
    answers: Float[Rows, "task n answer"],
    which: int = 0,
) -> Float[np.ndarray, "task embedding"]:
    """The mean embedding of each task after examples of it; of many examples, evenly spaced ones are looked at."""
    rows = np.unique(np.linspace(0, inputs.shape[1] - 1, MOST).round().astype(int))
    tasks = (np.asarray(inputs)[:, rows], np.asarray(answers)[:, rows])
    return np.asarray(_find(tasks, netspace.netspace, ensemble, which=which))


@functools.partial(batched, static=("which",), together=False)
def _find(task, netspace, ensemble, which):
    inputs, answers = task
    return find(netspace, ensemble, Pairs(inputs, answers, jnp.ones(len(inputs))), which).mean


def find(netspace: NetSpace, ensemble: Ensemble, pairs: Pairs, which: int = 0) -> Found:
    """The embedding of ONE task from examples of it: a pure function to be jitted and vmapped."""
    apply, behaviour = netspace.architectures[which].apply, netspace.behaviour
    weight = jnp.repeat(pairs.weight, pairs.answers.shape[1])

    def answers_of(flat):
        return behaviour.answers(apply(flat, pairs.inputs)).reshape(-1) * weight

    known, wanted = jax.lax.map(answers_of, ensemble.networks, batch_size=64), pairs.answers.reshape(-1) * weight
    noise = jnp.asarray(NOISE) * (known.var(0).sum() / jnp.maximum(weight.sum(), 1.0) + 1e-12)

    def component(share):  # one after another, since each takes as much memory as all answers do
        return _conditioned(share, ensemble, known, wanted, weight, noise)

    evidence, means, squares = jax.lax.map(component, ensemble.shares.T)
    each = jax.nn.softmax(evidence.reshape(-1)).reshape(evidence.shape)
    mean = jnp.einsum("kg,kge->e", each, means)
    return Found(mean, jnp.sqrt(jnp.maximum(jnp.einsum("kg,kge->e", each, squares) - mean**2, 1e-12)))


def _conditioned(share, ensemble, known, wanted, weight, noise):
    """Of one component, for each guess of the noise: log evidence, mean embedding, and mean square of each value."""
    part = share / share.sum()
    middle, centre = part @ known, part @ ensemble.embeddings
    root = jnp.sqrt(part)[:, None]
    answers, embeddings = root * (known - middle[None]), root * (ensemble.embeddings - centre[None])
    sizes, axes = jnp.linalg.eigh(answers.T @ answers)
    sizes = jnp.maximum(sizes, 0.0)
    rest, slope = (wanted - middle) @ axes, (embeddings.T @ answers) @ axes
    filled = (1 - weight).sum()  # what only fills up has no variance, and no say

    def of(noise):
        total = sizes + noise
        log_density = -0.5 * (jnp.square(rest) / total + jnp.log(total)).sum() + 0.5 * filled * jnp.log(noise)
        mean = centre + slope @ (rest / total)
        variance = jnp.square(embeddings).sum(0) - (jnp.square(slope) / total[None]).sum(-1)
        return jnp.log(share.mean()) + log_density, mean, jnp.square(mean) + jnp.maximum(variance, 0.0)

    return jax.vmap(of)(noise)
