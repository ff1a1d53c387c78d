"""What a domain is: everything that belongs to a kind of behaviour, as one value; and the domains that are known."""

import dataclasses
import difflib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from etils import epath

from netspace_jax.behaviour import Batch, Behaviour, Dataset
from netspace_jax.config import NetSpaceConfig, RefineConfig, RunConfig, ZooConfig, rebuild
from netspace_jax.errors import InputError
from netspace_jax.explorer.view import View
from netspace_jax.report.section import Evaluation
from netspace_jax.zoo import MakeTraining, open_zoo, recipe


class Loaded(NamedTuple):
    """The data of a zoo.

    Attributes:
      items: name of each item that networks are about (a shape); one empty name where all see the same data.
      config: the zoo's configuration, with as many members as there are items where it asked for more.
      splits: split of each item, where the data says it; else each member draws its own.
    """

    dataset: Dataset
    items: tuple[str, ...]
    config: ZooConfig
    splits: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Domain:
    """A kind of network.

    Attributes:
      name: what configurations call it.
      zoo_config, netspace_config: its flags.
      load: from a zoo's configuration to its data.
      presets: complete configurations by name, each a function whose docstring says what it is.
      evaluations: its sections of a report, and what else can be made of a finished run.
      behaviour_of: the task as a space of this configuration compares networks by it; by default the data's own.
      data_of: the data that a space of this configuration trains on; by default the data as it is.
      check: refuses values of its own flags that cannot be.
      training: how ONE network trains, from an architecture and the zoo's configuration.
      data_flags: the zoo's flags that say what its data is; the others say how networks train on it.
      readings: the first so many validation inputs, given to networks in other ways, by the flags that ask for them;
        networks from outside are tried in each.
      view: how its networks are shown in the explorer of a run.
    """

    name: str
    zoo_config: type[ZooConfig]
    netspace_config: type[NetSpaceConfig]
    load: Callable[[Any], Loaded]
    presets: Mapping[str, Callable[[], RunConfig]]
    evaluations: tuple[Evaluation, ...]
    behaviour_of: Callable[[Any, Any], Behaviour] = lambda config, behaviour: behaviour
    data_of: Callable[[Any, Any], Dataset] = lambda config, data: data
    check: Callable[[RunConfig], None] = lambda config: None
    training: MakeTraining = recipe
    data_flags: tuple[str, ...] = ("dataset",)
    readings: Callable[[Any, int], Mapping[str, Batch]] = lambda dataset, count: {}
    view: Callable[[Any], View] = lambda run: View()


_DOMAINS: dict[str, Domain] = {}


def register(domain: Domain) -> None:
    """Make a domain, its presets and its evaluations known."""
    _DOMAINS[domain.name] = domain


def domains() -> tuple[Domain, ...]:
    """All known domains."""
    return tuple(_DOMAINS.values())


def domain(name: str) -> Domain:
    """The domain of a name.

    Raises:
      InputError: none has it.
    """
    if not isinstance(name, str) or name not in _DOMAINS:
        raise InputError(f"unknown domain {name!r}; known are {', '.join(_DOMAINS)}")
    return _DOMAINS[name]


def presets() -> dict[str, Callable[[], RunConfig]]:
    """All presets by name."""
    return {name: make for each in domains() for name, make in each.presets.items()}


def preset(name: str, zoo: epath.PathLike | None = None) -> RunConfig:
    """The preset of a name.

    Args:
      zoo: directory of a finished zoo, imported or trained, that takes the place of the preset's own.

    Raises:
      InputError: there is no such preset, and the message has the nearest names; or no such zoo.
    """
    known = presets()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or list(known)
        raise InputError(f"unknown preset {name!r}; did you mean {' or '.join(near)}?")
    return known[name]() if zoo is None else on_zoo(known[name](), zoo)


def on_zoo(config: RunConfig, directory: epath.PathLike) -> RunConfig:
    """The configuration of a run on a zoo that exists, in place of the one that the run would train.

    The PRep grows to hold the zoo's networks, if it has to.

    Raises:
      InputError: there is no such zoo, or it is of another domain.
    """
    zoo = open_zoo(directory)
    fields = dict(zoo.description) if isinstance(zoo.description, dict) else {}
    own = domain(fields.pop("domain", ""))
    if own.name != config.domain:
        raise InputError(f"zoo {directory} is of the domain {own.name}, and the preset of {config.domain}")
    try:
        settings = rebuild(own.zoo_config, fields)
    except TypeError as error:
        raise InputError(f"{directory}/config.json is not the configuration of a zoo ({error})") from error
    size, (rows, columns) = zoo.size, config.netspace.prep
    if size > rows * columns:
        columns = max(columns, math.isqrt(size) // 64 * 64)
        rows = -(-size // columns)
    netspace = dataclasses.replace(config.netspace, prep=(rows, columns))
    return dataclasses.replace(config, zoo=settings, netspace=netspace, zoo_folder=str(zoo.directory))


def preset_text(name: str) -> str:
    """What a preset is, for people."""
    return inspect.getdoc(presets()[name]) or ""


def read_config(description: Mapping[str, Any], where: object) -> RunConfig:
    """The configuration of a run from what JSON made of it.

    Raises:
      InputError: it is not one, or its domain is not known here.
    """
    try:
        own = domain(description["domain"])
        zoo, netspace = (
            rebuild(own.zoo_config, description["zoo"]),
            rebuild(own.netspace_config, description["netspace"]),
        )
        refine = rebuild(RefineConfig, description.get("refine", {}))
        return RunConfig(description["name"], own.name, zoo, netspace, refine)
    except (KeyError, TypeError) as error:
        raise InputError(f"{where} is not the configuration of a run ({error})") from error
