"""`netspace train|zoo|eval`; train.py, zoo.py and eval/ are faces of the same functions."""

import dataclasses
import importlib.util
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro
from etils import epath

from netspace_jax import architectures, jobs
from netspace_jax.cli.errors import one_line_errors
from netspace_jax.cli.progress import bars
from netspace_jax.cli.show import describe_zoo, list_evaluations
from netspace_jax.config import RunConfig
from netspace_jax.domain import preset, preset_text, presets
from netspace_jax.domains import IMAGES
from netspace_jax.errors import InputError
from netspace_jax.files import is_remote, location
from netspace_jax.ops.devices import Hosts, join, prepare
from netspace_jax.zoo import Zoo, export_zoo

DEFAULT_PRESET = next(iter(IMAGES.presets))

Modules = Annotated[tuple[str, ...], tyro.conf.arg(prefix_name=False)]


@dataclasses.dataclass(frozen=True)
class Shared:
    """Flags of train and zoo."""

    zoos: str = "zoos"
    """Directory under which zoos lie, here or in an object store (gs://…, s3://…); runs share them."""
    devices: int = 0
    """Devices to spread networks over; 0 for all."""
    hosts: Hosts = dataclasses.field(default_factory=Hosts)
    modules: Modules = ()
    """Python files that register architectures or domains of your own."""


def train(arguments: Sequence[str] | None = None, began: float | None = None, program: str = "netspace train") -> None:
    """Zoo if missing → space → report.

    Args:
      began: time at which the process began, in seconds since the epoch.
      program: what the help and the report call the command.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors():
        _register_modules(given)
        name, flags = _preset_and_flags(given)
        base = preset(name)
        make = dataclasses.make_dataclass(
            "Arguments",
            [
                ("zoo", type(base.zoo)),
                ("netspace", type(base.netspace)),
                ("refine", type(base.refine)),
                ("out", str, f"runs/{name}"),
                ("fresh", bool, False),
            ],
            bases=(Shared,),
            frozen=True,
            kw_only=True,
        )
        make.__doc__ = "Flags."
        args = _parse(
            make,
            make(zoo=base.zoo, netspace=base.netspace, refine=base.refine),
            flags,
            f"{program} {name}",
            preset_text(name),
        )
        config = RunConfig(Path(args.out).name or name, base.domain, args.zoo, args.netspace, args.refine)
        _prepare(args)
        with bars() as watch:
            report = jobs.train(
                config,
                args.out,
                args.zoos,
                devices=args.devices,
                fresh=args.fresh,
                began=began or time.time(),
                command=" ".join([f"python {program}" if program.endswith(".py") else program, *given]),
                watch=watch,
            )
        print(f"report: {relative(report)}")


def zoo(arguments: Sequence[str] | None = None, program: str = "netspace zoo") -> None:
    """Train a zoo; `show DIR`: look at one; `export DIR FILE`: write it as one file."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors():
        if given and given[0] == "show":
            if len(given) != 2:
                raise InputError(f"show takes one directory: {program} show DIR")
            print(describe_zoo(Zoo(given[1])))
            return
        if given and given[0] == "export":
            if len(given) != 3:
                raise InputError(f"export takes a directory and a new file: {program} export DIR FILE.safetensors")
            print(f"{relative(export_zoo(Zoo(given[1]), given[2]))}: networks with their table")
            return
        _register_modules(given)
        name, flags = _preset_and_flags(given)
        base = preset(name)
        make = dataclasses.make_dataclass(
            "Arguments", [("zoo", type(base.zoo))], bases=(Shared,), frozen=True, kw_only=True
        )
        make.__doc__ = "Flags."
        text = f"{preset_text(name)}\n\n`{program} show DIR` prints what is in a zoo, and "
        text += f"`{program} export DIR FILE.safetensors` writes it as one file."
        args = _parse(make, make(zoo=base.zoo), flags, f"{program} {name}", text)
        _prepare(args)
        with bars() as watch:
            found = jobs.make_zoo(args.zoo, base.domain, args.zoos, devices=args.devices, watch=watch)
        print(f"zoo: {relative(found.directory)}")


def evaluate(arguments: Sequence[str] | None = None, program: str = "netspace eval") -> None:
    """Make one section of a finished run's report again, or what else can be made of it; alone, list what there is."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors():
        _register_modules(given)
        known = jobs.all_evaluations()
        if not given or given[0] in ("-h", "--help"):
            print(list_evaluations(program))
            return
        name, flags = given[0], given[1:]
        if name not in known:
            raise InputError(f"unknown evaluation {name!r}; there are {', '.join(known)}")
        fields: list[Any] = [("run", tyro.conf.Positional[str]), ("zoos", str, "zoos"), ("modules", Modules, ())]
        options = known[name].options
        bases = (options,) if options else ()
        make = dataclasses.make_dataclass("Arguments", fields, bases=bases, frozen=True, kw_only=True)
        make.__doc__ = "Flags."
        args = tyro.cli(make, args=flags, prog=f"{program} {name}", description=known[name].summary)
        _prepare(args)
        own = {field.name: getattr(args, field.name) for field in dataclasses.fields(options)} if options else {}
        run = jobs.open_run(args.run, args.zoos)
        for line in jobs.evaluate(name, run, options(**own) if options else None):
            print(line)


def main(arguments: Sequence[str] | None = None) -> None:
    """`netspace train|zoo|eval`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {"train": train, "zoo": zoo, "eval": evaluate}
    if not given or given[0] not in commands:
        lines = [
            f"  netspace {name:6} {(command.__doc__ or '').partition(chr(10))[0]}" for name, command in commands.items()
        ]
        print("\n".join(["usage:", *lines]))
        sys.exit(0 if given[:1] in ([], ["-h"], ["--help"]) else 2)
    commands[given[0]](given[1:])


def relative(path: epath.PathLike) -> epath.Path:
    """The path as seen from here, where that is shorter."""
    path = location(path)
    here = Path.cwd()
    return path if is_remote(path) or not path.is_relative_to(here) else path.relative_to(here)


def _preset_and_flags(arguments: list[str]) -> tuple[str, list[str]]:
    """The preset, if the first argument is not a flag, and the flags."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], arguments[1:]
    return DEFAULT_PRESET, arguments


def _parse(make: type, default: Any, flags: list[str], program: str, text: str) -> Any:
    known = f"Presets: {', '.join(presets())}.\nArchitectures: {', '.join(architectures.names())}."
    return tyro.cli(make, default=default, args=flags, prog=program, description=f"{text}\n\n{known}")


def _prepare(args: Any) -> None:
    """JAX's devices, before JAX is first used."""
    prepare()
    if hasattr(args, "hosts"):
        join(args.hosts)


def _register_modules(arguments: list[str]) -> None:
    """Run the files after --modules: what they register may be named by other flags, so they come first."""
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--modules=") else [word])]
    if "--modules" not in words:
        return
    for path in itertools.takewhile(lambda word: not word.startswith("-"), words[words.index("--modules") + 1 :]):
        _run_module(Path(path))


def _run_module(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"--modules {path}: no such file")
    name = f"modules_of_the_user_{path.stem}"  # which may be called as a module of Python's own
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"--modules {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
