"""What statisticians would use, on tasks that are known: y = 1 + 2x + (level + slope·x of each task) + noise."""

import numpy as np
import pytest

from netspace_jax.domains.tables.mixed_effects import MixedModel, TaskRows, fit_boosting, fit_mixed_model
from netspace_jax.domains.tables.new_tasks import FewRowsConfig, _explained

LEVEL, SLOPE, NOISE = 1.0, 0.5, 0.3


def tasks(count: int, seed: int, rows: int = 14) -> TaskRows:
    random = np.random.default_rng(seed)
    task = np.repeat(np.arange(count), rows)
    x = random.normal(size=(count * rows, 1))
    level, slope = (deviation * random.normal(size=count)[task] for deviation in (LEVEL, SLOPE))
    noise = NOISE * random.normal(size=len(x))
    return TaskRows(x, 1 + level + (2 + slope) * x[:, 0] + noise, task)


@pytest.fixture(scope="module")
def model() -> MixedModel:
    pytest.importorskip("statsmodels")
    return fit_mixed_model(tasks(120, 0), [0], [])


def test_a_mixed_model_finds_what_the_tasks_were_drawn_from(model):
    np.testing.assert_allclose(model.fixed, [1, 2], atol=0.3)
    np.testing.assert_allclose(np.diag(model.covariance), [LEVEL**2, SLOPE**2], rtol=0.35)
    assert abs(model.variance - NOISE**2) < 0.02


def test_what_it_says_of_a_new_task_is_the_mean_of_a_gaussian_given_the_rows(model):
    """The same by conditioning the joint Gaussian of all rows."""
    rows = tasks(1, 1)
    (x, z), (given, asked) = model.design(rows.inputs), (slice(0, 5), slice(5, None))
    joint = z @ model.covariance @ z.T + model.variance * np.eye(len(z))
    left = rows.targets[given] - x[given] @ model.fixed
    expected = x[asked] @ model.fixed + joint[asked, given] @ np.linalg.solve(joint[given, given], left)
    said = model.predict(rows.inputs[given], rows.targets[given], rows.inputs[asked])
    np.testing.assert_allclose(said, expected, rtol=1e-8)


def test_more_rows_of_a_task_explain_more(model):
    scores = _explained(model.predict, tasks(20, 2))
    assert list(scores) == [count for count in FewRowsConfig().rows if count < 14 - 3]
    means = [score.mean() for score in scores.values()]
    assert means == sorted(means) and means[-1] > 0.85


@pytest.mark.long
def test_boosting_learns_more_where_it_is_told_of_the_task():
    told, untold = (fit_boosting(tasks(60, 0), (1, 5), leaves=4, rate=0.1, told=flag) for flag in (True, False))
    new = tasks(20, 2)
    assert _explained(told, new)[5].mean() > _explained(untold, new)[5].mean() + 0.1
