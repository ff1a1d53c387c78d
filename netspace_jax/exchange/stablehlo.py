"""One network as a StableHLO function of its inputs alone, for CPU, CUDA GPUs and TPUs and any batch size."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.errors import InputError
from netspace_jax.exchange.read import EXTRA
from netspace_jax.ops.platform import portable

PLATFORMS = ("cpu", "cuda", "tpu")

Apply = Callable[[Shaped[Array, "batch *input"]], Float[Array, "batch *output"]]


def to_stablehlo(architecture: Architecture, flat: Float[Array, "size"]) -> bytes:
    """The function from inputs [batch, *input_shape] to outputs, its parameters within it, serialised by `jax.export`.

    The batch may have any size from 1. Matrix products and convolutions ask for full float32 precision, which GPUs and
    TPUs by default trade for speed, so that outputs agree between platforms. Convolutions are XLA's own, whatever the
    machine that exports.

    Raises:
      ValueError: the vector is not a network of this architecture.
    """
    apply, inputs = for_any_batch(architecture, flat)
    with _no_source_locations():
        exported = jax.export.export(jax.jit(apply), platforms=PLATFORMS)(inputs)
    return bytes(exported.serialize())


def for_any_batch(
    architecture: Architecture, flat: Float[Array, "size"] | Float[np.ndarray, "size"]
) -> tuple[Apply, jax.ShapeDtypeStruct]:
    """One network as a function that can be traced for any number of inputs, and the shape of these: (batch, …).

    It keeps to operations that other programs know, in full precision. A module that asks for `len(x)` cannot be traced
    so: it is traced for one input, and vmapped.

    Raises:
      ValueError: the vector is not a network of this architecture.
    """
    if flat.shape != (architecture.size,):
        raise ValueError(f"vector of shape {flat.shape} is not a {architecture.name} of {architecture.size} parameters")
    network = architecture.bind(jnp.asarray(flat))
    shape = jax.export.symbolic_shape(", ".join(["batch", *map(str, architecture.input_shape)]))
    inputs = jax.ShapeDtypeStruct(shape, architecture.input_dtype)

    def apply(x):
        with portable(), jax.default_matmul_precision("highest"):
            return network(x)

    try:
        jax.eval_shape(apply, inputs)
    except (TypeError, ValueError):  # what a size that is no number raises where a number is asked for
        return jax.vmap(lambda one: apply(one[None])[0]), inputs
    return apply, inputs


@contextlib.contextmanager
def _no_source_locations() -> Iterator[None]:
    """Lower without the paths of this machine's source files, which would otherwise travel in what is exported."""
    name = "jax_traceback_in_locations_limit"
    limit = getattr(jax.config, name)
    jax.config.update(name, 0)
    try:
        yield
    finally:
        jax.config.update(name, limit)


def from_stablehlo(source: str | os.PathLike | bytes) -> Apply:
    """The function that `to_stablehlo` serialised, from its bytes or the file that holds them.

    Raises:
      InputError: the file cannot be read or is not such a function.
    """
    name = "stablehlo" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        exported = jax.export.deserialize(bytearray(data))
        exported.mlir_module()  # parses the program, so that damage shows here and not at the first call
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror})") from error
    except ImportError as error:
        raise InputError(f"{name} needs flatbuffers: {EXTRA}") from error
    except Exception as error:  # The readers beneath raise errors of many kinds on damaged data.
        raise InputError(f"{name} is not a StableHLO function that jax.export wrote") from error
    return jax.jit(exported.call)
