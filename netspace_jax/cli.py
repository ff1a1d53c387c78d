"""What the commands share: presets before flags, one line for bad input, progress bars, devices."""

import contextlib
import dataclasses
import errno
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import tyro
from etils import epath
from tqdm import tqdm

from netspace_jax.config import START_EPOCHS
from netspace_jax.errors import InputError
from netspace_jax.files import is_remote, location
from netspace_jax.ops.devices import is_first, prepare_cpu

# A disk or a place on it that cannot be written.
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST,
         errno.ENAMETOOLONG)


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with one line and status 2 for bad input, status 1 for a disk that cannot be written."""
    try:
        yield
    except InputError as error:
        sys.exit(_say(str(error), 2))
    except OSError as error:
        if error.errno not in _DISK:
            raise
        sys.exit(_say(f"cannot write {error.filename or 'the results'} ({error.strerror}); what was finished is kept, and the "
                      f"same command goes on from it", 1))
    except KeyboardInterrupt:
        sys.exit(_say("interrupted; the same command goes on from what was finished", 130))


def _say(message: str, status: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return status


def preset_and_flags(arguments: Sequence[str], default: str) -> tuple[str, list[str]]:
    """The preset, if the first argument is not a flag, and the flags."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], list(arguments[1:])
    return default, list(arguments)


@contextlib.contextmanager
def zoo_bar() -> Iterator[Callable[[int, int, float], None]]:
    """Progress of a zoo, in training steps of networks; the first process shows it."""
    with tqdm(desc="zoo", unit=" network·steps", unit_scale=True, dynamic_ncols=True, smoothing=0.05, disable=not is_first()) as bar:
        def update(done: int, total: int, loss: float) -> None:
            bar.total = total
            if loss == loss:
                bar.set_postfix(loss=f"{loss:.3g}", refresh=False)
            bar.update(done)

        yield update


@contextlib.contextmanager
def netspace_bar() -> Iterator[Callable[[int, int, float], None]]:
    """Progress of NetSpace's training, in steps; the first process shows it."""
    with tqdm(desc="NetSpace", unit=" steps", dynamic_ncols=True, smoothing=0.05, disable=not is_first()) as bar:
        def update(step: int, steps: int, loss: float) -> None:
            if bar.total is None:
                bar.total = steps
            bar.set_postfix(loss=f"{loss:.3g}", refresh=False)
            bar.update(step - bar.n)

        yield update


def relative(path: epath.PathLike) -> epath.Path:
    """The path as seen from here, where that is shorter."""
    path = location(path)
    if is_remote(path):
        return path
    with contextlib.suppress(ValueError):
        return path.relative_to(Path.cwd())
    return path


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Flags of the commands under eval/."""

    run: tyro.conf.Positional[str]
    """Directory of a finished run, here or in an object store."""
    zoos: str = "zoos"
    """Directory under which zoos lie."""


@dataclasses.dataclass(frozen=True)
class StartEvaluation(Evaluation):
    """Flags of eval/start.py."""

    dataset: str = ""
    """Other images that generated networks are a start for: a name or a .npz, as for train.py; they are resized."""
    epochs: tuple[int, ...] = START_EPOCHS
    """Epochs that each start is trained for, each number on its own."""


def evaluate(name: str, arguments: Sequence[str], flags: type[Evaluation] = Evaluation) -> None:
    """Make one section of a run's report again: its figure under RUN/figures, its table and numbers on the screen."""
    with one_line_errors():
        args = tyro.cli(flags, args=list(arguments), prog=f"eval/{name}.py")
        prepare_cpu()
        from netspace_jax import job  # after the CPU is prepared, and no cost to --help

        print(job.evaluate(name, **vars(args)))


@dataclasses.dataclass(frozen=True)
class MeshExport:
    """Flags of eval/meshes.py."""

    run: tyro.conf.Positional[str]
    """Directory of a finished run whose networks are shapes."""
    out: Path = Path("meshes")
    """Directory for the meshes."""
    format: Literal["ply", "obj", "glb"] = "ply"
    """Format of the files."""
    resolution: int = 128
    """Grid points along each axis; 256 needs some 100 MB."""
    count: int = 8
    """Test shapes to write, each as its SIREN and as the network generated from its embedding."""
    zoos: str = "zoos"
    """Directory under which zoos lie."""


def export_meshes(arguments: Sequence[str]) -> None:
    """Write meshes of test shapes and of what was generated from them."""
    with one_line_errors():
        args = tyro.cli(MeshExport, args=list(arguments), prog="eval/meshes.py")
        prepare_cpu()
        from netspace_jax import jobs as job

        for path in job.export_meshes(args.run, args.zoos, args.out, args.format, args.resolution, args.count):
            print(relative(path))
