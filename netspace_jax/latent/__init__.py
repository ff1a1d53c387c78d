"""Points of a latent space, whatever they stand for: their statistics, densities to draw from, descent by gradient."""

from netspace_jax.latent.density import Density, fit_kernel, fit_mixture
from netspace_jax.latent.minimise import Minimum, Schedule, descent_step, drawn_rows, minimise
from netspace_jax.latent.objectives import Fit, Objective, fit_objective
from netspace_jax.latent.statistics import (
    EmbeddingStatistics,
    correlated_statistics,
    independent_statistics,
    line,
    statistics_around,
)

__all__ = [
    "Density",
    "EmbeddingStatistics",
    "Fit",
    "Minimum",
    "Objective",
    "Schedule",
    "correlated_statistics",
    "descent_step",
    "drawn_rows",
    "fit_kernel",
    "fit_mixture",
    "fit_objective",
    "independent_statistics",
    "line",
    "minimise",
    "statistics_around",
]
