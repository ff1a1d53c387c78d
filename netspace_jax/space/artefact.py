"""A space as one folder that needs nothing beside it: a readable description, and arrays as safetensors.

    space.json                     format, behaviour, architectures, modules, name and SHA-256 of the file of arrays
    arrays-<hash>.safetensors      parameters, constants, embeddings of the networks that trained the space

A new version is complete before the description names it, so that a reader never meets half of one.
"""

import dataclasses
import importlib.metadata
import json
from collections.abc import Mapping
from typing import Any, TypeVar

import flax.linen as nn
import flax.traverse_util
import jax
import jax.numpy as jnp
import numpy as np
import safetensors
import safetensors.numpy
from etils import epath
from jaxtyping import Float, PyTree

from netspace_jax import architectures
from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour, behaviour_from, describe_behaviour
from netspace_jax.domain import import_behaviours
from netspace_jax.errors import InputError
from netspace_jax.files import canonical_json, location, read_json, sha256, write_bytes, write_text
from netspace_jax.ops.devices import is_first, wait_for_all
from netspace_jax.ops.mapping import Rows
from netspace_jax.space.adaptation import Calibration
from netspace_jax.space.modules import Correction, LinearHead, ProbeEncoder, ScaledDecoder, SetEncoder
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.paper import ConvDecoder, ConvEncoder, ConvHead

FORMAT = 1
DESCRIPTION = "space.json"
_MODULES: dict[str, type[nn.Module]] = {}
Module = TypeVar("Module", bound=type[nn.Module])


def register_module(module: Module) -> Module:
    """Make an encoder, decoder or head of a user's own known by its class's name, so that a saved space finds it.

    A decorator of a Flax module whose fields JSON can hold.
    """
    _MODULES[module.__name__] = module
    return module


for _module_class in (
    ProbeEncoder,
    SetEncoder,
    ScaledDecoder,
    LinearHead,
    Correction,
    ConvEncoder,
    ConvDecoder,
    ConvHead,
):
    register_module(_module_class)


def save(
    netspace: NetSpace,
    embeddings: Mapping[str, Float[Rows, "network embedding"]],
    calibration: Calibration | None,
    folder: epath.PathLike,
) -> None:
    """Write a NetSpace, the embeddings of its training networks, and its calibration where it has one."""
    folder = location(folder)
    constants = {name: leaf for name, leaf in vars(netspace.constants).items() if leaf is not None}
    tree = {"params": netspace.params, "constants": constants, "embeddings": embeddings}
    if calibration is not None:
        tree["calibration"] = dataclasses.asdict(calibration)
    tree["shared"] = {built.name: built.shared for built in netspace.architectures if built.shared}
    arrays = {name: np.asarray(leaf) for name, leaf in flax.traverse_util.flatten_dict(tree, sep="/").items()}
    content = safetensors.numpy.save({name: np.ascontiguousarray(leaf) for name, leaf in arrays.items()})
    content_sum = sha256(content)
    name = f"arrays-{content_sum[:8]}.safetensors"
    description = {
        "format": FORMAT,
        "netspace_jax": version(),
        "task": describe_behaviour(netspace.behaviour),
        "architectures": [
            _described(architecture, netspace.behaviour.outputs) for architecture in netspace.architectures
        ],
        "prep": list(netspace.prep),
        "encoder": _module(netspace.encoder),
        "decoder": _module(netspace.decoder),
        "head": _module(netspace.head),
        "correction": _module(netspace.correction) if netspace.correction is not None else None,
        "corrections": netspace.corrections,
        "embeddings": {name: list(z.shape) for name, z in embeddings.items()},
        "arrays": {"file": name, "sha256": content_sum},
    }
    write_bytes(folder / name, content)
    description["sha256"] = _sha256_of(description)
    write_text(folder / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    for old in folder.glob("arrays-*.safetensors") if is_first() else ():
        if old.name != name:
            old.unlink()
    wait_for_all("the space is saved")  # so that each can load it


def read(folder: epath.PathLike) -> tuple[dict[str, Any], dict[str, PyTree]]:
    """Description and arrays of a saved space.

    Raises:
      InputError: there is none, it is damaged, or its format is not known here.
    """
    folder = location(folder)
    if not (folder / DESCRIPTION).exists():
        raise InputError(f"{folder} holds no space: {DESCRIPTION} is missing")
    description = read_json(folder / DESCRIPTION)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        found = description.get("format") if isinstance(description, dict) else None
        raise InputError(
            f"{folder / DESCRIPTION} has format {found!r}; this version of netspace_jax reads format {FORMAT}"
        )
    if description.get("sha256", _sha256_of(description)) != _sha256_of(description):
        raise InputError(f"{folder / DESCRIPTION} is damaged: its checksum is not that of what it says")
    try:
        path = folder / description["arrays"]["file"]
        content = path.read_bytes()
        damaged = sha256(content) != description["arrays"]["sha256"]
        arrays = {} if damaged else safetensors.numpy.load(content)
    except (OSError, KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise InputError(f"{folder} holds no readable space ({type(error).__name__}: {error})") from error
    if damaged:
        raise InputError(f"{path} is damaged: its checksum is not that of {DESCRIPTION}")
    return description, flax.traverse_util.unflatten_dict(jax.tree.map(jnp.asarray, arrays), sep="/")


def architectures_of(
    description: dict[str, Any], shared: Mapping[str, PyTree], folder: epath.PathLike
) -> tuple[Architecture, ...]:
    """The architectures that a description names.

    Args:
      shared: by name of the architecture, what its networks share.

    Raises:
      InputError: one is not registered here, or is another here than it was there.
    """
    read = []
    for entry in _entries(description, "architectures", folder):
        try:
            built = architectures.build(
                entry["name"], tuple(entry["input_shape"]), entry["outputs"], entry.get("input_dtype", "float32")
            )
        except InputError as error:
            raise InputError(f"the space in {folder} needs the architecture {entry['name']!r}: {error}") from error
        if _described(built, entry["outputs"]) != entry:
            raise InputError(
                f"the architecture {entry['name']!r} that is registered here is not the one that the space in {folder} "
                f"was made with: {built.size} parameters here, {entry['parameters']} there, or other shapes"
            )
        read.append(dataclasses.replace(built, shared=shared.get(built.name, ())))
    return tuple(read)


def module_of(description: dict[str, Any], part: str, folder: epath.PathLike) -> nn.Module:
    """Encoder, decoder, head or correction of a description.

    Raises:
      InputError: it is not known here.
    """
    entry = dict(_entries(description, part, folder))
    name = entry.pop("name", None)
    try:
        return _MODULES[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()})
    except (KeyError, TypeError) as error:
        raise InputError(f"the space in {folder} has a {part} that is not known here: {name!r}") from error


def behaviour_of(description: dict[str, Any], folder: epath.PathLike) -> Behaviour:
    """The behaviour of a description.

    Raises:
      InputError: it is not known here.
    """
    import_behaviours()
    return behaviour_from(_entries(description, "task", folder))


def _sha256_of(description: dict[str, Any]) -> str:
    """Of all that a description says, its own checksum excepted."""
    facts = json.loads(json.dumps({name: value for name, value in description.items() if name != "sha256"}))
    return sha256(canonical_json(facts))


def _entries(description: dict[str, Any], part: str, folder: epath.PathLike) -> Any:
    if part not in description:
        raise InputError(f"{location(folder) / DESCRIPTION} does not name its {part}")
    return description[part]


def _described(architecture: Architecture, outputs: int) -> dict[str, Any]:
    leaves = [["/".join(leaf.path), list(leaf.shape)] for leaf in architecture.spec.leaves]
    return {
        "name": architecture.name,
        "input_shape": list(architecture.input_shape),
        "outputs": outputs,
        **({} if architecture.input_dtype == "float32" else {"input_dtype": architecture.input_dtype}),
        "parameters": architecture.size,
        "leaves": leaves,
    }


def _module(module: nn.Module) -> dict[str, Any]:
    if _MODULES.get(type(module).__name__) is not type(module):
        raise InputError(
            f"the space has a module {type(module).__name__} of your own: decorate its class with "
            f"netspace_jax.register_module, so that a saved space finds it again"
        )
    fields = [field.name for field in dataclasses.fields(module) if field.name not in ("parent", "name")]
    return {"name": type(module).__name__, **{name: getattr(module, name) for name in fields}}


def version() -> str:
    """Version of this package, or `source` where it is not installed."""
    try:
        return importlib.metadata.version("netspace-jax")
    except importlib.metadata.PackageNotFoundError:
        return "source"
