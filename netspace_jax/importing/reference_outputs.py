"""Outputs of the original networks on some inputs, which imported ones have to give again."""

import dataclasses
import zipfile
from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour
from netspace_jax.errors import InputError
from netspace_jax.metrics.outputs import outputs_on

ROUNDING = 1e-4
"""Largest difference of outputs, as a share of the largest output, that two libraries' sums may come to."""


@dataclasses.dataclass(frozen=True)
class Reference:
    """Inputs as networks take them, and what the original of each network says of them, by its name."""

    inputs: Shaped[np.ndarray, "n *input"]
    outputs: Mapping[str, Shaped[np.ndarray, "n *outputs"]]

    def difference(self, name: str, architecture: Architecture, flat: Float[np.ndarray, "size"]) -> float | None:
        """Largest difference from the original's outputs as a share of the largest of them; None of other networks."""
        if name not in self.outputs:
            return None
        originals = self.outputs[name]
        outputs = np.asarray(outputs_on(architecture, flat[None], jnp.asarray(self.inputs)))[0]
        return float(np.abs(outputs - originals).max() / max(np.abs(originals).max(), 1e-30))


def read_reference(path: str, behaviour: Behaviour, names: tuple[str, ...]) -> Reference:
    """Inputs and outputs from a `.npz`.

    It holds `inputs`, as the networks took them (uint8 images are normalised first; images may be channel first, as
    PyTorch has them), and the outputs under the name of each file, or, for one network alone, under `outputs`.

    Raises:
      InputError: the file cannot be read or its arrays are not these.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, TypeError) as error:
        raise InputError(f"--expect {path} cannot be read as an .npz ({type(error).__name__})") from error
    if "inputs" not in arrays:
        raise InputError(f"--expect {path} has no array 'inputs'; it has {', '.join(arrays) or 'none'}")
    inputs = _inputs(arrays.pop("inputs"), behaviour, path)
    if set(arrays) == {"outputs"} and len(names) == 1:
        arrays = {names[0]: arrays["outputs"]}
    unknown = sorted(set(arrays) - set(names))
    if unknown or not arrays:
        raise InputError(
            f"--expect {path}: {unknown[0] if unknown else 'no array'} is the name of none of the networks; outputs "
            f"are called as the files are, as {names[0] if names else 'net.pth'}"
        )
    for name, outputs in arrays.items():
        if len(outputs) != len(inputs) or outputs.shape[-1] != behaviour.outputs:
            raise InputError(
                f"--expect {path}: {name} has shape {outputs.shape}, where {len(inputs)} inputs have outputs of shape "
                f"({len(inputs)}, …, {behaviour.outputs})"
            )
    return Reference(inputs, arrays)


def _inputs(inputs: np.ndarray, behaviour: Behaviour, path: str) -> Shaped[np.ndarray, "n *input"]:
    shape = behaviour.input_shape
    if inputs.shape[1:] != shape and inputs.shape[1:] == (*shape[-1:], *shape[:-1]):
        inputs = np.moveaxis(inputs, 1, -1)
    if inputs.shape[1:] != shape or not len(inputs):
        raise InputError(f"--expect {path}: inputs have shape {inputs.shape}, and networks take (n, {shape})")
    raw = inputs.dtype == np.uint8
    return np.asarray(behaviour.prepare(inputs)) if raw else np.asarray(inputs, behaviour.input_dtype)
