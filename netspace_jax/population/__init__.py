"""Thousands of small networks of one module at once, each with data or hyperparameters of its own.

from netspace_jax import population
found = population.train(MyModule(), x, y, hyperparameters={"learning_rate": np.logspace(-4, -1, 1000)})
found.losses, found.scores, found(x), found.params(found.best)
"""

from netspace_jax.population.arguments import Options
from netspace_jax.population.data import accuracy, cross_entropy, explained, squared_error
from netspace_jax.population.result import Population
from netspace_jax.population.training import train

__all__ = ["Options", "Population", "accuracy", "cross_entropy", "explained", "squared_error", "train"]
