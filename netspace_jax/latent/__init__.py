"""Points of a latent space, whatever they stand for: their statistics, densities to draw from, descent by gradient."""

from netspace_jax.latent.density import Density, draw, fit_kernel, fit_mixture
from netspace_jax.latent.minimise import Minimum, Schedule, drawn_rows, minimise
from netspace_jax.latent.objectives import Fit, Objective, fit_objective
from netspace_jax.latent.statistics import (
    EmbeddingStatistics,
    correlated_statistics,
    independent_statistics,
    line,
    statistics_around,
)

region_of = independent_statistics
Region = EmbeddingStatistics

__all__ = [
    "Density",
    "EmbeddingStatistics",
    "Fit",
    "Minimum",
    "Objective",
    "Region",
    "Schedule",
    "correlated_statistics",
    "draw",
    "drawn_rows",
    "fit_kernel",
    "fit_mixture",
    "fit_objective",
    "independent_statistics",
    "line",
    "minimise",
    "region_of",
    "statistics_around",
]
