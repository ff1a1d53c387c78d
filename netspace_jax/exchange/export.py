"""One network out of the latent space, in the formats that others read."""

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


def export_network(
    directory: str | os.PathLike,
    architecture: Architecture,
    flat: Float[Array, "size"] | Float[np.ndarray, "size"],
    card: cards.ModelCard,
) -> Path:
    """Write one network as safetensors, PyTorch `state_dict`, Orbax checkpoint, StableHLO, ONNX, and a card about them.

    safetensors and PyTorch have PyTorch's layouts under the names of `torch_names`, Orbax has the Flax parameters.
    The directory appears at once, complete. Left out are `network.pt` where PyTorch is not installed, `network.py`
    where the architecture has no list of layers, and `network.onnx` where onnx is not installed or the network has a
    primitive that it does not know; the card says which.

    Args:
      flat: its parameters, in the order and layouts of `architecture.spec`.

    Returns:
      The whole path of the directory.

    Raises:
      InputError: the directory is not empty, the network is of another size or not finite, the card is incomplete, or
        safetensors or flatbuffers is not installed.
    """
    flat = load_network(flat, architecture)
    cards.check_card(card)
    for library in ("safetensors", "flatbuffers"):
        if importlib.util.find_spec(library) is None:
            raise InputError(f"exporting needs {library}: {EXTRA}")
    with new_directory(directory) as staging:
        _write(Path(staging), architecture, flat, card)
    return Path(directory).absolute()


def _write(folder: Path, architecture: Architecture, flat: np.ndarray, card: cards.ModelCard) -> None:
    tensors = _torch_tensors(architecture, flat)
    import safetensors.numpy

    data = safetensors.numpy.save(tensors, metadata={"architecture": architecture.name, CHECKSUM: checksum_of(tensors)})
    (folder / cards.SAFETENSORS).write_bytes(data)
    if importlib.util.find_spec("torch") is not None:
        import torch  # pyright: ignore[reportMissingImports]  # optional: the file is left out without it

        torch.save({name: torch.from_numpy(values) for name, values in tensors.items()}, folder / cards.TORCH)
    module = torch_module(architecture)
    if module is not None:
        (folder / cards.MODULE).write_text(module, encoding="utf-8")
    # As NumPy arrays, which no device is attached to.
    tree = jax.tree.map(np.asarray, parameters.unflatten(architecture.spec, jnp.asarray(flat)))
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(folder / cards.ORBAX, tree)
    (folder / cards.ORBAX / CHECKSUMS).write_text(json.dumps(checksums_of(tree), indent=1), encoding="utf-8")
    (folder / cards.STABLEHLO).write_bytes(to_stablehlo(architecture, jnp.asarray(flat)))
    remarks = []
    try:
        (folder / cards.ONNX).write_bytes(to_onnx(architecture, flat))
    except InputError as reason:
        remarks.append(f"No `{cards.ONNX}`: {reason}.")
    names = tuple(name for name in cards.FILES if (folder / name).exists())
    text = cards.card_text(card, architecture, names, tuple(remarks))
    (folder / "README.md").write_text(text, encoding="utf-8")


def _torch_tensors(architecture: Architecture, flat: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters in PyTorch's names and layouts, in forward order; after flattened maps, channels first."""
    spec, channels_last = architecture.spec, flattened_channels_last(architecture)
    tensors = {}
    for name, leaf, start in zip(torch_names(architecture), spec.leaves, spec.offsets, strict=True):
        values = flat[start : start + leaf.size].reshape(leaf.torch_shape)
        tensors[name] = (channels_last[leaf.path].to_torch(values) if leaf.path in channels_last else values).copy()
    return tensors
