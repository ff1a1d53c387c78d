"""Named tensors from outside, checked one by one, as NumPy arrays."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from netspace_jax.errors import InputError

_LISTED = 4  # names that a message lists before it counts the others


def finite_tensors(
    tensors: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], source: str
) -> dict[str, np.ndarray]:
    """Tensors as finite float32 arrays, in the order of `shapes`.

    Args:
      tensors: of NumPy, JAX or PyTorch, by name. Shapes are compared before a value is read.
      shapes: of each tensor there must be; no other may be there.
      source: what the messages call the place where they lie.

    Raises:
      InputError: names the tensors that are missing or unexpected, or the first that is of another shape, not floating
        point or not finite.
    """
    missing = [name for name in shapes if name not in tensors]
    unexpected = [name for name in tensors if name not in shapes]
    if missing or unexpected:
        faults = {"missing": missing, "unexpected": unexpected}
        listed = ", ".join(f"{fault} {_listed(names)}" for fault, names in faults.items() if names)
        raise InputError(f"{source}: {listed}")
    for name, shape in shapes.items():
        if not hasattr(tensors[name], "shape"):
            raise InputError(f"{source}: {name} is a {type(tensors[name]).__name__}, not a tensor")
        if tuple(tensors[name].shape) != tuple(shape):
            raise InputError(f"{source}: {name} has shape {tuple(tensors[name].shape)}, expected {tuple(shape)}")
    return {name: _finite(name, tensors[name], source) for name in shapes}


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(" ".join(str(name).split())[:80] for name in names[:_LISTED]) + more


def _finite(name: str, tensor: Any, source: str) -> np.ndarray:
    """One tensor as a float32 array."""
    if hasattr(tensor, "detach"):
        tensor = _from_torch(name, tensor, source)
    values = np.asarray(tensor)
    if not jnp.issubdtype(values.dtype, jnp.floating):
        raise InputError(f"{source}: {name} is {values.dtype}, expected floating point")
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all():
        bad = np.count_nonzero(~np.isfinite(values))
        raise InputError(f"{source}: {name} has {bad} of {values.size} values that are not finite float32 numbers")
    return values


def _from_torch(name: str, tensor: Any, source: str) -> np.ndarray:
    layout, kind = str(tensor.layout).removeprefix("torch."), str(tensor.dtype).removeprefix("torch.")
    if layout != "strided" or tensor.is_quantized or tensor.device.type == "meta":
        raise InputError(f"{source}: {name} is a sparse, quantised or empty ('meta') tensor, expected a dense one")
    if not tensor.is_floating_point():
        raise InputError(f"{source}: {name} is {kind}, expected floating point")
    return tensor.detach().cpu().float().numpy()
