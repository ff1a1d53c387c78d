"""`netspace train|zoo|eval`; train.py, zoo.py and eval/ are faces of the same functions.

What is heavy is imported when the flags have been read: help comes at once.
"""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro
from etils import epath

from netspace_jax.cli.errors import one_line_errors
from netspace_jax.cli.modules import Modules, first_flags
from netspace_jax.config import Curves, Hosts, Lowering
from netspace_jax.domain import preset, preset_text, presets
from netspace_jax.domains import IMAGES
from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.rules import Natural, check_fields

DEFAULT_PRESET = next(iter(IMAGES.presets))
_ZOO_USES = """usage:
  {0} PRESET [FLAGS]         train the zoo of a preset, or go on with it; PRESET --help lists the flags
  {0} import FOLDER [FLAGS]  make a zoo of networks that exist
  {0} show DIR               print what is in a zoo
  {0} export DIR FILE        write its networks and their table as one safetensors file"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class JobFlags:
    """Flags of train and zoo."""

    zoos: str = "zoos"
    """Directory under which zoos lie; runs share them."""
    devices: Natural = 0
    """Devices to spread networks over; 0 for all."""
    lowering: Lowering = "auto"
    """Compile for a CPU or an accelerator; auto for what the devices are. Results are the same up to rounding."""
    hosts: Hosts = dataclasses.field(default_factory=Hosts)
    """Processes that work on one job together, each with its own devices, over a file system that all of them see."""
    modules: Modules = ()
    """Python files that register architectures or domains of your own; FILE.py:NAME registers one Flax module."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainFlags(JobFlags):
    """Flags of train."""

    out: str
    """Directory of the run."""
    fresh: bool = False
    """Whether to delete first what an earlier run left there."""
    explorer: bool = True
    """Whether to write explore.html beside the report."""
    log: Curves | None = None
    """Hand metrics on to Weights & Biases or TensorBoard: needs the package wandb or tensorboardX."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EvalFlags:
    """Flags of eval."""

    run: tyro.conf.Positional[str]
    """Directory of a finished run."""
    zoos: str = "zoos"
    """Directory under which zoos lie."""
    lowering: Lowering = "auto"
    """Compile for a CPU or an accelerator; auto for what the devices are."""
    modules: Modules = ()
    """Python files that register architectures or domains of your own."""


def train(arguments: Sequence[str] | None = None, began: float | None = None, program: str = "netspace train") -> None:
    """Zoo if missing → space → report."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors() as capture:
        first, others = first_flags(given, "zoo")
        name, flags = _preset_and_flags(others)
        base = preset(name, first.zoo)
        parts = {part: getattr(base, part) for part in ("zoo", "netspace", "refine")}
        if first.zoo is not None:
            del parts["zoo"]
        args = _parse(TrainFlags, parts, flags, f"{program} {name}", preset_text(name), out=f"runs/{name}")
        config = dataclasses.replace(
            base, name=Path(args.out).name or name, **{part: getattr(args, part) for part in parts}
        )
        _prepare(args)
        capture.directory = args.out
        from netspace_jax import jobs
        from netspace_jax.cli.curves import curves
        from netspace_jax.cli.progress import bars
        from netspace_jax.ops.platform import lowering

        with (
            curves(args.log, args.out, dataclasses.asdict(config)) as on_metrics,
            bars() as callbacks,
            lowering(args.lowering),
        ):
            report = jobs.train(
                config,
                args.out,
                args.zoos,
                devices=args.devices,
                fresh=args.fresh,
                began=began or time.time(),
                explorer=args.explorer,
                command=" ".join([f"python {program}" if program.endswith(".py") else program, *given]),
                callbacks=dataclasses.replace(callbacks, metrics=on_metrics),
            )
        print(f"report: {relative(report)}")


def zoo(arguments: Sequence[str] | None = None, program: str = "netspace zoo") -> None:
    """Train a zoo; `import FOLDER`: make one of what exists; `show DIR`: look at one; `export DIR FILE`: write it.

    Without arguments: what the command can do.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors():
        match given:
            case []:
                print(f"{_ZOO_USES.format(program)}\n\nPresets: {', '.join(presets())}.")
            case ["show", directory]:
                from netspace_jax.cli.show import describe_zoo
                from netspace_jax.zoo import open_zoo

                print(describe_zoo(open_zoo(directory)))
            case ["show", *_]:
                raise InputError(f"show takes one directory: {program} show DIR")
            case ["export", directory, file]:
                from netspace_jax.zoo import export_zoo, open_zoo

                print(f"{relative(export_zoo(open_zoo(directory), file))}: networks with their table")
            case ["export", *_]:
                raise InputError(f"export takes a directory and a new file: {program} export DIR FILE.safetensors")
            case ["import", *flags]:
                from netspace_jax.cli.importing import import_folder

                print(f"zoo: {relative(import_folder(flags, f'{program} import').directory)}")
            case _:
                print(f"zoo: {relative(_train_zoo(given, program))}")


def _train_zoo(arguments: list[str], program: str) -> epath.Path:
    """Train the zoo of a preset; returns its directory."""
    _, others = first_flags(arguments)
    name, flags = _preset_and_flags(others)
    base = preset(name)
    text = f"{preset_text(name)}\n\n{_ZOO_USES.format(program)}"
    args = _parse(JobFlags, {"zoo": base.zoo}, flags, f"{program} {name}", text)
    _prepare(args)
    from netspace_jax import jobs
    from netspace_jax.cli.progress import bars
    from netspace_jax.ops.platform import lowering

    with bars() as callbacks, lowering(args.lowering):
        return jobs.make_zoo(args.zoo, base.domain, args.zoos, devices=args.devices, callbacks=callbacks).directory


def evaluate(arguments: Sequence[str] | None = None, program: str = "netspace eval") -> None:
    """Make one section of a finished run's report again, or what else can be made of it; alone, list what there is."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with one_line_errors() as capture:
        from netspace_jax import evaluations

        _, others = first_flags(given)
        if not others or others[0] in ("-h", "--help"):
            from netspace_jax.cli.listing import list_evaluations

            print(list_evaluations(program))
            return
        name, *flags = others
        evaluation = evaluations.all_evaluations().get(name)
        if evaluation is None:
            raise InputError(f"unknown evaluation {name!r}; there are {', '.join(evaluations.all_evaluations())}")
        options = evaluation.options
        bases = (EvalFlags,) if options is None else (options, EvalFlags)
        make = dataclasses.make_dataclass("Arguments", [], bases=bases, frozen=True, kw_only=True)
        make.__doc__ = "Flags."
        args = tyro.cli(make, args=flags, prog=f"{program} {name}", description=evaluation.summary)
        _prepare(args)
        capture.directory = args.run
        from netspace_jax.ops.platform import lowering
        from netspace_jax.runs import open_run

        with lowering(args.lowering):
            run = open_run(args.run, args.zoos)
            for line in evaluations.evaluate(name, run, options and _part(args, options)):
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
    path, here = location(path), Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _preset_and_flags(arguments: list[str]) -> tuple[str, list[str]]:
    """The preset, if the first argument is not a flag, and the flags."""
    if arguments and not arguments[0].startswith("-"):
        return arguments[0], arguments[1:]
    return DEFAULT_PRESET, arguments


def _parse(base: type, parts: dict[str, Any], flags: list[str], program: str, text: str, **defaults: Any) -> Any:
    """The flags of a command, and under their own names those of the parts of a configuration."""
    from netspace_jax import architectures

    fields = [(name, type(part)) for name, part in parts.items()]
    make = dataclasses.make_dataclass("Arguments", fields, bases=(base,), frozen=True, kw_only=True)
    make.__doc__ = "Flags."
    text = f"{text}\n\nPresets: {', '.join(presets())}.\nArchitectures: {', '.join(architectures.names())}."
    return tyro.cli(make, default=make(**parts, **defaults), args=flags, prog=program, description=text)


def _part(args: Any, options: type) -> Any:
    """The options of an evaluation among its flags."""
    return options(**{field.name: getattr(args, field.name) for field in dataclasses.fields(options)})


def _prepare(args: Any) -> None:
    """JAX's devices, before JAX is first used."""
    check_fields(args, "")
    from netspace_jax.ops.devices import join, prepare

    prepare()
    if hasattr(args, "hosts"):
        join(args.hosts)
