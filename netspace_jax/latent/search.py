"""The latent space in use: search, sampling and interpolation of embeddings, the decoder frozen.

Reference, section What is evaluated, Latent space optimisation: Adam moves an embedding so that the network that it
stands for does better. Written for one embedding, vmapped, and spread over devices.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, PyTree
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from netspace_jax.architectures import Architecture
from netspace_jax.config import SearchConfig
from netspace_jax.latent.objectives import Goal, Network
from netspace_jax.ops.devices import local_mesh, over_networks, padded, put_everywhere
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.zoo.population import outputs_of


@flax.struct.dataclass
class Region:
    """Where embeddings of real networks lie: what a search is kept near to."""

    mean: Float[Array, "embedding"]
    deviation: Float[Array, "embedding"]

    def standardise(self, z: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """Distance from the centre, in deviations."""
        return (z - jnp.broadcast_to(self.mean, z.shape)) / jnp.broadcast_to(self.deviation, z.shape)

    def restore(self, u: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """The embedding of a standardised one."""
        return jnp.broadcast_to(self.mean, u.shape) + u * jnp.broadcast_to(self.deviation, u.shape)


def region_of(z: Float[Array, "network embedding"] | Float[np.ndarray, "network embedding"]) -> Region:
    """The region of some embeddings; a direction in which they hardly differ counts as a thousandth of the widest."""
    deviation = np.asarray(z).std(0)
    return Region(jnp.asarray(np.mean(z, 0)), jnp.asarray(np.maximum(deviation, 1e-3 * deviation.max() + 1e-8)))


@flax.struct.dataclass
class Found:
    """What a search came to.

    Attributes:
      z: the best embedding seen.
      merit: its merit, by which it was chosen.
      start_merit: merit of the embedding that the search began at.
      last: the embedding that the search ended at.
      losses: mean loss between two looks.
    """

    z: Float[Array, "*start embedding"]
    merit: Float[Array, "*start"]
    start_merit: Float[Array, "*start"]
    last: Float[Array, "*start embedding"]
    losses: Float[Array, "*start look"]


def _climb(network_of: Callable[[Array], Network], region: Region, goal: Goal, starts: Float[Array, "start size"],
           config: SearchConfig, extra: Callable[[Array], Array], allowed: Callable[[Array], Array]) -> Found:
    """Adam from many points at once, in units of the region; what is best by the goal's merit is kept.

    Args:
      network_of: from a point to the network that it stands for.
      extra: a term of the loss for the point itself.
      allowed: whether a point may be the result.
    """
    optimizer = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.steps, 0.01))
    each = max(config.steps // config.looks, 1)

    def loss_of(u, step):
        x = region.restore(u)
        loss = goal.loss(network_of(x), jax.random.key(config.seed), step)
        return loss + config.trust * jnp.square(u).mean() + extra(x)

    def merit_of(u):
        x = region.restore(u)
        return jnp.where(allowed(x), goal.merit(network_of(x)), -jnp.inf)

    def step(carry, index):
        u, optimizer_state = carry
        loss, gradient = jax.value_and_grad(loss_of)(u, index)
        updates, optimizer_state = optimizer.update(gradient, optimizer_state)
        return (optax.apply_updates(u, updates), optimizer_state), loss

    def until_look(carry, look):
        walk, best, best_merit = carry
        walk, losses = jax.lax.scan(step, walk, look * each + jnp.arange(each))
        merit = merit_of(walk[0])
        better = merit > best_merit
        return (walk, jnp.where(better, walk[0], best), jnp.where(better, merit, best_merit)), losses.mean()

    def one(start):
        u = region.standardise(start)
        first = merit_of(u)
        ((u, _), best, merit), losses = jax.lax.scan(until_look, ((u, optimizer.init(u)), u, first),
                                                jnp.arange(max(config.steps // each, 1)))
        return Found(region.restore(best), merit, first, region.restore(u), losses)

    return jax.vmap(one)(starts)


def search(netspace: NetSpace, params: PyTree, constants: Constants, region: Region, goal: Goal,
           starts: Float[Array, "start embedding"], kind: int, config: SearchConfig, mesh: Mesh | None = None) -> Found:
    """Search from many embeddings at once for networks of architecture `kind` that do well by `goal`.

    With several architectures the head's cross-entropy to `kind` is part of the loss, so that what is found is also
    read as the architecture that was asked for.

    Args:
      mesh: devices to spread the searches over; by default all of this process.
    """
    mesh = mesh or local_mesh(len(starts))
    rows = np.resize(np.arange(len(starts)), padded(len(starts), mesh))
    shared = put_everywhere((params, constants, region, goal), mesh)
    found = _search(netspace, *shared, jax.device_put(starts[rows], over_networks(mesh)), kind, config)
    return jax.device_put(jax.tree.map(lambda leaf: leaf[:len(starts)], found), jax.local_devices()[0])


@functools.partial(jax.jit, static_argnames=("netspace", "kind", "config"))
def _search(netspace, params, constants, region, goal, starts, kind, config) -> Found:
    architecture, several = netspace.architectures[kind], len(netspace.architectures) > 1

    def network_of(z):
        flat = netspace.decode(params, constants, z, kind)
        return functools.partial(outputs_of, architecture, flat)

    def extra(z):
        logits = netspace.classify(params, z)
        return optax.softmax_cross_entropy_with_integer_labels(logits, kind) if several else 0.0

    def allowed(z):
        return netspace.classify(params, z).argmax() == kind if several else True

    return _climb(network_of, region, goal, starts, config, extra, allowed)


@functools.partial(jax.jit, static_argnames=("architecture", "config"))
def fine_tune(architecture: Architecture, goal: Goal, flats: Float[Array, "network size"], config: SearchConfig) -> Found:
    """The same by the weights themselves: what a search in the space is to be compared with, at equal steps.

    The learning rate is in units of the weights, and nothing keeps them near where they were.
    """
    size = flats.shape[1]
    plain = Region(jnp.zeros(size), jnp.ones(size))

    def network_of(flat):
        return functools.partial(outputs_of, architecture, flat)

    return _climb(network_of, plain, goal, flats, dataclasses.replace(config, trust=0.0), lambda x: 0.0, lambda x: True)


class Density(NamedTuple):
    """A density of real embeddings, over coordinates of the directions that carry most of their variance.

    Attributes:
      draw: from a seed and a number to that many rows of coordinates.
      directions: unit vectors in the standardised space.
    """

    draw: Callable[[int, int], Float[np.ndarray, "n direction"]]
    region: Region
    directions: Float[np.ndarray, "direction embedding"]


# A density in hundreds of dimensions needs more networks than there are: it is fitted in the directions that carry this
# share of the variance of standardised embeddings.
_VARIANCE_KEPT = 0.99


def _coordinates(z) -> tuple[Region, np.ndarray, np.ndarray]:
    region = region_of(z)
    u = np.asarray(region.standardise(jnp.asarray(z)), np.float64)
    _, sizes, directions = np.linalg.svd(u, full_matrices=False)
    share = np.cumsum(sizes ** 2) / np.sum(sizes ** 2)
    directions = directions[:int(np.searchsorted(share, _VARIANCE_KEPT)) + 1]
    return region, directions, u @ directions.T


def fit_mixture(z: Float[Array, "network embedding"] | Float[np.ndarray, "network embedding"], components: int = 8) -> Density:
    """A Gaussian mixture with diagonal covariances."""
    region, directions, rows = _coordinates(z)
    mixture = GaussianMixture(min(components, max(len(rows) // 2, 1)), covariance_type="diag", reg_covar=1e-3,
                              random_state=0).fit(rows)
    return Density(lambda seed, count: mixture.set_params(random_state=seed).sample(count)[0], region, directions)


def fit_kernel(z: Float[Array, "network embedding"] | Float[np.ndarray, "network embedding"]) -> Density:
    """A kernel density: a real embedding with Gaussian noise of Scott's size."""
    region, directions, rows = _coordinates(z)
    kernel = KernelDensity(bandwidth="scott").fit(rows)
    return Density(lambda seed, count: kernel.sample(count, random_state=seed), region, directions)


def sample(density: Density, seed: int, count: int) -> Float[Array, "network embedding"]:
    """Embeddings drawn from a density."""
    rows = density.draw(seed, count) @ density.directions
    return density.region.restore(jnp.asarray(rows, jnp.float32))


def line(a: Float[Any, "size"], b: Float[Any, "size"], steps: int) -> Float[Any, "step size"]:
    """Points at equal steps from `a` to `b`, both included: embeddings, or the parameters of networks; NumPy's where these are."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return (1 - share) * a[None] + share * b[None]
