"""A domain: everything that belongs to a kind of network, as one value; and the domains that are registered.

A domain is registered before anything of it is needed, so that its names can be listed at once: what is heavy is named
by its place and imported when it is called (`Lazy`). Nothing here knows what a report looks like.
"""

import dataclasses
import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from etils import epath

from netspace_jax.config import NetSpaceConfig, RefineConfig, RunConfig, ZooConfig, fitting_prep
from netspace_jax.errors import InputError
from netspace_jax.lazy import Lazy
from netspace_jax.rules import rebuild

if TYPE_CHECKING:
    from pathlib import Path

    from netspace_jax.behaviour import Behaviour
    from netspace_jax.dataset import Batch, Dataset
    from netspace_jax.zoo.training import MakeTraining


class Loaded(NamedTuple):
    """The data of a zoo.

    Attributes:
      items: name of each item that networks are about (a shape); one empty name where all see the same data.
      config: the zoo's configuration, with as many members as there are items where it asked for more.
      splits: split of each item, where the data says it; else each member draws its own.
    """

    dataset: "Dataset"
    items: tuple[str, ...]
    config: ZooConfig
    splits: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Something that can be made of a finished run: `python eval NAME RUN`.

    Attributes:
      make: a function of a run, and of options where it has a second parameter, which is annotated with a frozen
        dataclass of flags. It returns a section of a report, or lines for the screen.
      summary: what its section answers, as a reader would ask it, or what it writes.
      in_report: whether the report has it; what takes minutes of training, or writes files, is made when asked for.
      leads: whether it stands right after the zoo, since it shows what the networks hold.
    """

    name: str
    make: Callable[..., Any]
    summary: str = ""
    in_report: bool = True
    applies: Callable[[Any], bool] = lambda run: True
    leads: bool = False

    @property
    def options(self) -> type | None:
        """The dataclass of flags that it takes beside the run, if it takes any."""
        function = self.make.function if isinstance(self.make, Lazy) else self.make
        _, *rest = inspect.signature(function).parameters.values()
        return rest[0].annotation if rest else None


def section(
    place: str,
    summary: str,
    applies: Callable[[Any], bool] = lambda run: True,
    *,
    name: str = "",
    in_report: bool = True,
    leads: bool = False,
) -> Evaluation:
    """An evaluation by the place of its function, `module:function`, whose name it has unless another is given."""
    return Evaluation(name or place.partition(":")[2], Lazy(place), summary, in_report, applies, leads)


def several_architectures(run: Any) -> bool:
    """Whether a run has more than one architecture."""
    return len(run.space.architectures) > 1


_SUPERVISED = Lazy("netspace_jax.zoo.training:recipe")
_EXAMPLES = Lazy("netspace_jax.data.examples:read_examples")


@dataclasses.dataclass(frozen=True)
class Domain:
    """A kind of network.

    Attributes:
      load: from a zoo's configuration to its data.
      presets: complete configurations by name, each a function whose docstring says what it is.
      behaviours: modules that register its behaviours when they are imported, which a saved space needs.
      behaviour_of: the behaviour as a space of this configuration compares networks by it; by default the data's own.
      data_of: the data that a space of this configuration trains on; by default the data as it is.
      check: refuses values of its own flags that cannot be.
      training: how ONE network trains, from an architecture and the zoo's configuration; by default on labels.
      data_flags: the zoo's flags that say what its data is; the others say how networks train on it.
      alternative_inputs: the first so many validation inputs, given to networks in other ways, by the flags that ask
        for them; networks from outside are tried on each.
      read_examples: examples of one task out of a file of a user's, for a behaviour; by default of a `.npz`.
      import_causes: why networks from outside may compute something else here, beside their layers.
      view: from a run to how the explorer shows its networks; by default as curves.
    """

    name: str
    zoo_config: type[ZooConfig]
    netspace_config: type[NetSpaceConfig]
    load: Callable[[Any], Loaded]
    presets: Mapping[str, Callable[[], RunConfig]]
    evaluations: tuple[Evaluation, ...]
    behaviours: tuple[str, ...] = ()
    behaviour_of: "Callable[[Any, Any], Behaviour]" = lambda config, behaviour: behaviour
    data_of: "Callable[[Any, Any], Dataset]" = lambda config, data: data
    check: Callable[[RunConfig], None] = lambda config: None
    training: "MakeTraining" = _SUPERVISED
    data_flags: tuple[str, ...] = ("dataset",)
    alternative_inputs: "Callable[[Any, int], Mapping[str, Batch]]" = lambda dataset, count: {}
    read_examples: "Callable[[Behaviour, Path], tuple[Any, Any]]" = lambda behaviour, path: _EXAMPLES(
        path, behaviour.input_shape
    )
    import_causes: str = ""
    view: Callable[[Any], Any] | None = None


_DOMAINS: dict[str, Domain] = {}


def register(domain: Domain) -> None:
    """Add a domain with its presets and its evaluations to those that names are looked up in."""
    _import_own()
    _DOMAINS[domain.name] = domain


def domains() -> tuple[Domain, ...]:
    """All registered domains: the package's own, and then those of a user."""
    _import_own()
    return tuple(_DOMAINS.values())


def _import_own() -> None:
    """The package's own domains register themselves when they are imported, and nobody else has to import them."""
    importlib.import_module("netspace_jax.domains")


def import_behaviours() -> None:
    """Import the modules of all registered domains that register behaviours."""
    for each in domains():
        for module in each.behaviours:
            importlib.import_module(module)


def domain(name: str) -> Domain:
    """The domain of a name.

    Raises:
      InputError: none has it.
    """
    registered = {one.name: one for one in domains()}
    if not isinstance(name, str) or name not in registered:
        raise InputError(f"unknown domain {name!r}; known are {', '.join(registered)}")
    return registered[name]


def presets() -> dict[str, Callable[[], RunConfig]]:
    """All presets by name."""
    return {name: make for one in domains() for name, make in one.presets.items()}


def preset(name: str, zoo: epath.PathLike | None = None) -> RunConfig:
    """The preset of a name.

    Args:
      zoo: directory of a finished zoo, imported or trained, that takes the place of the preset's own.

    Raises:
      InputError: there is no such preset, and the message has the nearest names; or no such zoo.
    """
    makers = presets()
    if name not in makers:
        near = difflib.get_close_matches(name, makers, n=3, cutoff=0.4) or list(makers)
        raise InputError(f"unknown preset {name!r}; did you mean {' or '.join(near)}?")
    return makers[name]() if zoo is None else on_zoo(makers[name](), zoo)


def on_zoo(config: RunConfig, directory: epath.PathLike) -> RunConfig:
    """The configuration of a run on a zoo that exists, in place of the one that the run would train.

    The PRep grows to hold the zoo's networks, if it has to.

    Raises:
      InputError: there is no such zoo, or it is of another domain.
    """
    from netspace_jax.zoo import open_zoo  # not needed to list presets

    zoo = open_zoo(directory)
    fields = dict(zoo.description) if isinstance(zoo.description, dict) else {}
    zoo_domain = domain(fields.pop("domain", ""))
    if zoo_domain.name != config.domain:
        raise InputError(f"zoo {directory} is of the domain {zoo_domain.name}, and the preset of {config.domain}")
    try:
        settings = rebuild(zoo_domain.zoo_config, fields)
    except TypeError as error:
        raise InputError(f"{zoo.directory / 'config.json'} is not the configuration of a zoo ({error})") from error
    netspace = fitting_prep(config.netspace, zoo.size)
    return dataclasses.replace(config, zoo=settings, netspace=netspace, zoo_folder=str(zoo.directory))


def preset_text(name: str) -> str:
    """Description of a preset, for people."""
    return inspect.getdoc(presets()[name]) or ""


def read_config(description: Mapping[str, Any], where: object) -> RunConfig:
    """The configuration of a run from what JSON made of it.

    Raises:
      InputError: it is not one, or its domain is not known here.
    """
    try:
        run_domain = domain(description["domain"])
        zoo = rebuild(run_domain.zoo_config, description["zoo"])
        netspace = rebuild(run_domain.netspace_config, description["netspace"])
        refine = rebuild(RefineConfig, description.get("refine", {}))
        return RunConfig(description["name"], run_domain.name, zoo, netspace, refine)
    except (KeyError, TypeError) as error:
        raise InputError(f"{where} is not the configuration of a run ({error})") from error
