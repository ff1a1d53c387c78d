"""One network out of the latent space, in the formats that others read."""

import dataclasses
import importlib.util
import json
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture, parameters
from netspace_jax.errors import InputError
from netspace_jax.exchange import card as cards
from netspace_jax.exchange.flattening import flattened_channels_last
from netspace_jax.exchange.load import load_network
from netspace_jax.exchange.onnx import to_onnx
from netspace_jax.exchange.pytorch import torch_module, torch_names
from netspace_jax.exchange.read import CHECKSUM, CHECKSUMS, EXTRA, checksum_of, checksums_of
from netspace_jax.exchange.stablehlo import to_stablehlo
from netspace_jax.files import new_directory


@dataclasses.dataclass(frozen=True)
class ExportedFiles:
    """Where `export_network` put what it wrote."""

    card: Path
    safetensors: Path
    torch: Path | None
    """None where PyTorch is not installed."""
    orbax: Path
    stablehlo: Path
    onnx: Path | None
    """None where onnx is not installed, or where the network has a primitive that ONNX export does not know; the card
    says which."""
    module: Path | None
    """The network's PyTorch module as source; None for an architecture of a user's own."""


def export_network(
    directory: str | os.PathLike,
    architecture: Architecture,
    flat: Float[Array, "size"] | Float[np.ndarray, "size"],
    card: cards.ModelCard,
) -> ExportedFiles:
    """Write one network as safetensors, PyTorch `state_dict`, Orbax checkpoint, StableHLO, ONNX, and a card about them.

    safetensors and PyTorch have PyTorch's layouts under the names of `torch_names`, Orbax has the Flax parameters.
    The directory appears at once, complete.

    Args:
      directory: a new or an empty directory.
      architecture: what the network is.
      flat: its parameters, in the order and layouts of `architecture.spec`.
      card: what a reader has to know.

    Raises:
      InputError: the directory is not empty, the network is of another size or not finite, the card is incomplete, or
        safetensors or flatbuffers is not installed.
    """
    target = Path(directory).absolute()
    flat = load_network(flat, architecture)
    cards.check_card(card)
    for library in ("safetensors", "flatbuffers"):
        if importlib.util.find_spec(library) is None:
            raise InputError(f"exporting needs {library}: {EXTRA}")
    with new_directory(directory) as staging:
        names = _write(Path(staging), architecture, flat, card)
    return ExportedFiles(
        card=target / "README.md",
        safetensors=target / cards.SAFETENSORS,
        torch=target / cards.TORCH if cards.TORCH in names else None,
        orbax=target / cards.ORBAX,
        stablehlo=target / cards.STABLEHLO,
        onnx=target / cards.ONNX if cards.ONNX in names else None,
        module=target / cards.MODULE if cards.MODULE in names else None,
    )


def _write(folder: Path, architecture: Architecture, flat: np.ndarray, card: cards.ModelCard) -> tuple[str, ...]:
    """Write all files; names of those that a reader can open."""
    tensors = _torch_tensors(architecture, flat)
    import safetensors.numpy

    data = safetensors.numpy.save(tensors, metadata={"architecture": architecture.name, CHECKSUM: checksum_of(tensors)})
    (folder / cards.SAFETENSORS).write_bytes(data)
    names = [cards.SAFETENSORS]
    if importlib.util.find_spec("torch") is not None:
        import torch  # pyright: ignore[reportMissingImports]  # optional: the file is left out without it

        torch.save({name: torch.from_numpy(values) for name, values in tensors.items()}, folder / cards.TORCH)
        names.append(cards.TORCH)
    module = torch_module(architecture)
    if module is not None:
        (folder / cards.MODULE).write_text(module, encoding="utf-8")
        names.append(cards.MODULE)
    params = parameters.unflatten(architecture.spec, jnp.asarray(flat))
    with ocp.StandardCheckpointer() as checkpointer:
        # As NumPy arrays, which no device is attached to.
        tree = jax.tree.map(np.asarray, params)
        checkpointer.save(folder / cards.ORBAX, tree)
    (folder / cards.ORBAX / CHECKSUMS).write_text(json.dumps(checksums_of(tree), indent=1), encoding="utf-8")
    (folder / cards.STABLEHLO).write_bytes(to_stablehlo(architecture, jnp.asarray(flat)))
    names += [cards.ORBAX, cards.STABLEHLO]
    remarks = []
    try:
        (folder / cards.ONNX).write_bytes(to_onnx(architecture, flat))
        names.append(cards.ONNX)
    except InputError as reason:
        remarks.append(f"No `{cards.ONNX}`: {reason}.")
    text = cards.card_text(card, architecture, tuple(names), tuple(remarks))
    (folder / "README.md").write_text(text, encoding="utf-8")
    return tuple(names)


def _torch_tensors(architecture: Architecture, flat: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters in PyTorch's names and layouts, in forward order; after flattened maps, channels first."""
    spec, channels_last = architecture.spec, flattened_channels_last(architecture)
    tensors = {}
    for name, leaf, start in zip(torch_names(architecture), spec.leaves, spec.offsets, strict=True):
        values = flat[start : start + leaf.size].reshape(leaf.torch_shape)
        tensors[name] = (channels_last[leaf.path].to_torch(values) if leaf.path in channels_last else values).copy()
    return tensors
