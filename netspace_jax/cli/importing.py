"""`zoo import FOLDER`: flags, a line for each network, a summary."""

import dataclasses
from typing import Annotated, Any, Literal, get_type_hints

import tyro

from netspace_jax.cli.modules import Modules, register_module, register_modules
from netspace_jax.domain import Domain, domain, domains
from netspace_jax.domains import IMAGES
from netspace_jax.importing.build import SPLIT_FLAGS, keep, lines_of, look, summary_line
from netspace_jax.importing.examine import ImportOptions
from netspace_jax.ops.devices import prepare
from netspace_jax.zoo import Zoo

_TEXT = """A zoo of networks that were trained elsewhere: the checkpoints below a folder.

PyTorch files in both formats, safetensors, Flax's msgpack and Orbax checkpoints are read; nothing in them is run. What
does not fit, is damaged, holds code, is there twice or is at chance is named and left out. `train.py imported
--zoo DIR` then makes a space of the zoo."""


def import_folder(arguments: list[str], program: str) -> Zoo:
    """Import the networks of a folder, say what became of each, and give the zoo back."""
    register_modules(arguments)
    own = _domain_of(arguments)
    flags = _data_flags(own)
    make = dataclasses.make_dataclass(
        "Arguments",
        [
            ("folder", tyro.conf.Positional[str]),
            ("architecture", Annotated[str, tyro.conf.arg(help="What the networks are: a name, or FILE.py:MODULE.")]),
            ("out", Annotated[str, tyro.conf.arg(help="Directory of the zoo, new or empty.")]),
            ("zoo", flags, flags()),
            ("domain", Literal[tuple(each.name for each in domains())], own.name),
            ("modules", Modules, ()),
        ],
        bases=(ImportOptions,),
        frozen=True,
        kw_only=True,
    )
    args = tyro.cli(make, args=arguments, prog=program, description=_TEXT)
    prepare()
    name = register_module(args.architecture) if ".py:" in args.architecture else args.architecture
    options = ImportOptions(**{field.name: getattr(args, field.name) for field in dataclasses.fields(ImportOptions)})
    config = own.zoo_config(**dataclasses.asdict(args.zoo))
    examined, dataset, seconds = look(args.folder, name, args.out, config, own, options)
    print("\n".join(lines_of(examined, dataset.behaviour.metric)))
    imported = keep(examined, name, args.out, config, own, dataset=dataset, seconds=seconds)
    print(summary_line(imported))
    return imported.zoo


def _domain_of(arguments: list[str]) -> Domain:
    """The domain whose flags the command has."""
    words = [part for word in arguments for part in word.split("=", 1)]
    return domain(words[words.index("--domain") + 1]) if "--domain" in words[:-1] else IMAGES


def _data_flags(own: Domain) -> Any:
    """The zoo's flags that an import can have: those of the data and of the split."""
    types = get_type_hints(own.zoo_config, include_extras=True)
    hidden = [
        (field.name, tyro.conf.Suppress[types[field.name]], field.default)
        for field in dataclasses.fields(own.zoo_config)
        if field.name not in (*own.data_flags, *SPLIT_FLAGS)
    ]
    return dataclasses.make_dataclass("Data", hidden, bases=(own.zoo_config,), frozen=True)
