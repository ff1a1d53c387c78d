"""Image sets that TensorFlow Datasets (TFDS) has prepared as array_record, read without TensorFlow."""

import difflib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds
from google.protobuf import json_format
from tensorflow_datasets.core import constants, read_only_builder

from netspace_jax.data.archives import ADDRESSES, VERSION
from netspace_jax.data.splits import Images, Splits, check_labels, check_shape, checked, count_classes, reason
from netspace_jax.errors import InputError

_NAME = re.compile(r"\w+(/[\w.\-]+)?(:\d+\.\d+\.\d+)?")  # name, config, version


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
    where, info, features = f"{dataset} ({builder.data_dir})", builder.info, _features(builder)
    image, label = map(str, (info.supervised_keys or ("image", "label"))[:2])
    if image not in features or label not in features:
        raise InputError(f"{where}: has {', '.join(features)}; images with one label each are needed")
    names = [name for name in ("train", "validation", "test") if name in info.splits]
    if "train" not in names or len(names) < 2:
        raise InputError(f"{where}: has the splits {list(info.splits)}; train and test or validation are needed")
    splits = {name: _read_split(builder, name, image, label, where) for name in names}
    train = splits["train"]
    classes = getattr(features[label], "num_classes", None) or count_classes(train.y, f"{where}: labels of train")
    for name, images in splits.items():
        check_shape(images.x, train.x.shape[1:], f"{where}: {name}")
        check_labels(images.y, classes, f"{where}: labels of {name}")
    return Splits(classes, train, splits.get("validation") if "test" in splits else None, splits[names[-1]])


def _features(builder: tfds.core.DatasetBuilder) -> tfds.features.FeaturesDict:
    return cast(tfds.features.FeaturesDict, builder.info.features)  # the features of one example, by name


def _builder(dataset: str, data_dir: str | None) -> tfds.core.DatasetBuilder:
    """The prepared set; one that was prepared here goes before TFDS's own where no version is named."""
    folder = Path(data_dir or constants.DATA_DIR).expanduser()
    base, option = base_name(dataset), f" --data-dir {data_dir}" if data_dir else ""
    if base in ADDRESSES:
        command = f"python -m netspace_jax.data.prepare {base}{option}"
    else:
        command = f"tfds build {dataset} --file_format=array_record{option.replace('-dir ', '_dir=')}"
    ours = [f"{dataset}:{VERSION}"] if dataset in ADDRESSES else []
    for name in [*ours, dataset] if _NAME.fullmatch(dataset) else []:
        try:
            return read_only_builder.builder_from_files(name, data_dir=folder, file_format="array_record")
        except tfds.core.DatasetNotFoundError:
            continue
        except (OSError, ValueError, KeyError, json_format.Error) as error:
            raise InputError(
                f"{dataset}: what lies in {folder / base} cannot be read without TensorFlow ({reason(error)}); "
                f"move it away and get it again by: {command}"
            ) from error
    raise InputError(_missing(dataset, folder, command))


def _missing(dataset: str, folder: Path, command: str) -> str:
    """What is missing, and how to get it: one line."""
    base = base_name(dataset)
    registered = tfds.list_builders(with_community_datasets=False)
    found = sorted([*folder.glob("*/*/features.json"), *folder.glob("*/*/*/features.json")])
    sets = [path.parent.relative_to(folder) for path in found]
    others = [f"{path.parent}:{path.name}" for path in sets if path.parts[0] == base and "incomplete" not in path.name]
    there = f"{dataset}: not prepared in {folder}" + (f", which has {', '.join(others)}" if others else "")
    if base in ADDRESSES:
        return f"{there}; get {'it' if dataset == base else f'{base}:{VERSION}'} by: {command}"
    if base in registered:
        return f"{there}; get it, on a machine that has TensorFlow, by: {command}"
    if others:
        return f"{there}; name one of these"
    names = sorted({"digits", *ADDRESSES, *(path.parts[0] for path in sets)})
    near = difflib.get_close_matches(base, sorted({*names, *registered}), n=3) or names
    return f"unknown dataset {dataset!r}; did you mean {' or '.join(near)}, or the path of an .npz file?"


def _read_split(builder: tfds.core.DatasetBuilder, split: str, image: str, label: str, where: str) -> Images:
    """All images of one split; CIFAR-10's, which TFDS shuffles, in their official order."""
    features = _features(builder)
    feature = features[image]
    # Images are decoded here, by Pillow on every machine; TFDS takes OpenCV where there is one.
    encoded = isinstance(feature, tfds.features.Image)
    try:
        # TFDS wraps the method, so that its signature is lost to the type checker.
        as_data_source = cast(Callable[..., Any], builder.as_data_source)
        source = as_data_source(split, decoders={image: tfds.decode.SkipDecoding()} if encoded else None)
        examples: list[Any] = source.__getitems__(range(len(source)))
        if builder.name == "cifar10" and "id" in features:
            examples = sorted(examples, key=lambda example: example["id"])
        x = [example[image] for example in examples]
        if encoded:
            mode = "L" if cast(tuple[int, ...], feature.shape)[2] == 1 else "RGB"
            x = [np.atleast_3d(np.asarray(PIL.Image.open(io.BytesIO(content)).convert(mode))) for content in x]
    except (OSError, ValueError, RuntimeError, KeyError, IndexError) as error:
        raise InputError(f"{where}: {split} is damaged ({reason(error)}); move it away and prepare it again") from error
    if len(sizes := sorted({np.shape(pixels) for pixels in x})) > 1:
        raise InputError(f"{where}: {split} has images of {sizes[0]} and {sizes[1]}; give a set of images of one size")
    y = np.array([example[label] for example in examples])
    return checked(np.array(x), y, f"{where}: images of {split}", f"{where}: labels of {split}")
