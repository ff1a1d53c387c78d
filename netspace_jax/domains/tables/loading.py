"""From the flags of a zoo to the rows of its tasks."""

import dataclasses
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from netspace_jax.dataset import Batch
from netspace_jax.domain import Loaded
from netspace_jax.domains.tables.behaviour import RowClassification, RowRegression, Rows
from netspace_jax.domains.tables.config import TableZooConfig
from netspace_jax.domains.tables.dataset import MOST_EXAMPLES, TableData, row_order
from netspace_jax.domains.tables.encoding import (
    Encoding,
    Frame,
    fit_encoding,
    is_number,
    numbers,
    require_columns,
    texts,
)
from netspace_jax.domains.tables.reading import read_file, read_table
from netspace_jax.errors import InputError
from netspace_jax.zoo.plan import splits_of_items

FEWEST_TASKS = 4
MOST_CLASSES = 100


def load(config: TableZooConfig) -> Loaded:
    """The tasks of a zoo, and its configuration with as many members as they have views where it asked for more.

    Rows whose target or task is missing are left out, and so are tasks of fewer rows than `min_rows`. All networks of a
    task are in one split. Numbers are normalised by the training rows of training tasks alone.

    Raises:
      InputError: the table is missing, cannot be read, lacks a column, or has too few tasks.
    """
    table, task_column, target = read_table(config.dataset, config.task_column)
    config = dataclasses.replace(config, target=config.target or target)
    if not config.target:
        raise InputError(f"{config.dataset}: name the column that networks predict: --zoo.target COLUMN")
    require_columns(table, [task_column, config.target, *config.inputs], config.dataset)
    if config.target == task_column or task_column in config.inputs:
        raise InputError(f"{task_column!r} names the task, so it is neither the target nor an input: choose another")
    columns = config.inputs or tuple(str(name) for name in table.columns if name not in (config.target, task_column))
    if not columns:
        raise InputError(f"{config.dataset}: no column is left for networks to predict {config.target!r} from")
    table = table.dropna(subset=[config.target, task_column]).reset_index(drop=True)
    names, tasks, table = _chosen_tasks(table, task_column, config)
    splits = splits_of_items(config, len(names), config.views)
    order, counts = row_order(tasks, config)
    table, tasks = table.iloc[order].reset_index(drop=True), tasks[order]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).reshape(counts.shape)
    in_task = np.arange(len(tasks)) - starts[tasks, 0]
    training = (in_task < counts[tasks, 0]) & (np.array(splits) == "train")[tasks]
    behaviour = _behaviour(config, table, fit_encoding(table, columns, training, config.dataset), training)
    data = TableData(
        *behaviour.batch(table),
        starts=jnp.asarray(starts, jnp.int32),
        counts=jnp.asarray(counts, jnp.int32),
        behaviour=behaviour,
        lengths=tuple(np.minimum(counts.max(0), MOST_EXAMPLES).tolist()),
    )
    members = tuple(min(max(count // config.views, 1), len(names)) * config.views for count in config.members)
    return Loaded(data, names, dataclasses.replace(config, members=members), splits)


def read_examples(behaviour: Rows, path: Path) -> Batch:
    """Examples of one task out of a CSV or Parquet file: inputs, and the targets that its target column holds.

    Raises:
      InputError: it cannot be read, or its columns are not those that the networks take.
    """
    return behaviour.batch(read_file(path))


def _chosen_tasks(
    table: Frame, task_column: str, config: TableZooConfig
) -> tuple[tuple[str, ...], Int[np.ndarray, "row"], Frame]:
    """Tasks with enough rows, at most as many as there are members, drawn by the seed; each kept row's, and the rows.

    Raises:
      InputError: there are too few.
    """
    named = texts(table[task_column])
    names, tasks, sizes = np.unique(named.astype(str), return_inverse=True, return_counts=True)
    if len(names) < FEWEST_TASKS:
        raise InputError(
            f"{config.dataset}: {len(names)} task{'s' if len(names) != 1 else ''} ({', '.join(names)}); a space needs "
            f"at least {FEWEST_TASKS}, and is worth its while from some hundred"
        )
    large = np.flatnonzero(sizes >= config.min_rows)
    if len(large) < FEWEST_TASKS:
        raise InputError(
            f"{config.dataset}: {len(large)} of {len(names)} tasks have {config.min_rows} rows or more, the largest "
            f"{sizes.max()}; at least {FEWEST_TASKS} have to: lower --zoo.min-rows"
        )
    most = max(max(config.members) // config.views, FEWEST_TASKS)
    chosen = np.sort(np.random.default_rng(config.seed).permutation(large)[:most])
    kept = np.isin(tasks, chosen)
    return tuple(names[chosen].tolist()), np.searchsorted(chosen, tasks[kept]), table[kept]


def _behaviour(
    config: TableZooConfig, table: Frame, encoding: Encoding, training: np.ndarray
) -> RowRegression | RowClassification:
    """What networks compute: numbers or classes, as is asked for or as the target is.

    Raises:
      InputError: the target is no number where numbers are asked for, has one value alone, or too many classes.
    """
    target, where = table[config.target], f"{config.dataset}: the target {config.target!r}"
    common: dict[str, Any] = {"input_shape": (len(encoding.columns),), "target": config.target}
    common |= {field.name: getattr(encoding, field.name) for field in dataclasses.fields(encoding)}
    truths = str(target.dtype).lower().startswith("bool")
    if config.answers == "numbers" or (config.answers == "auto" and is_number(target) and not truths):
        if not is_number(target):
            raise InputError(f"{where} is not numeric, as {texts(target)[0]!r}: name another, or --zoo.answers classes")
        values = numbers(target, config.target)
        if not np.isfinite(values).all() or not values[training].std():
            raise InputError(f"{where} has one value alone, or one that is not finite: there is nothing to learn")
        return RowRegression(**common, mean=float(values[training].mean()), std=float(values[training].std()))
    labels = tuple(sorted(set(texts(target))))
    if not 2 <= len(labels) <= MOST_CLASSES:
        raise InputError(f"{where} has {len(labels):,} different values; classes are from 2 to {MOST_CLASSES}")
    return RowClassification(**common, labels=labels)
