"""Command: prepare an image set from its official archives, once. `python -m netspace_jax.data.prepare --help`."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import tensorflow_datasets as tfds
import tyro

from netspace_jax.data.archives import ADDRESSES, VERSION, get
from netspace_jax.data.formats import READERS, Examples
from netspace_jax.data.splits import reason
from netspace_jax.errors import InputError

Name = Literal["cifar10", "fashion_mnist", "kmnist", "mnist", "tiny_imagenet"]
assert set(get_args(Name)) == set(READERS)


class _Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Writes a set as array_record. TFDS has builders of these sets too, but reads the archives through TensorFlow."""

    VERSION = tfds.core.Version(VERSION)

    def __init__(self, name: str, data_dir: str | None):
        self.name = name  # pyright: ignore[reportAttributeAccessIssue]  # TFDS wants a class for each set; here one serves all
        self.archives: list[Path] = []
        super().__init__(data_dir=data_dir, file_format="array_record")

    def _info(self) -> tfds.core.DatasetInfo:
        shape = {"cifar10": (32, 32, 3), "tiny_imagenet": (64, 64, 3)}.get(self.name, (28, 28, 1))
        features = {"image": tfds.features.Image(shape=shape), "label": tfds.features.ClassLabel()}
        return tfds.core.DatasetInfo(
            builder=self,
            description=f"{self.name} from the archives of {ADDRESSES[self.name]}, in their order.",
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        names, splits = READERS[self.name](*self.archives)
        cast(Any, self.info.features)["label"].names = names
        return {split: self._generate_examples(examples) for split, examples in splits.items()}

    def _generate_examples(self, examples: Examples) -> Iterator[tuple[int, dict[str, Any]]]:
        for row, (image, label) in enumerate(examples):
            yield row, {"image": io.BytesIO(image), "label": label}


def prepare(
    name: Annotated[Name, tyro.conf.Positional], data_dir: str | None = None, archives: str | None = None
) -> Path:
    """Prepare an image set from its official archives, once, so that it can be loaded by name.

    Args:
      data_dir: Where TFDS keeps its sets; by default $TFDS_DATA_DIR or ~/tensorflow_datasets.
      archives: Folder with the official archives, downloaded by hand; by default they are downloaded.

    Returns:
      The folder it is prepared in.

    Raises:
      InputError: the archives cannot be had or read, or the folder cannot be written.
    """
    builder = _Builder(name, data_dir and str(Path(data_dir).expanduser()))  # TFDS would make a folder called ~
    folder = Path(builder.data_dir)
    if folder.exists():
        if not (folder / "dataset_info.json").is_file():
            raise InputError(f"{folder}: is there but is no prepared set; move it away")
        return folder
    builder.archives = get(name, Path(builder.data_dir_root) / "downloads" / name, archives)
    try:
        builder.download_and_prepare()
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({reason(error)}); give another --data-dir") from error
    return folder


def main() -> int:
    """The command: exit code 0, or 2 after a line that says what is wrong."""
    try:
        folder = tyro.cli(prepare)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{folder.parent.name} is prepared in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
