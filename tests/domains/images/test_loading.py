"""From a configuration to data, or one line that says why not."""

import dataclasses

import numpy as np
import pytest

from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig
from netspace_jax.domains.images.loading import data_of, load
from netspace_jax.errors import InputError


def test_digits():
    loaded = load(ImageZooConfig())
    behaviour = loaded.dataset.behaviour
    assert loaded.items == ("",) and loaded.config == ImageZooConfig()
    assert behaviour.input_shape == (8, 8, 1) and behaviour.outputs == 10 and behaviour.metric.name == "accuracy"


def test_augmentation_comes_from_the_configuration():
    data = load(ImageZooConfig(crop_padding=2, flip=True)).dataset
    assert data.crop_padding == 2 and data.flip


def test_mixtures_come_from_the_configuration_of_the_space():
    data = load(ImageZooConfig()).dataset
    assert data_of(ImageNetSpaceConfig(), data).mixed == 0
    assert data_of(ImageNetSpaceConfig(mixed=0.5), data).mixed == 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"batch": 1198}, ("--zoo.batch 1198", "1197")),
        ({"dataset": "digit"}, ("digit", "digits")),
        ({"dataset": "missing/images.npz"}, ("missing/images.npz",)),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(change, said):
    with pytest.raises(InputError) as error:
        load(dataclasses.replace(ImageZooConfig(), **change))
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)


def test_images_of_ones_own(tmp_path):
    random = np.random.default_rng(0)
    arrays = {f"x_{split}": random.integers(0, 256, (30, 9, 7), np.uint8) for split in ("train", "test")}
    labels = {f"y_{split}": np.arange(30) % 4 for split in ("train", "test")}
    np.savez(tmp_path / "mine.npz", **arrays, **labels)
    behaviour = load(ImageZooConfig(dataset=str(tmp_path / "mine.npz"), batch=8)).dataset.behaviour
    assert behaviour.input_shape == (9, 7, 1) and behaviour.outputs == 4
