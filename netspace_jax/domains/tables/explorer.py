"""How networks on rows of a table are shown in the explorer: what they predict as one column changes."""

import numpy as np

from netspace_jax.domains.tables.behaviour import RowRegression
from netspace_jax.domains.tables.dataset import TableData
from netspace_jax.domains.tables.encoding import NUMBER
from netspace_jax.explorer.view import View
from netspace_jax.files import packaged
from netspace_jax.runs import Run

_STEPS = 64
_RANGE = (0.02, 0.98)  # quantiles between which a column runs


def view(run: Run[TableData]) -> View:
    """For each column of numbers, rows in which it runs over its range and the others are at their medians."""
    data, behaviour = run.dataset, run.dataset.behaviour
    inputs = np.asarray(data.inputs)
    columns = [place for place, kind in enumerate(behaviour.kinds) if kind == NUMBER] or [0]
    low, high = np.quantile(inputs[:, columns], _RANGE, axis=0)
    grid = np.tile(np.median(inputs, 0), (len(columns), _STEPS, 1)).astype(np.float32)
    for number, place in enumerate(columns):
        grid[number, :, place] = np.linspace(low[number], high[number], _STEPS)
    means, stds = (np.asarray(part)[columns] for part in behaviour.normalisation)
    if isinstance(behaviour, RowRegression):
        answers = {"mean": behaviour.mean, "std": behaviour.std, "labels": []}
    else:
        answers = {"mean": 0.0, "std": 1.0, "labels": list(behaviour.labels)}
    about = {
        "names": [behaviour.columns[place] for place in columns],
        "low": (low * stds + means).tolist(),
        "high": (high * stds + means).tolist(),
        "target": behaviour.target,
        "steps": _STEPS,
        **answers,
    }
    rows = grid.reshape(-1, inputs.shape[1])
    return View(
        script=packaged("netspace_jax.domains.tables", "explorer.js"),
        question=f"Each network predicts {behaviour.target} for one task: move over the map and watch its curve.",
        batch=_STEPS,
        arrays={"grid": rows},
        about=about,
        loss_inputs=rows,
    )
