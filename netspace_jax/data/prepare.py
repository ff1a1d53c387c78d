"""Command: prepare an image set from its official archives, once. `python -m netspace_jax.data.prepare --help`."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import tensorflow_datasets as tfds
import tyro

from netspace_jax.data import archives as official
from netspace_jax.data.builders import BUILDERS
from netspace_jax.data.splits import reason
from netspace_jax.errors import InputError

Name = Literal["cifar10", "fashion_mnist", "kmnist", "mnist", "tiny_imagenet"]


def prepare(name: Name, data_dir: str | None = None, archives: str | None = None) -> Path:
    """Prepare the image set `name` so that `load_images(name, data_dir)` reads it; where it is there, do nothing.

    Args:
      name: which set.
      data_dir: where TFDS keeps its sets; by default $TFDS_DATA_DIR or ~/tensorflow_datasets.
      archives: folder with the official archives; by default they are downloaded.

    Returns:
      The folder it is prepared in.

    Raises:
      InputError: the archives cannot be had or read, or the folder cannot be written.
    """
    data_dir = data_dir and str(Path(data_dir).expanduser())  # TFDS would make a folder called ~
    builder = BUILDERS[name](data_dir=data_dir)
    folder = Path(builder.data_dir)
    if folder.exists():
        if not (folder / "dataset_info.json").is_file():
            raise InputError(f"{folder}: is there but is no prepared set; move it away")
        return folder
    if archives is not None:
        paths = official.find(name, Path(archives).expanduser())
    else:
        paths = official.fetch(name, Path(builder.data_dir_root) / "downloads" / name)
    builder = BUILDERS[name](archives=paths, data_dir=data_dir)
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({reason(error)}); give another --data-dir") from error
    return folder


def main(
    name: Annotated[Name, tyro.conf.Positional],
    data_dir: str | None = None,
    archives: str | None = None,
) -> int:
    """Prepare an image set from its official archives, so that it can be loaded by name; no TensorFlow is needed.

    Args:
        name: Which set.
        data_dir: Where TFDS keeps its sets; by default $TFDS_DATA_DIR or ~/tensorflow_datasets.
        archives: Folder with the official archives, downloaded by hand; by default they are downloaded.
    """
    try:
        folder = prepare(name, data_dir, archives)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{name} is prepared in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
