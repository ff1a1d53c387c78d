"""Train a zoo, or look at one.

    python zoo.py PRESET [FLAGS]        train the zoo of a preset, or go on with it
    python zoo.py show DIR              print what is in a zoo
"""

import dataclasses
import inspect
import sys

import tyro

from netspace_jax import cli as commands
from netspace_jax import jobs as job
from netspace_jax.config import ZooConfig
from netspace_jax.domains.presets import PRESETS, preset
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import Hosts, join, prepare_cpu
from netspace_jax.zoo.storage import Zoo


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of zoo.py: every field of the preset's zoo, and where it goes."""

    zoo: ZooConfig
    zoos: str = "zoos"
    """Directory under which zoos lie, here or in an object store (gs://…, s3://…)."""
    devices: int = 0
    """Devices to spread networks over; 0 for all."""
    hosts: Hosts = Hosts()


def main(arguments: list[str]) -> None:
    """Run the command with the given arguments."""
    with commands.one_line_errors():
        if arguments and arguments[0] == "show":
            if len(arguments) != 2:
                raise InputError("zoo.py show takes one directory: python zoo.py show DIR")
            print(job.describe_zoo(Zoo(arguments[1])))
            return
        name, flags = commands.preset_and_flags(arguments, "digits")
        default = Arguments(preset(name).zoo)
        description = f"{inspect.getdoc(PRESETS[name])}\n\nPresets: {', '.join(PRESETS)}. `zoo.py show DIR` prints what is in a zoo."
        args = tyro.cli(Arguments, default=default, args=flags, prog=f"zoo.py {name}", description=description)
        prepare_cpu()
        join(args.hosts)
        print(f"zoo: {job.zoo(args.zoo, name, args.zoos, args.devices)}")


if __name__ == "__main__":
    main(sys.argv[1:])
