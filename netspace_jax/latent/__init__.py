"""Points of a latent space, whatever they stand for: regions and lines, densities to draw from, search by gradient."""

from netspace_jax.latent.climb import Found, Ground, climb
from netspace_jax.latent.density import Density, draw, fit_kernel, fit_mixture
from netspace_jax.latent.objectives import Fit, Objective, fit_arrays
from netspace_jax.latent.region import CorrelatedRegion, Region, correlated_region_of, line, region_of

__all__ = [
    "CorrelatedRegion",
    "Density",
    "Fit",
    "Found",
    "Ground",
    "Objective",
    "Region",
    "climb",
    "correlated_region_of",
    "draw",
    "fit_arrays",
    "fit_kernel",
    "fit_mixture",
    "line",
    "region_of",
]
