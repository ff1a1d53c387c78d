"""From nothing to a report: train a zoo if there is none, embed it, evaluate what comes out.

    python train.py                     the preset `digits`
    python train.py PRESET [FLAGS]      another preset; --help after it lists its flags
"""

import time

BEGAN = time.time()

import dataclasses  # noqa: E402
import inspect  # noqa: E402
import sys  # noqa: E402

import tyro  # noqa: E402

from netspace_jax import commands, job  # noqa: E402
from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig  # noqa: E402
from netspace_jax.domains.presets import PRESETS, preset  # noqa: E402
from netspace_jax.ops.devices import Hosts, join, prepare_cpu  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of train.py: every field of the preset, and where things go."""

    zoo: ZooConfig
    netspace: NetSpaceConfig
    out: str
    """Directory of the run, here or in an object store (gs://…, s3://…)."""
    zoos: str = "zoos"
    """Directory under which zoos lie, shared by runs."""
    devices: int = 0
    """Devices to spread networks over; 0 for all."""
    hosts: Hosts = Hosts()
    fresh: bool = False
    """Delete the run directory first and start anew; the zoo stays."""


def main(arguments: list[str]) -> None:
    """Run the command with the given arguments."""
    with commands.one_line_errors():
        name, flags = commands.preset_and_flags(arguments, "digits")
        base = preset(name)
        default = Arguments(base.zoo, base.netspace, f"runs/{name}")
        description = f"{inspect.getdoc(PRESETS[name])}\n\nPresets: {', '.join(PRESETS)}"
        args = tyro.cli(Arguments, default=default, args=flags, prog=f"train.py {name}", description=description)
        config = RunConfig(name, args.zoo, args.netspace)
        prepare_cpu()
        join(args.hosts)
        report = job.run(config, args.out, args.zoos, args.devices, args.fresh, BEGAN, " ".join(["python train.py", *arguments]))
        print(f"report: {report}")


if __name__ == "__main__":
    main(sys.argv[1:])
