"""Examples of a user's own, from a folder or a file to a network as files; what cannot be is one line."""

import dataclasses
import functools

import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from netspace_jax.errors import InputError
from netspace_jax.report.adapt import AdaptOptions, adapt_to_file
from tests import tiny


@functools.cache
def run(expected_loss=100.0):
    """A run whose space reads tasks, and expects losses of no more than that."""
    space = tiny.set_reader(tiny.dataset())
    assert space.calibration is not None
    loss = jnp.full_like(space.calibration.loss, expected_loss)
    calibration = dataclasses.replace(space.calibration, loss=loss)
    return tiny.again(tiny.trained(), space=dataclasses.replace(space, calibration=calibration))


def write(folder, classes="013", count=2, shape=(4, 4)):
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = np.random.default_rng([number, index]).integers(0, 255, shape, np.uint8)
            PIL.Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


def adapt(folder, tmp_path, which=None, **changes):
    return adapt_to_file(which or run(), AdaptOptions(examples=str(folder), out=tmp_path / "out", **changes))


def test_a_folder_becomes_an_onnx_file_with_a_card(tmp_path):
    (line,) = adapt(write(tmp_path / "mine"), tmp_path)
    assert "mean loss of an example left out" in line and "certainty" in line
    assert [*(tmp_path / "out").glob("*.onnx")]
    assert "from 6 examples of mine" in "".join(path.read_text() for path in (tmp_path / "out").glob("*.md"))


def test_a_task_far_from_all_others_is_written_with_a_warning_and_its_figures(tmp_path):
    warning, _ = adapt(write(tmp_path / "mine"), tmp_path, run(1e-6))
    assert warning.startswith("warning: each of the 6 examples has a mean loss of") and "at most 1e-06" in warning


def test_examples_of_one_class_are_written_with_a_warning(tmp_path):
    warning, _ = adapt(write(tmp_path / "mine", "2"), tmp_path)
    assert warning.startswith("warning: all 2 examples are of the class 2:")


def _file(x, y, tmp_path):
    np.savez(tmp_path / "few.npz", x=x, y=y)
    return tmp_path / "few.npz"


PIXELS, LABELS = np.arange(48, dtype=np.uint8).reshape(3, 4, 4), np.arange(3)


@pytest.mark.parametrize(("make", "said"), [
    (lambda place: "", "name examples: python eval adapt RUN --examples"),
    (lambda place: place / "nowhere", "no such file"),
    (lambda place: write(place / "mine", shape=(5, 4)), "images have shape (6, 5, 4, 1)"),
    (lambda place: write(place / "mine", "04"), "'4' is no class; name folders by the classes 0, 1, 2, 3"),
    (lambda place: write(place / "mine", "01").parent / "mine" / "0", "holds no folders of images"),
    (lambda place: write(place / "mine", "01", count=0), "has no images"),
    (lambda place: _file(PIXELS[:, :3], LABELS, place), "images have shape (3, 3, 4, 1)"),
    (lambda place: _file(PIXELS, LABELS + 2, place), "4 is no class; these networks know 0 to 3"),
    (lambda place: _file(PIXELS[[0, 1, 0]], LABELS, place), "the same input with the labels 0 and 2"),
    (lambda place: _file(PIXELS - np.nan, LABELS, place), "not all values are finite"),
    (lambda place: _file(PIXELS, LABELS - np.nan, place), "not all values are finite"),
    (lambda place: _file(PIXELS[:0], LABELS[:0], place), "there are none"),
])  # fmt: skip
def test_examples_that_cannot_be_are_one_line(tmp_path, make, said):
    with pytest.raises(InputError) as error:
        adapt(make(tmp_path), tmp_path)
    assert said in str(error.value) and "\n" not in str(error.value) and not (tmp_path / "out").exists()
