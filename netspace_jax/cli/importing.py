"""`zoo import FOLDER`: flags, a line for each network, a summary."""

import dataclasses
from typing import Annotated, Any, Literal, get_type_hints

import tyro

from netspace_jax.cli.modules import Modules, first_flags, register_module
from netspace_jax.domain import Domain, domain, domains
from netspace_jax.domains import IMAGES
from netspace_jax.importing.build import SPLIT_FLAGS, import_zoo, summary_line
from netspace_jax.importing.examine import ImportOptions
from netspace_jax.ops.devices import prepare
from netspace_jax.zoo import Zoo

_TEXT = """A zoo of networks that were trained elsewhere: the checkpoints below a folder.

PyTorch files in both formats, safetensors, Flax's msgpack and Orbax checkpoints are read; nothing in them is run. What
does not fit, is damaged, holds code, is there twice or is at chance is named and left out. `train.py imported
--zoo DIR` then makes a space of the zoo."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImportFlags(ImportOptions):
    """Flags of import."""

    folder: tyro.conf.Positional[str]
    """Folder with the networks' files."""
    architecture: str
    """What the networks are: the name of an architecture, or FILE.py:MODULE."""
    out: str
    """Directory of the zoo, new or empty."""
    modules: Modules = ()
    """Python files that register architectures or domains of your own."""


def import_folder(arguments: list[str], program: str) -> Zoo:
    """Import the networks of a folder, say what became of each, and give the zoo back."""
    first, _ = first_flags(arguments, "domain")
    zoo_domain = domain(first.domain) if first.domain else IMAGES
    flags = _data_flags(zoo_domain)
    names = Literal[tuple(known.name for known in domains())]
    help_of_domain = tyro.conf.arg(help="Domain that the networks belong to.")
    make = dataclasses.make_dataclass(
        "Arguments",
        [("zoo", flags, flags()), ("domain", Annotated[names, help_of_domain], zoo_domain.name)],
        bases=(ImportFlags,),
        frozen=True,
        kw_only=True,
    )
    args = tyro.cli(make, args=arguments, prog=program, description=_TEXT)
    prepare()
    name = register_module(args.architecture) if ".py:" in args.architecture else args.architecture
    options = ImportOptions(**{field.name: getattr(args, field.name) for field in dataclasses.fields(ImportOptions)})
    data = {flag: getattr(args.zoo, flag) for flag in (*zoo_domain.data_flags, *SPLIT_FLAGS)}
    imported = import_zoo(args.folder, name, args.out, options=options, domain_name=zoo_domain.name, tell=print, **data)
    print(summary_line(imported))
    return imported.zoo


def _data_flags(own: Domain) -> Any:
    """The zoo's flags that an import can have: those of the data and of the split."""
    types = get_type_hints(own.zoo_config, include_extras=True)
    hidden = [
        (field.name, tyro.conf.Suppress[types[field.name]], field.default)
        for field in dataclasses.fields(own.zoo_config)
        if field.name not in (*own.data_flags, *SPLIT_FLAGS)
    ]
    return dataclasses.make_dataclass("Data", hidden, bases=(own.zoo_config,), frozen=True)
