"""Networks that were trained elsewhere as a zoo on disk, like any other (its format: `netspace_jax.zoo.storage`)."""

import csv
import io
import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from etils import epath
from jaxtyping import Float

from netspace_jax.config import ZooConfig
from netspace_jax.files import checksum, new_directory, write_text
from netspace_jax.zoo.fit import describe
from netspace_jax.zoo.plan import chunk_size, chunks_of, splits_of
from netspace_jax.zoo.storage import ZooWriter, open_zoo
from netspace_jax.zoo.table import Members
from netspace_jax.zoo.zoo import Zoo


class Scored(NamedTuple):
    """A network that was trained elsewhere.

    Attributes:
      name: what it was called there, as the path of its file.
      sha256: of its file, or of its parameters where it was none.
      flat: its parameters.
      score_validation, score_test: on the inputs of these splits.
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
      left_out: what the zoo's table of these says.
      seconds: what it took.

    Raises:
      InputError: the directory is not empty.
    """
    (architecture,) = config.architectures
    splits, size = splits_of(config, architecture), chunk_size(config, len(networks[0].flat))
    chunks = chunks_of(architecture, np.zeros(len(networks), np.int32), size)
    with new_directory(directory) as staging:
        write_text(staging / "config.json", json.dumps(describe(config, domain), indent=1))
        write_text(staging / "left_out.csv", _reasons(left_out))
        writer = ZooWriter(staging, seconds)
        for chunk in chunks:
            rows = [networks[index] for index in chunk.indices]
            columns = {
                "architecture": [architecture] * len(rows),
                "index": chunk.indices,
                "split": [splits[index] for index in chunk.indices],
                "status": ["finite"] * len(rows),
                "initialisation": ["unknown"] * len(rows),
                "score_validation": [row.score_validation for row in rows],
                "score_test": [row.score_test for row in rows],
                "chunk": [chunk.number] * len(rows),
                "row": range(len(rows)),
                "checksum": [checksum(row.flat) for row in rows],
                "file": [row.name for row in rows],
                "sha256": [row.sha256 for row in rows],
            }
            writer.write(chunk, np.stack([row.flat for row in rows]), Members(columns))
        writer.finish(chunks, "import others", imported=len(networks), left_out=len(left_out), data_sha256=data_sha256)
    return open_zoo(directory)


def _reasons(left_out: Sequence[LeftOut]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LeftOut._fields)
    writer.writerows(left_out)
    return text.getvalue()
