"""What the members of a run's zoo are about."""

import numpy as np
from jaxtyping import Int

from netspace_jax.behaviour import Split
from netspace_jax.domains.fields.dataset import FieldData
from netspace_jax.runs import Run


def items_of(run: Run[FieldData], split: Split) -> Int[np.ndarray, "member"]:
    """The field that each member of a split is about."""
    return run.networks(0, split).indices % run.dataset.items
