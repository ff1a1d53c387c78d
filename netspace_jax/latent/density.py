"""Densities of real embeddings, to draw new ones from (docs/method.md, eq. 26)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from netspace_jax.latent.region import Region, region_of

# A density in hundreds of dimensions needs more networks than there are: it is fitted in the directions that carry this
# share of the variance of standardised embeddings.
_VARIANCE_KEPT = 0.99


class Density(NamedTuple):
    """A density of real embeddings, over coordinates of the directions that carry most of their variance.

    Attributes:
      draw: from a seed and a number to that many rows of coordinates.
      directions: unit vectors in the standardised space.
    """

    draw: Callable[[int, int], Float[np.ndarray, "n direction"]]
    region: Region
    directions: Float[np.ndarray, "direction embedding"]


def fit_mixture(z: Float[Any, "network embedding"], components: int = 8) -> Density:
    """A Gaussian mixture with diagonal covariances."""
    region, directions, rows = _coordinates(z)
    mixture = GaussianMixture(
        min(components, max(len(rows) // 2, 1)), covariance_type="diag", reg_covar=1e-3, random_state=0
    ).fit(rows)
    return Density(lambda seed, count: mixture.set_params(random_state=seed).sample(count)[0], region, directions)


def fit_kernel(z: Float[Any, "network embedding"]) -> Density:
    """A kernel density: a real embedding with Gaussian noise of Scott's size."""
    region, directions, rows = _coordinates(z)
    count, dimensions = rows.shape
    kernel = KernelDensity(bandwidth=count ** (-1 / (dimensions + 4))).fit(rows)  # Scott's rule
    return Density(lambda seed, count: np.asarray(kernel.sample(count, random_state=seed)), region, directions)


def draw(density: Density, seed: int, count: int) -> Float[Array, "network embedding"]:
    """Embeddings drawn from a density."""
    rows = density.draw(seed, count) @ density.directions
    return density.region.restore(jnp.asarray(rows, jnp.float32))


def _coordinates(z: Float[Any, "network embedding"]) -> tuple[Region, np.ndarray, np.ndarray]:
    region = region_of(z)
    u = np.asarray(region.standardise(jnp.asarray(z)), np.float64)
    _, sizes, directions = np.linalg.svd(u, full_matrices=False)
    share = np.cumsum(sizes**2) / np.sum(sizes**2)
    directions = directions[: int(np.searchsorted(share, _VARIANCE_KEPT)) + 1]
    return region, directions, u @ directions.T
