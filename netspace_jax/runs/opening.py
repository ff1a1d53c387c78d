"""Opening what runs and zoos leave."""

from pathlib import PurePath

from etils import epath

from netspace_jax.config import RunConfig
from netspace_jax.dataset import Dataset
from netspace_jax.domain import domain, read_config
from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.runs.checkpoints import latest_step
from netspace_jax.runs.description import read_description
from netspace_jax.runs.run import Run
from netspace_jax.space import Space, load
from netspace_jax.zoo import Zoo, fingerprint, open_zoo, zoo_name


def open_run(path: epath.PathLike, zoos: epath.PathLike = "zoos") -> Run:
    """A finished run with its zoo and its data.

    Raises:
      InputError: run, zoo or data is missing or cannot be read.
    """
    description = read_description(path)
    config = read_config(description, location(path) / "config.json")
    if not (location(path) / "space" / "space.json").exists():
        raise InputError(f"{path} holds no finished run; the command that began it goes on with it")
    dataset = domain(config.domain).load(config.zoo).dataset
    folder = description.get("zoo_folder") or zoo_name(config.zoo, dataset)
    return opened(config, location(path), open_zoo(_zoo_folder(folder, zoos)), dataset, load(location(path) / "space"))


def _zoo_folder(folder: str, zoos: epath.PathLike) -> epath.Path:
    """Where a run's zoo lies: below `zoos`; one that the run was pointed at, where it was then, or now below `zoos`."""
    given = location(folder) if PurePath(folder).is_absolute() else location(zoos) / folder
    return given if given.exists() else location(zoos) / given.name


def opened(config: RunConfig, path: epath.Path, zoo: Zoo, dataset: Dataset, space: Space) -> Run:
    """The run in a directory, of values that are at hand."""
    step = latest_step(path / "checkpoints" / "best") or 0
    return Run(config, path, zoo, dataset, space, step)


def finished_zoo(folder: epath.PathLike, dataset: Dataset) -> Zoo:
    """A zoo that exists.

    Raises:
      InputError: there is none, or its networks were scored on other data.
    """
    zoo = open_zoo(folder)
    if (sha256 := zoo.summary.get("data_sha256")) and sha256 != fingerprint(dataset):
        raise InputError(
            f"the data is not what the networks of zoo {folder} were scored on when they were imported: "
            f"bring it back, or import them again"
        )
    return zoo
