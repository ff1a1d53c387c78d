"""Networks in and out: PyTorch, safetensors, Orbax, a user's Flax parameters, StableHLO, ONNX.

Importing this package needs neither PyTorch nor safetensors nor onnx; each is imported by the function that reads or
writes it.
"""

from netspace_jax.exchange.card import ModelCard
from netspace_jax.exchange.export import export_network
from netspace_jax.exchange.load import load_network, networks_in
from netspace_jax.exchange.onnx import to_onnx
from netspace_jax.exchange.pytorch import torch_module, torch_names
from netspace_jax.exchange.stablehlo import from_stablehlo, to_stablehlo

__all__ = [
    "ModelCard",
    "export_network",
    "from_stablehlo",
    "load_network",
    "networks_in",
    "to_onnx",
    "to_stablehlo",
    "torch_module",
    "torch_names",
]
