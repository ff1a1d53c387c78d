"""Thousands of small networks of one module at once, each with data or hyperparameters of its own.

from netspace_jax import population
sweep = population.train(MyModule(), x, y, hyperparameters={"learning_rate": np.logspace(-4, -1, 1000)})
sweep.losses, sweep.scores, sweep(x), sweep.params(sweep.best)
"""

from netspace_jax.population.data import accuracy, cross_entropy, r2_score, squared_error
from netspace_jax.population.result import Population
from netspace_jax.population.sweep import Options, train

__all__ = ["Options", "Population", "accuracy", "cross_entropy", "r2_score", "squared_error", "train"]
