"""Flags of the commands, beside those of a configuration."""

import dataclasses

import tyro

from netspace_jax.cli.modules import Modules
from netspace_jax.config import Curves, Hosts, Lowering
from netspace_jax.rules import Natural


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
    again: bool = False
    """Whether to make the report of a finished run anew."""
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
