"""Image sets that TFDS has prepared as array_record, read without TensorFlow."""

import difflib
import io
import re
from pathlib import Path

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds
from google.protobuf import json_format
from jaxtyping import UInt8

from netspace_jax.data.builders import BUILDERS
from netspace_jax.data.splits import Images, Splits, check_labels, check_shape, checked, count_classes, reason
from netspace_jax.errors import InputError

_NAME = re.compile(r"(?P<base>\w+)(/[\w.\-]+)?(:\d+\.\d+\.\d+)?")  # name, config, version
_BATCH = 1024  # records read at once


def base_name(dataset: str) -> str:
    """A TFDS name without its config and version."""
    return re.split("[/:]", dataset)[0]


def read(dataset: str, data_dir: str | None) -> Splits:
    """The images of a prepared set: its `train`, its `validation` if it has a `test` too, and its `test`.

    Where there is no `test` (as for Tiny-ImageNet, whose test images have no labels), `validation` is the test.

    Raises:
      InputError: the set is unknown, not prepared, not array_record, or not a classification set of images of one size.
    """
    builder = _builder(dataset, data_dir)
    where = f"{dataset} ({builder.data_dir})"
    image_key, label_key = _keys(builder.info, where)
    splits = {name: _read_split(builder, name, image_key, label_key, where)
              for name in ("train", "validation", "test") if name in builder.info.splits}
    if "train" not in splits or len(splits) < 2:
        raise InputError(f"{where}: has {_listed(builder.info.splits)}; "
                         "a split train and a split test or validation are needed")
    train, validation, test = splits["train"], splits.get("validation"), splits.get("test")
    if test is None:
        validation, test = None, validation
    label = builder.info.features[label_key]
    classes = label.num_classes if isinstance(label, tfds.features.ClassLabel) else None
    classes = classes or count_classes(train.y, f"{where}: labels of train")
    for name, images in splits.items():
        check_shape(images.x, train.x.shape[1:], f"{where}: {name}")
        check_labels(images.y, classes, f"{where}: labels of {name}")
    return Splits(classes, train, validation, test)


def _builder(dataset: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
    """The prepared set; of the sets that we prepare, ours goes before TFDS's own where no version is named."""
    if _NAME.fullmatch(dataset) is None:
        raise InputError(_missing(dataset, data_dir))
    ours = [f"{dataset}:{BUILDERS[dataset].VERSION}"] if dataset in BUILDERS else []
    data_dir = data_dir and str(Path(data_dir).expanduser())
    for name in (*ours, dataset):
        try:
            return tfds.core.read_only_builder.builder_from_files(name, data_dir=data_dir, file_format="array_record")
        except tfds.core.DatasetNotFoundError:
            continue
        except (OSError, ValueError, KeyError, json_format.Error) as error:
            raise InputError(f"{dataset}: what lies in {_folder(data_dir) / base_name(dataset)} cannot be read without "
                             f"TensorFlow ({reason(error)}); move it away and get it again by: "
                             f"{_command(dataset, data_dir)}") from error
    raise InputError(_missing(dataset, data_dir))


def _folder(data_dir: str | None) -> Path:
    return Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()


def _command(dataset: str, data_dir: str | None) -> str:
    base = base_name(dataset)
    if base in BUILDERS:
        return f"python -m netspace_jax.data.prepare {base}" + (f" --data-dir {data_dir}" if data_dir else "")
    return f"tfds build {dataset} --file_format=array_record" + (f" --data_dir={data_dir}" if data_dir else "")


def _prepared(folder: Path) -> list[str]:
    """All sets prepared in a folder, as `name:version` or `name/config:version`."""
    found = []
    for pattern in ("*/*/features.json", "*/*/*/features.json"):
        for path in folder.glob(pattern):
            *name, version = path.parent.relative_to(folder).parts
            if not version.startswith("incomplete."):
                found.append(f"{'/'.join(name)}:{version}")
    return sorted(found)


def _missing(dataset: str, data_dir: str | None) -> str:
    """What is missing, and how to get it: one line."""
    folder, base = _folder(data_dir), base_name(dataset)
    prepared = _prepared(folder)
    others = [name for name in prepared if base_name(name) == base]
    there = f"{dataset}: not prepared in {folder}" + (f", which has {', '.join(others)}" if others else "")
    if base in BUILDERS:
        what = "it" if dataset == base else f"{base}:{BUILDERS[base].VERSION}"
        return f"{there}; get {what} by: {_command(base, data_dir)}"
    registered = tfds.list_builders(with_community_datasets=False)
    if base in registered:
        return f"{there}; get it, on a machine that has TensorFlow, by: {_command(dataset, data_dir)}"
    if others:
        return f"{there}; name one of these"
    names = sorted({"digits", *BUILDERS, *map(base_name, prepared)})
    near = difflib.get_close_matches(base, sorted({*names, *registered}), n=3) or names
    return f"unknown dataset {dataset!r}; did you mean {' or '.join(near)}, or the path of an .npz file?"


def _keys(info: tfds.core.DatasetInfo, where: str) -> tuple[str, str]:
    """Names of the features that hold images and labels."""
    keys, features = info.supervised_keys or (), info.features
    image, label = keys if len(keys) == 2 else ("image", "label")
    if image not in features or label not in features:
        raise InputError(f"{where}: has {_listed(features)}; images with one label each are needed")
    pixels, labels = features[image], features[label]
    if len(pixels.shape or ()) != 3 or pixels.np_dtype != np.uint8 or labels.shape != () \
            or not np.issubdtype(labels.np_dtype, np.integer):
        raise InputError(f"{where}: {image} and {label} are not uint8 images with one label each; "
                         "give a classification set")
    return image, label


def _listed(names) -> str:
    return ", ".join(names) or "nothing"


def _read_split(builder: tfds.core.DatasetBuilder, split: str, image_key: str, label_key: str, where: str) -> Images:
    """All images of one split; CIFAR-10's, which TFDS shuffles, in their official order."""
    feature = builder.info.features[image_key]
    # Images are decoded here, by Pillow on every machine; TFDS takes OpenCV where there is one.
    encoded = isinstance(feature, tfds.features.Image)
    try:
        source = builder.as_data_source(split, decoders={image_key: tfds.decode.SkipDecoding()} if encoded else None)
        if not len(source):
            raise InputError(f"{where}: {split} is empty; prepare it again")
        x, y, ids = None, np.empty(len(source), np.int64), []
        for start in range(0, len(source), _BATCH):
            rows = range(start, min(start + _BATCH, len(source)))
            for row, example in zip(rows, source.__getitems__(list(rows)), strict=True):
                image = _decode(example[image_key], feature.shape[2]) if encoded else example[image_key]
                if x is None:
                    x = np.empty((len(source), *image.shape), np.uint8)
                if image.shape != x.shape[1:]:
                    raise InputError(f"{where}: {split} image {row} is {image.shape}, the first is {x.shape[1:]}; "
                                     "give a set of images of one size")
                x[row], y[row] = image, example[label_key]
                if builder.name == "cifar10" and "id" in example:
                    ids.append(example["id"])
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, IndexError) as error:
        raise InputError(f"{where}: {split} cannot be read ({reason(error)}); "
                         "move it away and prepare it again") from error
    if ids:
        order = np.argsort(ids, kind="stable")
        x, y = x[order], y[order]
    return checked(x, y, f"{where}: images of {split}", f"{where}: labels of {split}")


def _decode(content: bytes, channels: int | None) -> UInt8[np.ndarray, "h w c"]:
    with PIL.Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return pixels[..., None] if pixels.ndim == 2 else pixels
