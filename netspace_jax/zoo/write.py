"""Networks that were trained elsewhere as a zoo on disk, like any other (its format: `netspace_jax.zoo.storage`)."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from etils import epath
from jaxtyping import Float

from netspace_jax.config import ZooConfig
from netspace_jax.files import checksum, csv_text
from netspace_jax.zoo.fit import describe
from netspace_jax.zoo.plan import chunk_size, splits_of
from netspace_jax.zoo.storage import save_zoo
from netspace_jax.zoo.table import Members
from netspace_jax.zoo.zoo import Zoo


class Scored(NamedTuple):
    """A network that was trained elsewhere.

    Attributes:
      name: what it was called there, as the path of its file.
      sha256: of its file, or of its parameters where it was none.
    """

    name: str
    sha256: str
    flat: Float[np.ndarray, "size"]
    score_validation: float
    score_test: float


class LeftOut(NamedTuple):
    """A network that is not in the zoo, and why."""

    name: str
    reason: str


def write_zoo(
    directory: epath.PathLike,
    config: ZooConfig,
    networks: Sequence[Scored],
    *,
    domain: str,
    data_sha256: str,
    left_out: Sequence[LeftOut] = (),
    seconds: float = 0.0,
) -> Zoo:
    """Write a zoo of networks of one architecture. The directory appears at once, complete.

    Args:
      config: names the architecture, the number of its networks, their data, and how they are split.
      data_sha256: what `zoo.train.fingerprint` says of the data that they were scored on.

    Raises:
      InputError: the directory is not empty.
    """
    (architecture,), count = config.architectures, len(networks)
    names, hashes, flats, validation, test = zip(*networks, strict=True)
    number, row = np.divmod(np.arange(count), chunk_size(config, len(flats[0])))
    members = Members(
        {
            "architecture": [architecture] * count,
            "index": range(count),
            "split": splits_of(config, architecture),
            "status": ["finite"] * count,
            "initialisation": ["unknown"] * count,
            "score_validation": validation,
            "score_test": test,
            "chunk": number,
            "row": row,
            "checksum": list(map(checksum, flats)),
            "file": names,
            "sha256": hashes,
        }
    )
    parameters = {(architecture, chunk): np.stack(flats)[number == chunk] for chunk in set(number.tolist())}
    facts = {"seconds": seconds, "imported": count, "left_out": len(left_out), "data_sha256": data_sha256}
    zoo = Zoo.in_memory(members, parameters, describe(config, domain), facts)
    reasons = csv_text({"name": [one.name for one in left_out], "reason": [one.reason for one in left_out]})
    return save_zoo(zoo, directory, {"left_out.csv": reasons})
