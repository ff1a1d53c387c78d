"""The devices that networks are spread over: one mesh axis, `network`, and no communication while a zoo trains."""

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from netspace_jax.errors import InputError

AXIS = "network"


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
