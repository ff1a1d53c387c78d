"""Networks that were trained elsewhere as a zoo on disk, like any other (its format: `netspace_jax.zoo.storage`)."""

import contextlib
import csv
import dataclasses
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from etils import epath
from jaxtyping import Float

from netspace_jax.config import ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.files import checksum_of, location, sum_of, write_text
from netspace_jax.signals import writing
from netspace_jax.zoo.plan import Chunk, chunk_size, splits_of
from netspace_jax.zoo.storage import Zoo, checksum
from netspace_jax.zoo.table import FORMAT, Member, Members, summary_text, table
from netspace_jax.zoo.train import save_rows, summary_of


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


def check_free(directory: epath.PathLike) -> epath.Path:
    """The place of a zoo that is to be written, which has to be new or empty.

    Raises:
      InputError: something lies there.
    """
    found = location(directory)
    if found.exists() and not (found.is_dir() and not any(found.iterdir())):
        raise InputError(f"{directory} exists and is not an empty directory: name another with --out")
    return found


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
    target = check_free(directory)
    (architecture,), splits = config.architectures, splits_of(config, config.architectures[0])
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with _appears(staging):
        members, size = [], chunk_size(config, len(networks[0].flat))
        for number, begin in enumerate(range(0, len(networks), size)):
            rows = networks[begin : begin + size]
            chunk = Chunk(architecture, number, tuple(range(begin, begin + len(rows))))
            save_rows(staging, chunk, np.stack([row.flat for row in rows]))
            own = [_member(network, chunk, row, splits[begin + row]) for row, network in enumerate(rows)]
            write_text(staging / "chunks" / f"{chunk.name}.csv", table(own))
            members += own
        description = {"domain": domain, **json.loads(json.dumps(dataclasses.asdict(config)))}
        write_text(staging / "config.json", json.dumps(description, indent=1))
        write_text(staging / "left_out.csv", _reasons(left_out))
        summary = summary_of(Members.of(members), "import others")
        facts = {"format": FORMAT, "imported": len(members), "left_out": len(left_out), "data_sha256": data_sha256}
        sums = {"config": sum_of(description), "table": checksum_of(table(members))}
        write_text(staging / "zoo.json", summary_text({**facts, "seconds": seconds, **summary, **sums}))
        write_text(staging / "members.csv", table(members))
        check_free(target)  # another process may have come first
        staging.replace(target)
    return Zoo(target)


@contextlib.contextmanager
def _appears(staging: epath.Path) -> Iterator[None]:
    """A directory that is filled before it is put in its place; a signal waits, so that none is left behind."""
    with writing():
        staging.mkdir()
        try:
            yield
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _member(network: Scored, chunk: Chunk, row: int, split: str) -> Member:
    return Member(
        architecture=chunk.architecture,
        index=chunk.indices[row],
        item="",
        split=split,
        status="finite",
        seed=None,
        initialisation="unknown",
        steps=None,
        learning_rate=None,
        loss=None,
        score_validation=network.score_validation,
        score_test=network.score_test,
        chunk=chunk.number,
        row=row,
        checksum=f"{checksum(network.flat):08x}",
        file=network.name,
        sha256=network.sha256,
    )


def _reasons(left_out: Sequence[LeftOut]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LeftOut._fields)
    writer.writerows(left_out)
    return text.getvalue()
