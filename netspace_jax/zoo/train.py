"""Training of a zoo in its directory, with each finished chunk on disk before the next begins.

Of several processes each trains and writes its share of every chunk; the first writes the tables.
"""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import PurePath

import jax
import numpy as np
from etils import epath
from jax.sharding import Mesh

from netspace_jax.config import ZooConfig
from netspace_jax.dataset import Dataset
from netspace_jax.digest import NOT_IN_DIGEST, digest
from netspace_jax.errors import InputError
from netspace_jax.files import BESIDE, location, read_json, sha256, write_text
from netspace_jax.ops.devices import wait_for_all
from netspace_jax.zoo.fit import OnZooProgress, architectures_of, chunk_sizes, describe, shared_of, train_chunks
from netspace_jax.zoo.plan import cohorts_of
from netspace_jax.zoo.storage import ZooWriter, open_zoo
from netspace_jax.zoo.training import MakeTraining, recipe
from netspace_jax.zoo.zoo import Zoo


def zoo_name(config: ZooConfig, dataset: Dataset) -> str:
    """Name of the folder of a zoo: data set, first architecture, and a hash of all that makes it, data included.

    So all runs that want the same zoo share it.
    """
    words = (
        PurePath(config.dataset).stem,
        *config.architectures[:1],
        *(["etc"] if len(config.architectures) > 1 else []),
    )
    name = "-".join(re.sub(r"[^\w.]+", "_", word)[:40] for word in words)
    return f"{name}-{digest(config, fingerprint(dataset))}"


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 of all arrays of a data set, in hexadecimal digits."""
    return sha256(*map(np.asarray, jax.tree.leaves(dataset)))


def train_zoo(
    directory: epath.PathLike,
    config: ZooConfig,
    dataset: Dataset,
    *,
    mesh: Mesh,
    domain: str = "",
    item_names: tuple[str, ...] = ("",),
    item_splits: tuple[str, ...] = (),
    make_training: MakeTraining = recipe,
    on_progress: OnZooProgress = lambda done, total, loss: None,
) -> Zoo:
    """Train what is missing of a zoo in its directory, and return it; its networks are those of `fit_zoo`.

    Raises:
      InputError: the configuration cannot be, or the directory holds something else.
    """
    directory = location(directory)
    config = dataclasses.replace(config, chunk=_claim(directory, describe(config, domain)))
    if (directory / "members.csv").exists():
        return open_zoo(directory)
    built = architectures_of(config, dataset)
    writer = ZooWriter(directory, shared_of(built))
    sizes = _stored_sizes(
        directory, lambda: chunk_sizes(config, built, dataset, make_training=make_training, mesh=mesh)
    )
    cohorts = cohorts_of(config, built, sizes, item_names=item_names, item_splits=item_splits)
    for flat, members in train_chunks(
        cohorts,
        dataset,
        make_training=make_training,
        mesh=mesh,
        is_finished=writer.is_finished,
        on_progress=on_progress,
    ):
        writer.write(flat, members)
    return writer.finish(f"lower --zoo.learning-rate ({config.learning_rate})")


def _claim(directory: epath.Path, description: dict) -> int:
    """Make the directory the zoo's of this configuration, or see that it is; returns its `chunk`.

    What changes no network does not count: an interrupted zoo goes on with the chunks that it began with.
    """
    wait_for_all("a look at the zoo's directory")
    path = directory / "config.json"
    if path.exists():
        written = read_json(path)
        # A field that came later had its default then; had it another value now, the folder would have another name.
        ignored = dict.fromkeys(NOT_IN_DIGEST)
        expected = {**description, **ignored}
        chunk = written.get("chunk") if isinstance(written, dict) else None
        if not isinstance(written, dict) or type(chunk) is not int or {**expected, **written, **ignored} != expected:
            raise InputError(
                f"{directory} belongs to another configuration, or its config.json is damaged: name another place"
            )
        return chunk
    if directory.is_dir() and any(
        not path.name.startswith(".") and path.name not in BESIDE for path in directory.iterdir()
    ):
        raise InputError(f"{directory} is not empty and not a zoo: name another directory")
    wait_for_all("all have looked")
    write_text(path, json.dumps(description, indent=1))
    return description["chunk"]


def _stored_sizes(directory: epath.Path, compute: Callable[[], dict[str, int]]) -> dict[str, int]:
    """Networks of a chunk, by architecture: written down, so that an interrupted zoo goes on with its chunks anywhere.

    Raises:
      InputError: what was written down cannot be used.
    """
    path = directory / "chunk_sizes.json"
    if not path.exists():
        write_text(path, json.dumps(compute()))
    wait_for_all("the networks of a chunk")
    sizes = read_json(path)
    if not isinstance(sizes, dict) or any(type(size) is not int or size < 1 for size in sizes.values()):
        raise InputError(f"{path} does not say how many networks train together: bring it back from a copy")
    return sizes
