"""Few-shot adaptation: what a new task gets from k examples of it, without a space, and curves for any way to do it.

Each way is an `Adapter`, a pytree whose one method is a pure function of ONE task; `fit_baselines` trains and tunes
those that need no space, and `adaptation_curves` runs any of them, a space's own too, by one code path.
"""

from netspace_jax.metrics.adaptation.adapter import Adapter, ByCount, Examples, OneNetwork, example_loss
from netspace_jax.metrics.adaptation.config import AdaptationConfig
from netspace_jax.metrics.adaptation.curves import Curves, adaptation_curves, member_scores
from netspace_jax.metrics.adaptation.fit import BASELINES, UNTRAINED, Baselines, fit_baselines

__all__ = [
    "BASELINES",
    "UNTRAINED",
    "AdaptationConfig",
    "Adapter",
    "Baselines",
    "ByCount",
    "Curves",
    "Examples",
    "OneNetwork",
    "adaptation_curves",
    "example_loss",
    "fit_baselines",
    "member_scores",
]
