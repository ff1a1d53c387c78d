"""The page that lies beside an exported network and says what it is, how good, where from, and how to read it."""

import dataclasses
import math

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.chain import words
from netspace_jax.errors import InputError
from netspace_jax.exchange.pytorch import batch_norm_names, layer_list, torch_names


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """What a reader of an exported network has to know."""

    title: str
    """What the network is called."""
    origin: str
    """How it was made: which run, from which networks or embedding, with which command."""
    inputs: str
    """What goes in, as "8×8 grey images of handwritten digits, pixels divided by 255"."""
    outputs: str
    """What comes out, as "logits of the digits 0 to 9"."""
    mean: tuple[float, ...] = ()
    """Subtracted from each channel of the inputs; empty where inputs are taken as they are."""
    std: tuple[float, ...] = ()
    """Each channel is divided by it after that."""
    scores: tuple[tuple[str, float], ...] = ()
    """What was measured, as (("accuracy on 360 test images", 0.95),); accuracies are fractions of 1."""


def check_card(card: ModelCard) -> None:
    """Refuse a card that leaves a reader guessing.

    Raises:
      InputError: names the field.
    """
    for field in ("title", "origin", "inputs", "outputs"):
        if not getattr(card, field).strip():
            raise InputError(f"model card: {field} is empty")
    if len(card.mean) != len(card.std):
        raise InputError(
            f"model card: mean has {len(card.mean)} values and std {len(card.std)}; "
            f"give one of each for every channel, or neither"
        )
    for value in card.std:
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"model card: std must be positive, not {value}")
    for name, value in (*card.scores, *(("mean", value) for value in card.mean)):
        if not math.isfinite(value):
            raise InputError(f"model card: {name} is {value}")


def card_text(
    card: ModelCard, architecture: Architecture, names: tuple[str, ...], remarks: tuple[str, ...] = ()
) -> str:
    """The card in Markdown.

    Args:
      names: files and folders that lie beside the card.
      remarks: what else a reader has to know of the files, as that one is missing and why.
    """
    shape = " × ".join(map(str, architecture.input_shape))
    sizes, dtype = architecture.output_shape, architecture.input_dtype
    arguments = [repr(architecture.name), str(architecture.input_shape), str(sizes[-1])]
    arguments += [repr(dtype)] if dtype != "float32" else []
    build = f"architectures.build({', '.join(arguments)})"
    inputs = f"{card.inputs.rstrip('.')}. {dtype.capitalize()} of shape {_batch(architecture.input_shape)}"
    if card.mean:
        inputs += (
            f", channels last; from each channel subtract {_numbers(card.mean)}, then divide by {_numbers(card.std)}"
        )
    parameters = f"{architecture.size:,}"
    if batch_norm_names(architecture):
        parameters += "; batch norms are folded: every convolution has a bias instead"
    scores = "\n".join(f"| {name} | {value:.4g} |" for name, value in card.scores)
    table = f"## Measured\n\n| | |\n|---|---|\n{scores}\n\n" if card.scores else ""
    tensors = "\n".join(
        f"| {name} | {' × '.join(map(str, leaf.torch_shape))} |"
        for name, leaf in zip(torch_names(architecture), architecture.spec.leaves, strict=True)
    )
    table += f"## Parameters\n\n| PyTorch's name | shape |\n|---|---|\n{tensors}\n\n"
    files = "\n\n".join(FILES[name].format(build=build) for name in names)
    return (
        f"# {card.title}\n\n"
        f"- Architecture: {architecture.name}, for inputs of {shape}\n"
        f"- Parameters: {parameters}\n"
        f"- Computes: {_computes(architecture)}\n"
        f"- Inputs: {inputs}\n"
        f"- Outputs: {card.outputs.rstrip('.')}. Float32 of shape {_batch(sizes)}\n\n"
        f"{table}## How it was made\n\n{card.origin}\n\n## Files\n\n{files}\n"
        + "".join(f"\n{remark}\n" for remark in remarks)
    )


def _computes(architecture: Architecture) -> str:
    layers = layer_list(architecture)
    if layers is None:
        kind = type(getattr(architecture.module, "module", architecture.module))  # a ModeSwitch holds the user's
        return f"as the Flax module `{kind.__module__}.{kind.__qualname__}`: build it from its code"
    return words(layers)


def _batch(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(('batch', *map(str, shape)))}]"


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


SAFETENSORS, TORCH, ORBAX, STABLEHLO = "network.safetensors", "network.pt", "orbax", "network.stablehlo"
ONNX, MODULE = "network.onnx", "network.py"

FILES = {
    SAFETENSORS: """`network.safetensors`: PyTorch's names and layouts; this library reads it so:

```python
import jax
from netspace_jax import architectures, exchange
architecture = {build}
outputs = jax.jit(architecture.apply)(exchange.load_network("network.safetensors", architecture), inputs)
```""",
    TORCH: """`network.pt`: the same as a PyTorch `state_dict`, images channel first there:

```python
import torch
state = torch.load("network.pt", weights_only=True)
model.load_state_dict(state)  # that of network.py, or yours with these names and the layers above
```""",
    MODULE: """`network.py`: the module in PyTorch, with its strides, padding, activations and pooling; inputs as above:

```python
from network import Network  # this folder on Python's path
from safetensors.torch import load_file
model = Network()
model.load_state_dict(load_file("network.safetensors"))
outputs = model(torch.tensor(inputs.tolist()))
```""",
    ONNX: """`network.onnx`: the function with its parameters, for any batch size, for example in onnxruntime:

```python
import numpy, onnxruntime
session = onnxruntime.InferenceSession("network.onnx", providers=["CPUExecutionProvider"])
(outputs,) = session.run(None, {{"inputs": numpy.asarray(inputs)}})
```""",
    ORBAX: """`orbax/`: the Flax parameters, as an Orbax checkpoint (Orbax wants the whole path):

```python
import jax, os, orbax.checkpoint as ocp
params = ocp.StandardCheckpointer().restore(os.path.abspath("orbax"))
outputs = jax.jit(architecture.module.apply)({{"params": params}}, inputs)  # the architecture as above
```""",
    STABLEHLO: """`network.stablehlo`: the function with its parameters, for any batch size; needs JAX and flatbuffers:

```python
import jax, jax.export, pathlib
apply = jax.export.deserialize(bytearray(pathlib.Path("network.stablehlo").read_bytes())).call
outputs = apply(inputs)
```""",
}
