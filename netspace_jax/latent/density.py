"""Densities of real embeddings, to draw new ones from (docs/method.md, eq. 26)."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from netspace_jax.latent.statistics import EmbeddingStatistics, correlated_statistics, independent_statistics

# A density in hundreds of dimensions needs more networks than there are: it is fitted in the directions that carry this
# share of the variance of standardised embeddings.
_VARIANCE_KEPT = 0.99


@flax.struct.dataclass
class Density:
    """A mixture of Gaussians over coordinates of the directions that carry most of the variance of real embeddings.

    Attributes:
      statistics: by which embeddings are standardised.
      directions: unit vectors in the standardised space.
      centres, deviations: of each component, along each direction.
    """

    statistics: EmbeddingStatistics
    directions: Float[Array, "direction embedding"]
    weights: Float[Array, "component"]
    centres: Float[Array, "component direction"]
    deviations: Float[Array, "component direction"]

    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count embedding"]:
        """Embeddings drawn from the density, each from a component of its own."""
        of_component, of_noise = jax.random.split(key)
        component = jax.random.categorical(of_component, jnp.log(self.weights), shape=(count,))
        noise = jax.random.normal(of_noise, (count, len(self.directions)))
        return self.statistics.restore((self.centres[component] + noise * self.deviations[component]) @ self.directions)

    def shares(self, z: Float[Array, "network embedding"]) -> Float[Array, "network component"]:
        """How probable each component is for each embedding; they add up to 1."""
        rows = self.statistics.standardise(z) @ self.directions.T
        u = (rows[:, None] - self.centres[None]) / self.deviations[None]
        size = jnp.log(self.weights) - jnp.log(self.deviations).sum(-1)
        return jax.nn.softmax(size[None] - 0.5 * jnp.square(u).sum(-1), axis=-1)


def fit_mixture(z: Float[Any, "network embedding"], components: int = 8) -> Density:
    """A Gaussian mixture with diagonal covariances, by expectation maximisation."""
    from sklearn.mixture import GaussianMixture  # takes half a second to import

    statistics, directions, rows = _coordinates(z)
    count = min(components, max(len(rows) // 2, 1))
    mixture: Any = GaussianMixture(count, covariance_type="diag", reg_covar=1e-3, random_state=0).fit(rows)
    fitted = (mixture.weights_, mixture.means_, np.sqrt(mixture.covariances_))
    return Density(statistics, directions, *(jnp.asarray(value, jnp.float32) for value in fitted))


def fit_kernel(z: Float[Any, "network embedding"]) -> Density:
    """A kernel density: each real embedding is a component, with a deviation by Scott's rule (1992)."""
    statistics, directions, rows = _coordinates(z)
    count, dimensions = rows.shape
    fitted = (np.full(count, 1 / count), rows, np.full(rows.shape, count ** (-1 / (dimensions + 4))))
    return Density(statistics, directions, *(jnp.asarray(value, jnp.float32) for value in fitted))


def _coordinates(
    z: Float[Any, "network embedding"],
) -> tuple[EmbeddingStatistics, Float[Array, "direction embedding"], Float[np.ndarray, "network direction"]]:
    """Statistics of embeddings, directions in units of these, and coordinates of the embeddings along them."""
    statistics = independent_statistics(z)
    u = np.asarray(statistics.standardise(jnp.asarray(z)), np.float64)
    directions = correlated_statistics(u, _VARIANCE_KEPT).axes
    return statistics, directions, u @ np.asarray(directions, np.float64).T
