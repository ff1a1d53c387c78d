"""The devices that networks are spread over: a mesh with the axis `network`, and for NetSpace's training also `input`.

With several processes, as on a TPU pod, all run the same command on the same files; each trains its share, and the
first writes what is not Orbax's and shows the progress.
"""

import contextlib
import importlib.metadata
import importlib.util
import logging
import math
import os

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from netspace_jax.config import Hosts
from netspace_jax.errors import InputError
from netspace_jax.ops.platform import on_cpu

AXIS, INPUT_AXIS = "network", "input"
_LEVEL = "xla_backend_optimization_level"


def prepare(cores: int = 0) -> None:
    """Settings of JAX for the commands, to be called before JAX's first use.

    float32 means float32 on every machine: by default NVIDIA cards multiply in TF32 and TPUs in bfloat16. On a machine
    without accelerators each core becomes a device, and programs compile fast.

    LLVM's level 1 compiles fast, and its level 3 makes most programs here no faster; those that it does ask for it by
    `optimised`.

    Args:
      cores: devices to make; 0 for as many as the process may use.
    """
    if "JAX_DEFAULT_MATMUL_PRECISION" not in os.environ:
        jax.config.update("jax_default_matmul_precision", "float32")
    if importlib.metadata.entry_points(group="jax_plugins") or importlib.util.find_spec("libtpu"):
        return
    flags = os.environ.get("XLA_FLAGS", "")
    if _LEVEL not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} --{_LEVEL}=1".strip()
    chosen = getattr(jax.config, "jax_num_cpu_devices", -1) > 0
    if not chosen and "xla_force_host_platform_device_count" not in flags:
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        # JAX has begun already, as in a notebook: its devices stay as they are.
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", cores or usable)


def optimised(level: int) -> dict[str, int]:
    """Options that compile one program at another level than `prepare` chose; none where somebody else chose it."""
    return {_LEVEL: level} if f"{_LEVEL}=1" in os.environ.get("XLA_FLAGS", "") else {}


def join(hosts: Hosts) -> None:
    """Join the other processes of a job, if there are any. To be called before JAX's first use.

    Raises:
      InputError: the numbers do not make sense, or the others cannot be reached.
    """
    if not hosts.coordinator:
        if hosts.processes or hosts.process >= 0:
            raise InputError("--hosts.processes and --hosts.process need --hosts.coordinator HOST:PORT, or auto")
        return
    named = hosts.coordinator != "auto"
    if not named and (hosts.processes or hosts.process >= 0):
        raise InputError(
            "--hosts.coordinator auto finds out --hosts.processes and --hosts.process itself: leave them out"
        )
    if named and not hosts.coordinator.rpartition(":")[2].isdigit():
        raise InputError(f"--hosts.coordinator {hosts.coordinator} has no port: give HOST:PORT, or auto")
    if named and not 0 <= hosts.process < hosts.processes:
        raise InputError(
            f"--hosts.process {hosts.process} is not one of --hosts.processes {hosts.processes}, counted from 0"
        )
    try:
        if named:
            jax.distributed.initialize(hosts.coordinator, hosts.processes, hosts.process)
        else:
            jax.distributed.initialize()
    except (RuntimeError, ValueError) as error:
        raise InputError(f"the processes could not find each other through {hosts.coordinator}: {error}") from error


def is_first() -> bool:
    """Whether this process writes what all processes have in common, and shows the progress."""
    return jax.process_index() == 0


def wait_for_all(name: str) -> None:
    """Wait until all processes are here."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def on_host(tree: PyTree) -> PyTree:
    """All of arrays that are spread over devices, those of other processes too, as numpy's."""
    if jax.process_count() > 1:
        tree = multihost_utils.process_allgather(tree, tiled=True)
    return jax.tree.map(np.asarray, tree)


def agreed(value: float) -> float:
    """The first process's value, in all of them."""
    return float(multihost_utils.broadcast_one_to_all(np.float32(value))) if jax.process_count() > 1 else value


def device_bytes() -> int:
    """Memory of one device, in bytes; of a CPU, and where it is not known, 16 GiB."""
    return int((jax.local_devices()[0].memory_stats() or {}).get("bytes_limit", 2**34))


def network_mesh(count: int = 0) -> Mesh:
    """Mesh over the first `count` devices; 0 for all of them.

    Raises:
      InputError: there are fewer devices.
    """
    devices = jax.devices()
    if count > len(devices):
        raise InputError(f"--devices {count}: this machine has {len(devices)} {devices[0].platform} devices")
    if count and jax.process_count() > 1:
        raise InputError(f"--devices {count}: several processes use all of their devices; leave it out")
    return _mesh(devices[: count or len(devices)])


def local_mesh(most: int) -> Mesh:
    """Mesh over at most `most` devices of this process, for what each process does for itself."""
    return _mesh(jax.local_devices()[:most])


def _mesh(devices: list) -> Mesh:
    return jax.make_mesh((len(devices),), (AXIS,), axis_types=(AxisType.Auto,), devices=devices)


def netspace_mesh(count: int = 0, networks: int = 0, inputs: int = 0) -> Mesh:
    """Mesh for NetSpace's training: as `network_mesh`, but on a CPU one device unless more are asked for.

    Its matrix products use all cores from one device; two devices of one core each took twice as long. Where the
    networks of a step do not divide by the devices, the inputs that each network sees are shared out instead.

    Args:
      networks: networks of an architecture in one step; 0 for one for each device.
      inputs: inputs that each network sees in one step; 0 where they are not to be shared out.

    Raises:
      InputError: the devices of several processes cannot share the work: some would do the same again.
    """
    several = jax.process_count() > 1
    wanted = network_mesh(count or (1 if on_cpu() and not several else 0))
    rows, columns = math.gcd(networks or wanted.size, wanted.size), math.gcd(inputs or 1, wanted.size)
    # One or the other: with both axes XLA repeats most of the work (2 networks on 2 × 4 devices: 76 % of it on each).
    rows, columns = (rows, 1) if rows >= columns else (1, columns)
    used = rows * columns
    if used < wanted.size:
        said = f"{networks} networks of an architecture in a step and {inputs} inputs do not divide by {wanted.size}"
        if several:
            raise InputError(f"{said} devices of all processes: change --netspace.networks or --netspace.batch")
        logging.warning("%s devices: %d are used", said, used)
    if columns > 1:
        logging.warning(
            "%d devices share the inputs of each network; encoding and decoding it is work that each of them does",
            columns,
        )
    devices = np.asarray(wanted.devices.flat[:used]).reshape(rows, columns)
    return Mesh(devices, (AXIS, INPUT_AXIS), axis_types=(AxisType.Auto,) * 2)


def part_of(mesh: Mesh, count: int) -> Mesh:
    """The mesh, or where `count` networks are fewer than its devices, as many of these: more would repeat the work."""
    if count >= mesh.size or jax.process_count() > 1:
        return mesh
    return _mesh(list(mesh.devices.flat[:count]))


def over_networks(mesh: Mesh) -> NamedSharding:
    """Sharding that splits the leading axis, one share of the networks for each device."""
    return NamedSharding(mesh, PartitionSpec(AXIS))


def over_inputs(mesh: Mesh, own: bool) -> NamedSharding:
    """Sharding of a step's inputs.

    Args:
      own: whether each network has its own, so that networks are the leading axis.
    """
    axis = INPUT_AXIS if INPUT_AXIS in mesh.axis_names else None
    return NamedSharding(mesh, PartitionSpec(AXIS, axis) if own else PartitionSpec(axis))


def everywhere(mesh: Mesh) -> NamedSharding:
    """Sharding that puts a copy on each device."""
    return NamedSharding(mesh, PartitionSpec())


def put_everywhere(tree: PyTree, mesh: Mesh) -> PyTree:
    """A copy of all arrays of `tree` on each device of the mesh; all processes have to hold the same."""
    if jax.process_count() == 1:
        return jax.device_put(tree, everywhere(mesh))

    def copied(leaf):  # device_put would gather what all processes hold, to compare it
        values = np.asarray(leaf)
        return jax.make_array_from_callback(values.shape, everywhere(mesh), lambda index: values[index])

    return jax.tree.map(copied, tree)


def padded(count: int, mesh: Mesh) -> int:
    """The smallest multiple of the number of devices that is at least `count`."""
    return -(-count // mesh.size) * mesh.size
