"""Images in files: modes, folders with classes, with splits or with neither, sizes, and what is left out."""

import logging

import numpy as np
import PIL.Image
import pytest

from netspace_jax.data.image_files import read_image
from netspace_jax.data.images import load_images
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.loading import load
from netspace_jax.errors import InputError

GREY = np.arange(0, 240, 4, dtype=np.uint8).reshape(6, 10)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], -1)


def test_each_mode_gives_the_pixels_that_one_sees(tmp_path):
    image = PIL.Image.fromarray(COLOUR)
    alpha = np.dstack([COLOUR, np.where(np.arange(10) < 5, 255, 0)[None].repeat(6, 0).astype(np.uint8)])
    seen = COLOUR.copy()
    seen[:, 5:] = 255  # what is transparent lies on white
    palette = image.quantize(16)
    files = {
        "grey": (PIL.Image.fromarray(GREY), GREY),
        "colour": (image, COLOUR),
        "palette": (palette, np.asarray(palette.convert("RGB"))),
        "sixteen": (PIL.Image.fromarray(GREY.astype(np.uint16) * 257), GREY),
        "alpha": (PIL.Image.fromarray(alpha), seen),
        "bits": (PIL.Image.fromarray(GREY > 100), np.where(GREY > 100, 255, 0)),
    }
    for name, (picture, wanted) in files.items():
        picture.save(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(read_image(tmp_path / f"{name}.png"), wanted, err_msg=name)
    assert read_image(tmp_path / "colour.png", (3, 4)).shape == (3, 4, 3)


def draw(folder, count, value=0, size=(6, 5)):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        pixels = np.full(size, value + number, np.uint8)
        pixels[0, 0] = 255
        PIL.Image.fromarray(pixels).save(folder / f"{number:02d}.png")


def test_folders_are_classes(tmp_path):
    draw(tmp_path / "cat", 12)
    draw(tmp_path / "dog", 12, 100)
    images = load_images(str(tmp_path))
    assert images.classes == 2 and images.shape == (6, 5, 1)
    parts = (images.train, images.validation, images.test)
    assert [len(part.y) for part in parts] == [17, 3, 4]
    for part in parts:
        np.testing.assert_array_equal(part.y, part.x[:, 1, 1, 0] >= 100)


def test_folders_called_train_and_test_are_splits(tmp_path):
    for split, count in (("train", 12), ("Test", 3)):
        draw(tmp_path / split / "a", count, 50 * (split == "Test"))
        draw(tmp_path / split / "b", count, 100 + 50 * (split == "Test"))
    images = load_images(str(tmp_path))
    assert images.classes == 2 and len(images.test.y) == 6 and len(images.validation.y) == 4
    assert (images.test.x[:, 1, 1, 0] % 100 >= 50).all() and (images.train.x[:, 1, 1, 0] % 100 < 50).all()


def test_pictures_need_no_labels(tmp_path):
    draw(tmp_path / "plain", 24)
    folder = FieldZooConfig(dataset=str(tmp_path / "plain"), kind="pictures", members=(100,), batch=500, size=(4,))
    loaded = load(folder)
    assert loaded.dataset.truth.classes is None and loaded.dataset.truth.size == (4, 4)
    assert loaded.config.batch == 16 and loaded.splits.count("test") == 4
    with pytest.raises(InputError, match="classes are folders of images in it, at least two"):
        load_images(str(tmp_path / "plain"))
    x = np.random.default_rng(0).integers(0, 255, (24, 6, 5), np.uint8)
    for arrays in ({"x": x}, {"x_train": x, "x_test": x}, {"x_train": x, "y_train": np.zeros(24, int), "x_test": x}):
        np.savez(tmp_path / "own.npz", **arrays)
        loaded = load(FieldZooConfig(dataset=str(tmp_path / "own.npz"), kind="pictures", members=(100,), batch=5))
        assert loaded.dataset.truth.classes is None


def test_what_is_odd_is_named_and_left_out(tmp_path, caplog):
    draw(tmp_path, 20)
    PIL.Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "wide.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    with caplog.at_level(logging.WARNING):
        images = load_images(str(tmp_path), labels_needed=False)
    assert len(images.train.y) + len(images.validation.y) + len(images.test.y) == 20
    assert "2 of 22 images left out" in caplog.text
    assert "broken.png cannot be read" in caplog.text and "wide.png is 9×9, most are 6×5" in caplog.text
    assert load_images(str(tmp_path), labels_needed=False, size=(6, 5)).shape == (6, 5, 1)


def test_many_sizes_ask_for_one(tmp_path):
    for number in range(4):
        PIL.Image.fromarray(np.zeros((4 + number, 5), np.uint8)).save(tmp_path / f"{number}.png")
    with pytest.raises(InputError, match="4 sizes .*--zoo.size resizes them"):
        load_images(str(tmp_path), labels_needed=False)


def test_one_image_of_colour_makes_all_of_three_channels(tmp_path):
    draw(tmp_path, 20, size=(6, 10))
    PIL.Image.fromarray(COLOUR).save(tmp_path / "colour.png")
    assert load_images(str(tmp_path), labels_needed=False).shape == (6, 10, 3)
