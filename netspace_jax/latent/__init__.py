"""Points of a latent space, whatever they stand for: regions and lines, densities to draw from, search by gradient."""

from netspace_jax.latent.climb import Found, Ground, climb
from netspace_jax.latent.density import Density, draw, fit_kernel, fit_mixture
from netspace_jax.latent.objectives import Fit, Objective, fit_arrays
from netspace_jax.latent.region import Region, line, region_of

__all__ = [
    "Density",
    "Fit",
    "Found",
    "Ground",
    "Objective",
    "Region",
    "climb",
    "draw",
    "fit_arrays",
    "fit_kernel",
    "fit_mixture",
    "line",
    "region_of",
]
