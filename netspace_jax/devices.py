"""The devices that networks are spread over: one mesh axis, `network`, and no communication while a zoo trains."""

import contextlib
import importlib.metadata
import importlib.util
import os

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from netspace_jax.errors import InputError

AXIS = "network"


def prepare_cpu(cores: int = 0) -> None:
    """On a machine without accelerators: make each core a device and compile fast. To be called before JAX's first use.

    LLVM's higher levels made nothing here faster, and took 3 to 13 times longer to compile (ResNet8, two cores: 53 s
    for start, step and evaluation of a zoo, against 16 s at level 1).

    Args:
      cores: devices to make; 0 for as many as the process may use.
    """
    if importlib.metadata.entry_points(group="jax_plugins") or importlib.util.find_spec("libtpu"):
        return
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_backend_optimization_level" not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --xla_backend_optimization_level=1".strip()
    if "xla_force_host_platform_device_count" not in flags:
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        with contextlib.suppress(RuntimeError):  # JAX has begun already, as in a notebook: its devices stay as they are.
            jax.config.update("jax_num_cpu_devices", cores or usable)


def network_mesh(count: int = 0) -> Mesh:
    """Mesh over the first `count` devices; 0 for all of them.

    Raises:
      InputError: there are fewer devices.
    """
    devices = jax.devices()
    if count > len(devices):
        raise InputError(f"--devices {count}: this machine has {len(devices)} {devices[0].platform} devices")
    return jax.make_mesh((count or len(devices),), (AXIS,), axis_types=(AxisType.Auto,),
                         devices=devices[:count or len(devices)])


def netspace_mesh(count: int = 0) -> Mesh:
    """Mesh for NetSpace's training: as `network_mesh`, but on a CPU one device unless more are asked for.

    Its matrix products use all cores from one device; two devices of one core each took twice as long.
    """
    return network_mesh(count or (1 if jax.default_backend() == "cpu" else 0))


def over_networks(mesh: Mesh) -> NamedSharding:
    """Sharding that splits the leading axis, one share of the networks for each device."""
    return NamedSharding(mesh, PartitionSpec(AXIS))


def everywhere(mesh: Mesh) -> NamedSharding:
    """Sharding that puts a copy on each device."""
    return NamedSharding(mesh, PartitionSpec())


def put_everywhere(tree: PyTree, mesh: Mesh) -> PyTree:
    """A copy of all arrays of `tree` on each device of the mesh."""
    return jax.device_put(tree, everywhere(mesh))


def padded(count: int, mesh: Mesh) -> int:
    """The smallest multiple of the number of devices that is at least `count`."""
    return -(-count // mesh.size) * mesh.size
