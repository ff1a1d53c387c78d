"""`netspace train|zoo|eval`; train.py, zoo.py and eval/ are faces of the same functions."""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro
from etils import epath

from netspace_jax import architectures, evaluations, jobs
from netspace_jax.cli.errors import one_line_errors
from netspace_jax.cli.importing import import_folder
from netspace_jax.cli.modules import Modules, register_modules
from netspace_jax.cli.progress import bars
from netspace_jax.cli.show import describe_zoo, list_evaluations
from netspace_jax.config import Hosts, Lowering
from netspace_jax.domain import preset, preset_text, presets
from netspace_jax.domains import IMAGES
from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.ops.devices import join, prepare
from netspace_jax.ops.platform import lowering
from netspace_jax.rules import MOST, Range, check_fields
from netspace_jax.zoo import export_zoo, open_zoo

DEFAULT_PRESET = next(iter(IMAGES.presets))


@dataclasses.dataclass(frozen=True)
class Shared:
    """Flags of train and zoo."""

    zoos: str = "zoos"
    """Directory under which zoos lie; runs share them."""
    devices: Annotated[int, Range(0, MOST)] = 0
    """Devices to spread networks over; 0 for all."""
    lowering: Lowering = "auto"
    """Compile for a CPU or an accelerator; auto for what the devices are. Results are the same up to rounding."""
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
    with one_line_errors() as capture:
        register_modules(given)
        name, flags = _preset_and_flags(given)
        directory, flags = _zoo_and_flags(flags)
        base = preset(name, directory)
        zoo: list[Any] = [("zoo", type(base.zoo))] if directory is None else []
        make = dataclasses.make_dataclass(
            "Arguments",
            [
                *zoo,
                ("netspace", type(base.netspace)),
                ("refine", type(base.refine)),
                ("out", str, f"runs/{name}"),
                ("fresh", bool, False),
                ("explorer", bool, True),
            ],
            bases=(Shared,),
            frozen=True,
            kw_only=True,
        )
        make.__doc__ = "Flags."
        args = _parse(
            make,
            make(netspace=base.netspace, refine=base.refine, **({"zoo": base.zoo} if zoo else {})),
            flags,
            f"{program} {name}",
            preset_text(name),
        )
        config = dataclasses.replace(
            base,
            name=Path(args.out).name or name,
            zoo=args.zoo if zoo else base.zoo,
            netspace=args.netspace,
            refine=args.refine,
        )
        _prepare(args)
        capture.directory = args.out
        with bars() as watch, lowering(args.lowering):
            report = jobs.train(
                config,
                args.out,
                args.zoos,
                devices=args.devices,
                fresh=args.fresh,
                began=began or time.time(),
                explorer=args.explorer,
                command=" ".join([f"python {program}" if program.endswith(".py") else program, *given]),
                watch=watch,
            )
        print(f"report: {relative(report)}")


def zoo(arguments: Sequence[str] | None = None, program: str = "netspace zoo") -> None:
    """Train a zoo; `import FOLDER`: make one of what exists; `show DIR`: look at one; `export DIR FILE`: write it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors():
        if given and given[0] == "show":
            if len(given) != 2:
                raise InputError(f"show takes one directory: {program} show DIR")
            print(describe_zoo(open_zoo(given[1])))
            return
        if given and given[0] == "export":
            if len(given) != 3:
                raise InputError(f"export takes a directory and a new file: {program} export DIR FILE.safetensors")
            print(f"{relative(export_zoo(open_zoo(given[1]), given[2]))}: networks with their table")
            return
        if given and given[0] == "import":
            found = import_folder(given[1:], f"{program} import")
            print(f"zoo: {relative(found.directory)}")
            return
        register_modules(given)
        name, flags = _preset_and_flags(given)
        base = preset(name)
        make = dataclasses.make_dataclass(
            "Arguments", [("zoo", type(base.zoo))], bases=(Shared,), frozen=True, kw_only=True
        )
        make.__doc__ = "Flags."
        text = (
            f"{preset_text(name)}\n\n`{program} import FOLDER` makes a zoo of networks that exist, "
            f"`{program} show DIR` prints what is in one, "
            f"and `{program} export DIR FILE.safetensors` writes it as one file."
        )
        args = _parse(make, make(zoo=base.zoo), flags, f"{program} {name}", text)
        _prepare(args)
        with bars() as watch, lowering(args.lowering):
            found = jobs.make_zoo(args.zoo, base.domain, args.zoos, devices=args.devices, watch=watch)
        print(f"zoo: {relative(found.directory)}")


def evaluate(arguments: Sequence[str] | None = None, program: str = "netspace eval") -> None:
    """Make one section of a finished run's report again, or what else can be made of it; alone, list what there is."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors() as capture:
        register_modules(given)
        known = evaluations.all_evaluations()
        if not given or given[0] in ("-h", "--help"):
            print(list_evaluations(program))
            return
        name, flags = given[0], given[1:]
        if name not in known:
            raise InputError(f"unknown evaluation {name!r}; there are {', '.join(known)}")
        fields: list[Any] = [
            ("run", tyro.conf.Positional[str]),
            ("zoos", str, "zoos"),
            ("modules", Modules, ()),
            ("lowering", Lowering, "auto"),
        ]
        options = known[name].options
        bases = (options,) if options else ()
        make = dataclasses.make_dataclass("Arguments", fields, bases=bases, frozen=True, kw_only=True)
        make.__doc__ = "Flags."
        args = tyro.cli(make, args=flags, prog=f"{program} {name}", description=known[name].summary)
        _prepare(args)
        own = {field.name: getattr(args, field.name) for field in dataclasses.fields(options)} if options else {}
        capture.directory = args.run
        with lowering(args.lowering):
            run = jobs.open_run(args.run, args.zoos)
            for line in evaluations.evaluate(name, run, options(**own) if options else None):
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
    return path.relative_to(here) if path.is_relative_to(here) else path


def _preset_and_flags(arguments: list[str]) -> tuple[str, list[str]]:
    """The preset, if the first argument is not a flag, and the flags."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], arguments[1:]
    return DEFAULT_PRESET, arguments


def _zoo_and_flags(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The zoo that `--zoo DIR` names, if there is one, and the other flags."""
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--zoo=") else [word])]
    if "--zoo" not in words:
        return None, arguments
    place = words.index("--zoo")
    if place + 1 == len(words) or words[place + 1].startswith("--"):
        raise InputError("--zoo takes the directory of a finished zoo")
    return words[place + 1], words[:place] + words[place + 2 :]


def _parse(make: type, default: Any, flags: list[str], program: str, text: str) -> Any:
    known = f"Presets: {', '.join(presets())}.\nArchitectures: {', '.join(architectures.names())}."
    return tyro.cli(make, default=default, args=flags, prog=program, description=f"{text}\n\n{known}")


def _prepare(args: Any) -> None:
    """JAX's devices, before JAX is first used."""
    check_fields(args, "")
    prepare()
    if hasattr(args, "hosts"):
        join(args.hosts)
