"""Networks in and out: PyTorch, safetensors, Orbax, a user's Flax parameters, StableHLO.

Importing this package needs neither PyTorch nor safetensors; each is imported by the function that reads or writes it.
"""

from netspace_jax.exchange.card import ModelCard
from netspace_jax.exchange.export import ExportedFiles, export_network
from netspace_jax.exchange.load import load_flax, load_network, load_orbax, load_torch
from netspace_jax.exchange.stablehlo import from_stablehlo, to_stablehlo
from netspace_jax.exchange.torch_names import torch_names

__all__ = [
    "ExportedFiles",
    "ModelCard",
    "export_network",
    "from_stablehlo",
    "load_flax",
    "load_network",
    "load_orbax",
    "load_torch",
    "to_stablehlo",
    "torch_names",
]
