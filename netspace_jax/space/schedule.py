"""Optimizer and learning rates of NetSpace's training, and the step from which corrections are trained."""

import optax

from netspace_jax.config import NetSpaceConfig
from netspace_jax.ops.clip import clip_by_norm

WARM_UP_STEPS = 100


def learning_rate(config: NetSpaceConfig, corrected: bool = False) -> optax.Schedule:
    """Adam's learning rate: constant as in the paper, or warmed up and then a cosine to a hundredth.

    The steps in which corrections are trained are counted anew, and begin at half of the rate.
    """
    if config.schedule == "constant":
        return optax.constant_schedule(config.learning_rate)
    begins = correction_begins(config)
    if corrected:
        return _warm_cosine(config.learning_rate / 2, config.steps - begins)
    return _warm_cosine(config.learning_rate, begins)


def correction_begins(config: NetSpaceConfig) -> int:
    """The step from which corrections are trained; the last where there are none."""
    if not config.corrections:
        return config.steps
    return min(round(config.steps * (1 - config.correct_share)), config.steps - 1)


def _warm_cosine(rate: float, steps: int) -> optax.Schedule:
    warm_up = min(WARM_UP_STEPS, steps // 2)
    first = rate / max(warm_up, 1)  # not 0, which would waste a step
    return optax.warmup_cosine_decay_schedule(first, rate, warm_up, max(steps, 1), 0.01 * rate)


def make_optimizer(config: NetSpaceConfig, corrected: bool = False) -> optax.GradientTransformation:
    """Adam; with the cosine schedule the gradient's norm is clipped to 1, without which the larger rate diverges."""
    adam = optax.adam(learning_rate(config, corrected))
    return adam if config.schedule == "constant" else optax.chain(clip_by_norm(1.0), adam)
