"""Sections of a report: what a few rows say of a new task, to the space and to what a statistician would use."""

import contextlib
import dataclasses
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from netspace_jax.domains.tables.dataset import SPLITS, TableData
from netspace_jax.domains.tables.encoding import NUMBER
from netspace_jax.domains.tables.mixed_effects import Predict, TaskRows, fit_boosting, fit_mixed_model
from netspace_jax.metrics.interval import mean_interval
from netspace_jax.report import Section
from netspace_jax.report.words import number
from netspace_jax.rules import Count, Seed
from netspace_jax.runs import Run
from netspace_jax.space.adaptation import Calibration, adapt
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs

LEFT, FEWEST_TASKS = 3, 8
"""Scored are a task's other rows, where at least so many are left, of numbers of rows that so many tasks have."""
MOST_SLOPES = 6
_TITLE = "A new task from a few rows"
SPACE, MIXED, BOOSTING, UNTOLD, POOLED, MEAN = "space", "mixed", "boosting", "boosting_pooled", "pooled", "mean"
LABELS = {
    SPACE: "the space",
    MIXED: "mixed-effects model",
    BOOSTING: "boosting, told of the task by these rows",
    UNTOLD: "boosting, all tasks as one",
    POOLED: "one network for all tasks",
    MEAN: "mean of these rows",
}


@dataclasses.dataclass(frozen=True)
class FewRowsConfig:
    """Which rows of new tasks are given, and how often."""

    rows: tuple[Count, ...] = (1, 3, 5, 10, 20)
    """Numbers of rows of a new task that are given."""
    draws: Count = 4
    """Draws of the rows of each new task."""
    seed: Seed = 0
    """Seed of these draws."""


def new_tasks(run: Run[TableData], config: FewRowsConfig) -> Section:
    """Share of the variance of new tasks that is explained from a few of their rows, beside what takes seconds."""
    return _section("new_tasks", run, config, (SPACE, POOLED, MEAN))


def few_rows(run: Run[TableData], config: FewRowsConfig) -> Section:
    """The same beside mixed-effects models and boosting."""
    return _section("few_rows", run, config, tuple(LABELS))


def _section(section: str, run: Run[TableData], config: FewRowsConfig, names: tuple[str, ...]) -> Section:
    data = run.dataset
    tasks = {split: np.unique(run.networks(0, split).indices % data.items) for split in SPLITS}
    training, validation, test = (_rows_of(data, tasks[split]) for split in SPLITS)
    makers: dict[str, Callable[[], Predict]] = {
        SPACE: lambda: _space(run),
        MIXED: lambda: _best_mixed_model(data, training, validation),
        BOOSTING: lambda: _best_boosting(training, validation, config.rows),
        UNTOLD: lambda: _best_boosting(training, validation, ()),
        POOLED: lambda: _best_pooled_network(training, validation),
        MEAN: lambda: lambda inputs, targets, others: np.full(len(others), targets.mean()),
    }
    scores = {name: _explained(makers[name](), test, config) for name in names}
    counts = list(scores[SPACE])
    if not counts:
        return Section(
            section, _TITLE, f"Of {len(tasks['test'])} new tasks no {FEWEST_TASKS} have rows enough for it.", {}
        )
    rows = [(LABELS[name], *(_cell(scores[name][count]) for count in counts)) for name in names]
    tasks_left = ("new tasks", *(str(len(scores[SPACE][count])) for count in counts))
    metrics = {f"few_rows/{count}/{name}": float(scores[name][count].mean()) for name in names for count in counts}
    best = {count: LABELS[max(names, key=lambda name, count=count: scores[name][count].mean())] for count in counts}
    chosen = "; slopes and curves of the mixed-effects model, and the trees, are chosen on validation tasks"
    text = (
        f"From so many rows of a task that no network of the space was trained on, its other rows are predicted: share "
        f"of the variance of {data.behaviour.target} over all tasks that is explained (1: all of it; 0: as by the mean "
        f"of all tasks), mean over new tasks and {config.draws} draws of the rows, 95 % interval over tasks in "
        f"brackets. The best: {', '.join(f'{name} from {count}' for count, name in best.items())}. All learned from "
        f"the same training tasks{chosen if MIXED in names else ''}."
    )
    header = ("rows given", *map(str, counts))
    return Section(section, _TITLE, text, metrics, None, (header, *rows, tasks_left))


def _cell(scores: np.ndarray) -> str:
    low, high = mean_interval(scores)
    return f"{number(float(scores.mean()))} ({number(low)}–{number(high)})"


def _rows_of(data: TableData, tasks: Int[np.ndarray, "task"]) -> TaskRows:
    """All rows of some tasks, their targets in standard deviations."""
    starts, counts = np.asarray(data.starts)[tasks], np.asarray(data.counts)[tasks].sum(1)
    rows = np.concatenate([np.arange(start, start + count) for start, count in zip(starts[:, 0], counts, strict=True)])
    inputs, targets = data.take(jnp.asarray(rows))
    standard = np.asarray(data.behaviour.target_answers(targets), np.float64)[:, 0]
    return TaskRows(np.asarray(inputs, np.float64), standard, np.repeat(tasks, counts))


def _explained(predict: Predict, rows: TaskRows, config: FewRowsConfig = FewRowsConfig()) -> Mapping[int, np.ndarray]:
    """By number of rows given, the mean score of each task that has enough; left out where hardly any has."""
    scores: dict[int, np.ndarray] = {}
    groups = [np.flatnonzero(rows.task == task) for task in np.unique(rows.task)]
    for count in config.rows:
        each = []
        for mine in (one for one in groups if len(one) >= count + LEFT):
            random = np.random.default_rng([int(rows.task[mine[0]]), config.seed])
            errors = []
            for drawn in (random.permutation(mine) for _ in range(config.draws)):
                given, asked = drawn[:count], drawn[count:]
                said = predict(rows.inputs[given], rows.targets[given], rows.inputs[asked])
                errors.append(np.square(said - rows.targets[asked]).mean())
            each.append(1 - np.mean(errors))
        if len(each) >= FEWEST_TASKS:
            scores[count] = np.array(each)
    return scores


def _value(predict: Predict, validation: TaskRows) -> float:
    """What is chosen by: the mean score on validation tasks, each number of rows counting as much."""
    return float(
        np.mean([scores.mean() for scores in _explained(predict, validation, FewRowsConfig(draws=1)).values()])
    )


def _best_mixed_model(data: TableData, training: TaskRows, validation: TaskRows) -> Predict:
    """With intercepts alone or slopes of all numbers, and with or without squares of these among the fixed effects."""
    numbers = [place for place, kind in enumerate(data.behaviour.kinds) if kind == NUMBER][:MOST_SLOPES]
    found = []
    for slopes in ([], numbers):
        for curved in ([], numbers):
            with contextlib.suppress(ValueError, np.linalg.LinAlgError):  # data that does not identify the model
                found.append(fit_mixed_model(training, slopes, curved).predict)
    return max(found, key=lambda predict: _value(predict, validation))


def _best_boosting(training: TaskRows, validation: TaskRows, told_by: tuple[int, ...]) -> Predict:
    """Told of a task by such numbers of its rows, or of none."""
    sizes = ((4, 0.1), (8, 0.05), (16, 0.05))
    made = [fit_boosting(training, told_by, leaves=leaves, rate=rate, told=bool(told_by)) for leaves, rate in sizes]
    return max(made, key=lambda predict: _value(predict, validation))


def _best_pooled_network(training: TaskRows, validation: TaskRows) -> Predict:
    """One perceptron of the members' size on the rows of all training tasks."""
    from sklearn.neural_network import MLPRegressor

    def fitted(alpha: float) -> Predict:
        network = MLPRegressor(
            hidden_layer_sizes=(32, 32), alpha=alpha, early_stopping=True, max_iter=500, random_state=0
        )
        network.fit(training.inputs, training.targets)
        return lambda inputs, targets, others: np.asarray(network.predict(others))

    return max(map(fitted, (1e-4, 1e-2, 1.0)), key=lambda predict: _value(predict, validation))


def _space(run: Run[TableData]) -> Predict:
    """The network that the space finds from the rows; what is given and what is asked are filled up to one size."""
    most = int(np.asarray(run.dataset.counts).sum(1).max())

    def filled(values: np.ndarray) -> np.ndarray:
        rows = np.zeros((most, *values.shape[1:]), np.float32)
        rows[: len(values)] = values
        return rows

    def predict(inputs: np.ndarray, targets: np.ndarray, others: np.ndarray) -> np.ndarray:
        given = Pairs(*(jnp.asarray(filled(part)) for part in (inputs, targets[:, None], np.ones(len(inputs)))))
        return np.asarray(_found(run.space.netspace, run.space.calibration, given, filled(others)))[: len(others), 0]

    return predict


@jax.jit
def _found(
    netspace: NetSpace, calibration: Calibration, given: Pairs, others: Float[Array, "n inputs"]
) -> Float[Array, "n 1"]:
    """What the network of ONE task, found from some of its rows, says of others."""
    flat = netspace.generate(adapt(netspace, calibration, given).mean, 0)
    return netspace.architectures[0].apply(flat, others)
