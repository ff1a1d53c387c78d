"""A zoo as one file of tensors with its table, for people who do not have this library.

    from safetensors import safe_open
    with safe_open("zoo.safetensors", "numpy") as file:
        parameters = file.get_tensor("lenetlike")  # (network, parameters), float32
        table = file.metadata()["members.csv"]  # a row for each network, in the same order

Parameters are in forward order, weight before bias, in PyTorch's layouts (docs/method.md, eq. 1).
"""

import json

import numpy as np
from etils import epath
from safetensors.numpy import save

from netspace_jax.errors import InputError
from netspace_jax.files import location, write_bytes
from netspace_jax.zoo.table import Members, table
from netspace_jax.zoo.zoo import Zoo


def export_zoo(zoo: Zoo, path: epath.PathLike) -> epath.Path:
    """Write the finite networks of a zoo, of each architecture one tensor, with their table and what made the zoo.

    Raises:
      InputError: there is such a file already, or a chunk cannot be read.
    """
    path = location(path)
    if path.exists():
        raise InputError(f"{path} exists already: name another file")
    tensors, members = {}, []
    for name in zoo.architectures:
        finite = zoo.members[(zoo.members.architecture == name) & (zoo.members.status == "finite")]
        for split in dict.fromkeys(finite.split):
            networks = zoo.networks(name, split)
            tensors.setdefault(name, []).append(networks.parameters)
            members.append(networks.members)
    metadata = {"members.csv": table(Members.joined(members)), "config.json": json.dumps(zoo.description)}
    write_bytes(path, save({name: np.concatenate(rows) for name, rows in tensors.items()}, metadata=metadata))
    return path
