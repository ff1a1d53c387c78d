"""The domain of networks that predict one column of a table from the others."""

from netspace_jax.config import NetSpaceConfig
from netspace_jax.domain import Domain
from netspace_jax.domains.tables.config import TableZooConfig, check
from netspace_jax.domains.tables.presets import PRESETS
from netspace_jax.lazy import Lazy

_HERE = "netspace_jax.domains.tables"

DOMAIN = Domain(
    name="tables",
    zoo_config=TableZooConfig,
    netspace_config=NetSpaceConfig,
    load=Lazy(f"{_HERE}.loading:load"),
    presets=PRESETS,
    behaviours=(f"{_HERE}.behaviour",),
    evaluations=(),
    check=check,
    view=Lazy(f"{_HERE}.explorer:view"),
    data_flags=("dataset", "task_column", "target", "inputs", "answers", "min_rows", "validation_rows", "test_rows"),
)
