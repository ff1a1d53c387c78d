"""One run: its directory on disk, its checkpoints, and, when it is finished, its value."""

from netspace_jax.runs.description import check_directory, read_description
from netspace_jax.runs.directory import RunDirectory
from netspace_jax.runs.opening import finished_zoo, open_run, opened
from netspace_jax.runs.run import Run

__all__ = ["Run", "RunDirectory", "check_directory", "finished_zoo", "open_run", "opened", "read_description"]
