"""Image sets by name: digits, local files and whatever TFDS has prepared; and what is refused, by name."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import tensorflow_datasets as tfds

from netspace_jax.data.formats import png
from netspace_jax.data.images import load_images
from netspace_jax.data.splits import stratified
from netspace_jax.errors import InputError


def pixels(seed, *shape):
    return np.random.RandomState(seed).randint(0, 256, shape, dtype=np.uint8)


def refusal(dataset, data_dir=None):
    with pytest.raises(InputError) as error:
        load_images(str(dataset), data_dir)
    assert "\n" not in str(error.value)
    return str(error.value)


def pairs(*parts):
    """Images and labels of all parts, in an order that depends on them alone."""
    return sorted((image.tobytes(), int(label)) for part in parts for image, label in zip(*part, strict=True))


# digits


def test_digits_are_scikit_learns_in_three_parts():
    images = load_images("digits")
    assert images.classes == 10 and images.shape == (8, 8, 1)
    parts = (images.train, images.validation, images.test)
    assert [len(part.y) for part in parts] == [1197, 300, 300]
    assert all(part.x.dtype == np.uint8 and part.y.dtype == np.int32 for part in parts)
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    source = sklearn.datasets.load_digits()
    # Every digit once, with its label; 0 to 16 become 0 to 255 and come back by rounding.
    levels = np.rint(x.reshape(-1, 64) * (16 / 255)).astype(np.uint8)
    assert pairs((levels, y)) == pairs((source.data.astype(np.uint8), source.target))
    assert x.max() == 255 and x.min() == 0
    shares = np.stack([np.bincount(part.y, minlength=10) / np.bincount(y) for part in parts])
    np.testing.assert_allclose(shares, np.array([[1197], [300], [300]]) / 1797 * np.ones((1, 10)), atol=0.01)
    np.testing.assert_allclose(images.mean, [(images.train.x / 255).mean()])
    np.testing.assert_allclose(images.std, [(images.train.x / 255).std()])


def test_digits_are_split_the_same_way_every_time():
    first, again = load_images("digits"), load_images("digits")
    for part, same in ((first.train, again.train), (first.validation, again.validation), (first.test, again.test)):
        np.testing.assert_array_equal(part.x, same.x)
        np.testing.assert_array_equal(part.y, same.y)


# holding out


@pytest.mark.parametrize("count", [0, 1, 7, 50, 99, 100])
def test_stratified_takes_each_class_by_its_share(count):
    y = np.random.RandomState(0).choice(5, 100, p=[0.5, 0.2, 0.15, 0.1, 0.05]).astype(np.int32)
    kept, held = stratified(y, count, 3)
    assert len(held) == count
    assert np.array_equal(np.sort(np.concatenate([kept, held])), np.arange(100))
    assert (np.diff(kept) > 0).all() and (np.diff(held) > 0).all()
    ideal = np.bincount(y, minlength=5) * count / 100
    assert (np.abs(np.bincount(y[held], minlength=5) - ideal) <= 1).all()


def test_stratified_depends_on_the_seed_alone():
    y = np.arange(60, dtype=np.int32) % 3
    assert np.array_equal(stratified(y, 10, 1)[1], stratified(y, 10, 1)[1])
    assert not np.array_equal(stratified(y, 10, 1)[1], stratified(y, 10, 2)[1])


# local files


def arrays(channels=(3,), classes=3, **changes):
    """A good file's arrays, with some changed, or left out where None."""
    found = {
        "x_train": pixels(0, 24, 6, 5, *channels),
        "y_train": np.arange(24) % classes,
        "x_test": pixels(1, 9, 6, 5, *channels),
        "y_test": np.arange(9) % classes,
    } | changes
    return {name: array for name, array in found.items() if array is not None}


def write(path, **found):
    np.savez_compressed(path, **found)
    return path


@pytest.mark.parametrize("suffix", ["val", "validation"])
@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_a_file_is_read_as_it_is(tmp_path, channels, suffix):
    held = {f"x_{suffix}": pixels(2, 4, 6, 5, *channels), f"y_{suffix}": np.array([2, 1, 0, 0], np.uint8)}
    found = arrays(channels) | held
    images = load_images(str(write(tmp_path / "mine.npz", **found)))
    assert images.name == "mine" and images.classes == 3 and images.shape == (6, 5, channels[0] if channels else 1)
    for part, name in ((images.train, "train"), (images.validation, suffix), (images.test, "test")):
        np.testing.assert_array_equal(part.x, found[f"x_{name}"].reshape(part.x.shape))
        np.testing.assert_array_equal(part.y, found[f"y_{name}"])
        assert part.y.dtype == np.int32
    if channels == (3,):
        assert images.mean == (0.485, 0.456, 0.406) and images.std == (0.229, 0.224, 0.225)
    else:
        np.testing.assert_allclose(images.mean, [(found["x_train"] / 255).mean()])
        np.testing.assert_allclose(images.std, [(found["x_train"] / 255).std()])


def test_without_validation_a_stratified_sixth_is_held_out(tmp_path):
    found = arrays()
    images = load_images(str(write(tmp_path / "mine.npz", **found)))
    assert len(images.train.y) == 20 and len(images.validation.y) == 4
    rows = {image.tobytes(): row for row, image in enumerate(found["x_train"])}
    order = [rows[image.tobytes()] for part in (images.train, images.validation) for image in part.x]
    assert sorted(order) == list(range(24))
    np.testing.assert_array_equal(found["y_train"][order], np.concatenate([images.train.y, images.validation.y]))
    assert set(np.bincount(images.validation.y)) <= {1, 2}


def test_pixels_of_a_wider_integer_type_are_taken(tmp_path):
    found = arrays()
    images = load_images(str(write(tmp_path / "mine.npz", **found | {"x_test": found["x_test"].astype(np.int64)})))
    assert images.test.x.dtype == np.uint8
    np.testing.assert_array_equal(images.test.x, found["x_test"])


def with_nan():
    x = np.full((24, 6, 5, 3), 0.5, np.float32)
    x[17, 2, 2, 1] = np.nan
    return x


ROWS = np.arange(24)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x_train": None}, "has no array x_train"),
        ({"y_test": None}, "has no array y_test"),
        ({"x_val": pixels(0, 3, 6, 5, 3)}, "has no array y_val"),
        ({"x_train": with_nan()}, "x_train holds NaN or infinity, first in image 17"),
        ({"x_train": pixels(0, 24, 6, 5, 3) / 100}, "x_train is float64 from 0 to 2.55"),
        ({"x_train": np.full((24, 6, 5, 3), 0.5)}, "x_train is float64 from 0.5 to 0.5; give uint8"),
        ({"x_test": np.full((9, 6, 5, 3), 256)}, "x_test is int64 from 256 to 256"),
        ({"x_test": np.full((9, 6, 5, 3), -1)}, "x_test is int64 from -1 to -1"),
        ({"x_train": pixels(0, 24, 6, 5, 3) > 9}, "x_train is bool"),
        ({"x_train": np.array(["a"] * 24)}, "x_train is <U1"),
        ({"x_train": pixels(0, 24, 30)}, "x_train has shape (24, 30)"),
        ({"x_train": pixels(0, 24, 3, 32, 32)}, "x_train has shape (24, 3, 32, 32)"),
        ({"x_train": pixels(0, 24, 6, 5, 4)}, "x_train has shape (24, 6, 5, 4)"),
        ({"x_train": pixels(0, 0, 6, 5, 3), "y_train": ROWS[:0]}, "x_train is empty"),
        ({"x_test": pixels(0, 0, 6, 5, 3), "y_test": ROWS[:0]}, "x_test is empty"),
        ({"x_train": pixels(0, 24, 0, 5, 3)}, "x_train is empty"),
        ({"x_test": pixels(0, 9, 5, 6, 3)}, "x_test has images of 5×6×3, the training images have 6×5×3"),
        ({"x_test": pixels(0, 9, 6, 5)}, "x_test has images of 6×5×1, the training images have 6×5×3"),
        ({"y_train": ROWS[:23] % 3}, "y_train has shape (23,)"),
        ({"y_train": np.stack([ROWS % 3] * 2, 1)}, "y_train has shape (24, 2)"),
        ({"y_train": ROWS % 3 - 1}, "y_train holds -1, first at 0"),
        ({"y_train": ROWS % 3 + 1}, "y_train goes up to 3 but no image has label 0"),
        ({"y_train": np.where(ROWS % 3 == 2, 7, ROWS % 3)}, "y_train goes up to 7 but no image has label 2"),
        ({"y_train": (ROWS % 3).astype(float)}, "y_train is float64; give labels as integers"),
        ({"y_train": ROWS * 0}, "y_train holds one class only (0)"),
        ({"y_train": np.where(ROWS == 4, 2**40, ROWS % 3)}, "y_train holds 1099511627776, first at 4"),
        ({"y_test": np.arange(9) % 3 + (np.arange(9) == 5)}, "y_test holds 3, first at 5; the 3 classes are 0 to 2"),
        ({"x_train": np.array([{"a": 1}] * 24, object)}, "x_train holds Python objects"),
        ({"x_train": pixels(0, 4, 6, 5, 3), "y_train": ROWS[:4] % 3}, "4 training images are too few"),
        (
            {"x_train": np.full((24, 6, 5), 9, np.uint8), "x_test": pixels(0, 9, 6, 5)},
            "all pixels of the training images",
        ),
        ({"x_val": ROWS, "y_val": ROWS, "x_validation": ROWS, "y_validation": ROWS}, "has both val and validation"),
    ],
)
def test_files_that_cannot_be_used_are_refused_by_name(tmp_path, changes, says):
    message = refusal(write(tmp_path / "mine.npz", **arrays(**changes)))
    assert says in message and "mine" in message


def test_broken_and_foreign_files_are_refused_by_name(tmp_path):
    good = write(tmp_path / "good.npz", **arrays()).read_bytes()
    (tmp_path / "cut.npz").write_bytes(good[: len(good) // 2])
    assert f"{tmp_path / 'cut.npz'}: not an .npz, or cut short" in refusal(tmp_path / "cut.npz")
    (tmp_path / "empty.npz").write_bytes(b"")
    assert "empty.npz: not an .npz" in refusal(tmp_path / "empty.npz")
    np.save(tmp_path / "array.npy", pixels(0, 3))
    (tmp_path / "array.npy").rename(tmp_path / "array.npz")
    assert "array.npz: not an .npz" in refusal(tmp_path / "array.npz")
    assert "notes.txt: images are read from .npz files and from folders" in refusal(write_text(tmp_path / "notes.txt"))
    middle = good.index(b"x_train.npy") + 200  # within the data of x_train
    (tmp_path / "flipped.npz").write_bytes(good[:middle] + bytes(64) + good[middle + 64 :])
    assert "flipped.npz: x_train cannot be read" in refusal(tmp_path / "flipped.npz")
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as archive:
        archive.writestr("x_train", b"no array")
    assert "zip.npz: x_train is not a NumPy array" in refusal(tmp_path / "zip.npz")
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        header, shape = io.BytesIO(), (1 << 40, 32, 32, 3)
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        archive.writestr("x_train.npy", header.getvalue())
    assert "huge.npz: x_train cannot be read" in refusal(tmp_path / "huge.npz")
    assert f"{tmp_path / 'god.npz'}: no such file; its folder has" in refusal(tmp_path / "god.npz")
    (tmp_path / "folder.npz").mkdir()
    assert "folder.npz: the file cannot be read" in refusal(tmp_path / "folder.npz")


def write_text(path):
    path.write_text("images")
    return path


# what TFDS has prepared


def build(folder, name, splits, features=None, version="2.0.0", keys=("image", "label"), **options):
    """A set as TFDS prepares them: `splits` are lists of (key, example)."""
    features = features or tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(4, 3, 1)), "label": tfds.features.ClassLabel(num_classes=3)}
    )

    class Set(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(version)

        def _info(self):
            return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=keys, **options)

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(examples) for split, examples in splits.items()}

        def _generate_examples(self, examples):
            yield from examples

    Set.name = name
    Set(data_dir=folder, file_format="array_record").download_and_prepare()


def examples(x, y, **more):
    return [
        (row, {"image": io.BytesIO(png(x[row])), "label": int(y[row]), **{key: more[key][row] for key in more}})
        for row in range(len(y))
    ]


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """A prepared grey set with train and test."""
    folder = str(tmp_path_factory.mktemp("sets"))
    x, y = pixels(0, 30, 4, 3), np.arange(30) % 3
    build(folder, "shades", {"train": examples(x[:24], y[:24]), "test": examples(x[24:], y[24:])})
    return folder, x, y


@pytest.mark.parametrize("name", ["shades", "shades:2.0.0"])
def test_any_prepared_classification_set_loads(shades, name):
    folder, x, y = shades
    images = load_images(name, folder)
    assert images.name == name and images.classes == 3 and images.shape == (4, 3, 1)
    assert len(images.train.y) == 20 and len(images.validation.y) == 4
    assert pairs(images.train, images.validation) == pairs((x[:24], y[:24]))
    assert pairs(images.test) == pairs((x[24:], y[24:]))


def test_the_default_folder_is_tfdss(shades, monkeypatch):
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", shades[0])
    assert load_images("shades").classes == 3


def test_an_official_validation_split_validates(tmp_path):
    x, y = pixels(0, 18, 4, 3), np.arange(18) % 3
    build(
        str(tmp_path),
        "three_parts",
        {"train": examples(x[:6], y[:6]), "validation": examples(x[6:12], y[6:12]), "test": examples(x[12:], y[12:])},
    )
    images = load_images("three_parts", str(tmp_path))
    assert pairs(images.train) == pairs((x[:6], y[:6]))
    assert pairs(images.validation) == pairs((x[6:12], y[6:12]))
    assert pairs(images.test) == pairs((x[12:], y[12:]))


def test_cifar10_as_tfds_itself_shuffles_it_comes_in_official_order(tmp_path):
    x, y = pixels(0, 60, 32, 32, 3), np.arange(60) % 10
    features = tfds.features.FeaturesDict(
        {
            "id": tfds.features.Text(),
            "image": tfds.features.Image(shape=(32, 32, 3)),
            "label": tfds.features.ClassLabel(num_classes=10),
        }
    )
    build(
        str(tmp_path),
        "cifar10",
        {
            split: examples(x[rows], y[rows], id=[f"{split}_{row:05d}" for row in range(rows.stop - rows.start)])
            for split, rows in (("train", slice(0, 50)), ("test", slice(50, 60)))
        },
        features,
        version="3.0.2",
    )
    source = tfds.builder_from_directory(tmp_path / "cifar10" / "3.0.2").as_data_source("train")
    stored = [example["id"] for example in source]
    assert stored != sorted(stored), "TFDS shuffled them"
    images = load_images("cifar10", str(tmp_path))
    np.testing.assert_array_equal(images.train.x, x[:40])
    np.testing.assert_array_equal(images.validation.x, x[40:50])
    np.testing.assert_array_equal(images.validation.y, y[40:50])
    np.testing.assert_array_equal(images.test.x, x[50:])


def test_labels_and_pixels_may_be_plain_tensors(tmp_path):
    features = tfds.features.FeaturesDict(
        {"picture": tfds.features.Tensor(shape=(4, 3, 3), dtype=np.uint8), "kind": tfds.features.Scalar(dtype=np.int64)}
    )
    x, y = pixels(0, 24, 4, 3, 3), np.arange(24) % 4
    rows = [(row, {"picture": image, "kind": int(label)}) for row, (image, label) in enumerate(zip(x, y, strict=True))]
    build(str(tmp_path), "plain", {"train": rows[:16], "test": rows[16:]}, features, keys=("picture", "kind"))
    images = load_images("plain", str(tmp_path))
    assert images.classes == 4 and images.shape == (4, 3, 3)
    assert pairs(images.test) == pairs((x[16:], y[16:]))


def test_prepared_sets_that_are_no_classification_of_one_size_are_refused(tmp_path):
    folder, good = str(tmp_path), examples(pixels(0, 6, 4, 3), np.arange(6) % 3)
    build(folder, "alone", {"train": good})
    assert "has the splits ['train']; train and test or validation are needed" in refusal("alone", folder)
    unlabelled = tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(4, 3, 1))})
    rows = [(row, {"image": example["image"]}) for row, example in examples(pixels(0, 6, 4, 3), np.zeros(6))]
    build(folder, "unlabelled", {"train": rows[:3], "test": rows[3:]}, unlabelled, keys=None)
    assert "has image; images with one label each are needed" in refusal("unlabelled", folder)
    texts = tfds.features.FeaturesDict({"image": tfds.features.Text(), "label": tfds.features.Scalar(dtype=np.int64)})
    rows = [(row, {"image": "a cat", "label": row % 3}) for row in range(6)]
    build(folder, "texts", {"train": rows, "test": rows}, texts)
    assert "images of train is |S5; give uint8 pixels" in refusal("texts", folder)
    sizes = tfds.features.FeaturesDict(
        {"image": tfds.features.Image(shape=(None, None, 1)), "label": tfds.features.ClassLabel(num_classes=3)}
    )
    mixed = [(row, {"image": io.BytesIO(png(pixels(0, 4 + row, 3))), "label": row % 3}) for row in range(6)]
    build(folder, "mixed", {"train": mixed, "test": mixed[:1]}, sizes, disable_shuffling=True)
    assert "train has images of (4, 3, 1) and (5, 3, 1)" in refusal("mixed", folder)
    hidden = [(row, {"image": io.BytesIO(png(pixels(0, 4, 3))), "label": -1}) for row in range(6)]
    build(folder, "hidden", {"train": examples(pixels(0, 6, 4, 3), np.arange(6) % 3), "test": hidden})
    assert "labels of test holds -1" in refusal("hidden", folder)


def test_what_is_not_prepared_is_said_with_the_command_that_gets_it(shades, tmp_path):
    nowhere = str(tmp_path / "sets")
    command = f"python -m netspace_jax.data.prepare cifar10 --data-dir {nowhere}"
    assert refusal("cifar10", nowhere) == f"cifar10: not prepared in {nowhere}; get it by: {command}"
    assert refusal("cifar100", nowhere).endswith(f"tfds build cifar100 --file_format=array_record --data_dir={nowhere}")
    message = refusal("shades:1.0.0", shades[0])
    assert message == f"shades:1.0.0: not prepared in {shades[0]}, which has shades:2.0.0; name one of these"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("cifr10", "cifar10"),
        ("digit", "digits"),
        ("shade", "shades"),
        ("fashion-mnist", "fashion_mnist"),
        ("imagenet_resize", "imagenet_resized"),
    ],
)
def test_unknown_names_bring_the_nearest(shades, name, near):
    message = refusal(name, shades[0])
    assert message.startswith(f"unknown dataset '{name}'; did you mean") and near in message.split("mean")[1]


@pytest.mark.parametrize("name", ["", "a b", "../cifar10", "kaggle:digits", "mnist:latest"])
def test_names_that_can_be_no_set_are_refused_in_one_line(shades, name):
    refusal(name, shades[0])


def damage(folder, file, change):
    path = next(Path(folder).rglob(file))
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("*-test.array_record*", lambda content: content[:3000]),
        ("*-train.array_record*", lambda content: content[:100] + bytes(200) + content[300:]),
        ("dataset_info.json", lambda content: content[:100]),
        ("dataset_info.json", lambda content: content.replace(b'"array_record"', b'"tfrecord"')),
        ("features.json", lambda content: content[:50]),
    ],
)
def test_damaged_prepared_sets_are_refused_by_name(tmp_path, file, change):
    x, y = pixels(0, 30, 4, 3), np.arange(30) % 3
    build(str(tmp_path), "shades", {"train": examples(x[:24], y[:24]), "test": examples(x[24:], y[24:])})
    damage(tmp_path, file, change)
    message = refusal("shades", str(tmp_path))
    assert message.startswith("shades") and str(tmp_path / "shades") in message


def test_what_unpacks_to_more_than_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("netspace_jax.memory.available", lambda: 10_000)
    np.savez_compressed(tmp_path / "bomb.npz", x_train=np.zeros((100, 8, 8), np.int64))
    with pytest.raises(InputError, match="unpacked, would need 50.* KiB of memory"):
        load_images(str(tmp_path / "bomb.npz"))


# files of others


@pytest.mark.parametrize("kind", ["medmnist", "capitals", "floats", "whole"])
def test_files_of_others_are_read(tmp_path, kind):
    x, y = pixels(0, 24, 6, 5), np.arange(24, dtype=np.int64) % 3
    test_x, test_y = pixels(1, 6, 6, 5), np.arange(6, dtype=np.int64) % 3
    files = {
        "medmnist": {"train_images": x, "train_labels": y[:, None], "val_images": test_x, "val_labels": test_y[:, None],
                     "test_images": test_x, "test_labels": test_y[:, None]},
        "capitals": {"X_train": x, "Y_train": y, "X_test": test_x, "y_test": test_y},
        "floats": {"x_train": x.astype(float), "y_train": y, "x_test": test_x.astype(float), "y_test": test_y},
        "whole": {"x": np.concatenate([x, test_x]), "y": np.concatenate([y, test_y])},
    }  # fmt: skip
    np.savez(tmp_path / "own.npz", **files[kind])
    images = load_images(str(tmp_path / "own.npz"))
    assert images.classes == 3 and images.shape == (6, 5, 1)
    parts = (images.train, images.validation, images.test)
    assert [len(part.y) for part in parts] == {"medmnist": [24, 6, 6], "whole": [21, 4, 5]}.get(kind, [20, 4, 6])
    everything = pairs(*parts[:: 2 if kind == "medmnist" else 1])
    assert everything == pairs((np.concatenate([x, test_x])[..., None], np.concatenate([y, test_y])))


def test_other_names_of_arrays_are_listed(tmp_path):
    np.savez(tmp_path / "own.npz", pictures=pixels(0, 4, 6, 5), kinds=np.arange(4))
    assert "its arrays are pictures, kinds; images are x_train" in refusal(tmp_path / "own.npz")
