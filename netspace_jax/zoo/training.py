"""How the networks of a zoo train, as its configuration says."""

from collections.abc import Callable

import optax

from netspace_jax.architectures import Architecture
from netspace_jax.config import ZooConfig
from netspace_jax.population.network import Training, supervised

MakeTraining = Callable[[Architecture, ZooConfig], Training]
"""How ONE network of a domain trains, from what it is and the configuration of its zoo."""


def recipe(architecture: Architecture, config: ZooConfig, precision: str = "float32") -> Training:
    """Training on labelled batches (docs/method.md, Zoos, for the recipes of the paper's presets).

    Args:
      precision: number format of activations and products.
    """
    return supervised(
        architecture,
        make_optimizer(config),
        batch=config.batch,
        keep_best=bool(config.validations),
        precision=precision,
    )


def make_optimizer(config: ZooConfig) -> optax.GradientTransformation:
    """Adam or SGD with momentum, the learning rate cut at shares of the steps or falling along a cosine."""
    if config.schedule == "cosine":
        rate = optax.cosine_decay_schedule(config.learning_rate, config.steps, 0.01)
    else:
        factors: dict[int, float] = {}
        for share in config.decay_at:  # two shares may round to one step
            step = round(share * config.steps)
            factors[step] = factors.get(step, 1.0) * config.decay
        rate = optax.piecewise_constant_schedule(config.learning_rate, factors)
    plain = optax.adam(rate) if config.optimizer == "adam" else optax.sgd(rate, momentum=0.9)
    return optax.chain(optax.add_decayed_weights(config.weight_decay), plain) if config.weight_decay else plain
