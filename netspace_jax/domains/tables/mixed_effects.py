"""What a statistician would use on tables of many tasks: mixed-effects models, and boosting that is told of the task.

All learn from the rows of training tasks and say of a new task, from a few of its rows, what its others are. What each
of them leaves open is chosen on validation tasks.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Predict = Callable[[Float[np.ndarray, "k inputs"], Float[np.ndarray, "k"], Float[np.ndarray, "n inputs"]], np.ndarray]
"""From a few rows of a new task with their targets, and other rows of it, to the targets of those."""


class TaskRows(NamedTuple):
    """Rows of several tasks: inputs, targets and the number of each row's task."""

    inputs: Float[np.ndarray, "n inputs"]
    targets: Float[np.ndarray, "n"]
    task: Int[np.ndarray, "n"]


class MixedModel(NamedTuple):
    """A linear mixed-effects model: y = Xβ + Zb + e, b of each task from N(0, G), e from N(0, σ²).

    Attributes:
      design: from inputs to X and Z.
    """

    design: Callable[[Float[np.ndarray, "n inputs"]], tuple[np.ndarray, np.ndarray]]
    fixed: Float[np.ndarray, "fixed"]
    covariance: Float[np.ndarray, "random random"]
    variance: float

    def predict(self, inputs: np.ndarray, targets: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Best linear unbiased prediction for the other rows: b's posterior mean is G Zᵀ (Z G Zᵀ + σ² I)⁻¹ (y − Xβ)."""
        (x, z), (other_x, other_z) = self.design(inputs), self.design(others)
        scale = z @ self.covariance @ z.T + self.variance * np.eye(len(z))
        random = self.covariance @ z.T @ np.linalg.solve(scale, targets - x @ self.fixed)
        return other_x @ self.fixed + other_z @ random


def fit_mixed_model(rows: TaskRows, slopes: Sequence[int], curved: Sequence[int]) -> MixedModel:
    """A mixed-effects model by restricted maximum likelihood (statsmodels' MixedLM).

    Args:
      slopes: inputs whose slope each task has of its own, beside its intercept.
      curved: inputs whose square is among the fixed effects too.

    Raises:
      ValueError: the data does not identify the model.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM

    kept = np.flatnonzero(rows.inputs.std(0) > 0)

    def design(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        one = np.ones((len(inputs), 1))
        return np.hstack([one, inputs[:, kept], inputs[:, curved] ** 2]), np.hstack([one, inputs[:, slopes]])

    x, z = design(rows.inputs)
    independent = _independent(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence; what does not predict is not chosen
        fitted = MixedLM(rows.targets, x[:, independent], rows.task, z).fit(method="lbfgs", maxiter=100)
    fixed = np.zeros(x.shape[1])
    fixed[independent] = fitted.fe_params
    return MixedModel(design, fixed, np.atleast_2d(fitted.cov_re), float(fitted.scale))


def _independent(x: Float[np.ndarray, "n columns"]) -> Int[np.ndarray, "independent"]:
    """Columns that are no combination of those before them, as the last category of a column is."""
    upper = np.abs(np.diag(np.linalg.qr(x, mode="r")))
    return np.flatnonzero(upper > 1e-6 * upper.max())


def fit_boosting(rows: TaskRows, counts: Sequence[int], *, leaves: int, rate: float, told: bool) -> Predict:
    """Gradient boosting (scikit-learn's), told of a task by how far a few of its rows lie above what it says untold.

    Its training rows are told of their tasks by rows drawn of these tasks, as a new task is.

    Args:
      told: whether it is told at all; else all tasks are one.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import GroupKFold, cross_val_predict

    def model() -> HistGradientBoostingRegressor:
        return HistGradientBoostingRegressor(learning_rate=rate, max_leaf_nodes=leaves, random_state=0)

    untold = model().fit(rows.inputs, rows.targets)
    if not told:
        return lambda inputs, targets, others: untold.predict(others)
    expected = cross_val_predict(model(), rows.inputs, rows.targets, groups=rows.task, cv=GroupKFold(5))
    left, random = rows.targets - expected, np.random.default_rng(0)
    seen, asked, own = [], [], []
    for task in np.unique(rows.task):
        mine = np.flatnonzero(rows.task == task)
        for count in (one for one in counts if one < len(mine)):
            drawn = random.permutation(mine)
            seen.append(np.tile(_told(left[drawn[:count]]), (len(mine) - count, 1)))
            asked.append(drawn[count:])
            own.append(expected[drawn[count:]])
    chosen = np.concatenate(asked)
    features = np.hstack([rows.inputs[chosen], np.concatenate(own)[:, None], np.concatenate(seen)])
    final = model().fit(features, rows.targets[chosen])

    def predict(inputs: np.ndarray, targets: np.ndarray, others: np.ndarray) -> np.ndarray:
        said = _told(targets - untold.predict(inputs))
        return final.predict(np.hstack([others, untold.predict(others)[:, None], np.tile(said, (len(others), 1))]))

    return predict


def _told(left: Float[np.ndarray, "k"]) -> Float[np.ndarray, "2"]:
    """How far rows lie above what was expected of them, and how many they are."""
    return np.array([left.mean(), len(left)])
