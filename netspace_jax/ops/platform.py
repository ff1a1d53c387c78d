"""The one switch between what suits a CPU and what suits an accelerator."""

import jax


def on_cpu() -> bool:
    """Whether programs traced now will run on a CPU."""
    return jax.default_backend() == "cpu"
