"""A folder of data sets, one a task: from files to data, or one line that says why not."""

import jax
import jax.numpy as jnp
import numpy as np
import PIL.Image
import pytest

from netspace_jax import testing
from netspace_jax.domains.images.config import ImageZooConfig
from netspace_jax.domains.images.dataset import Classification
from netspace_jax.domains.images.loading import load
from netspace_jax.domains.images.task_folder import read_examples
from netspace_jax.errors import InputError


def write(path, count=24, classes=3, shape=(4, 4), level=0):
    random = np.random.default_rng(count + level)
    np.savez(path, x=random.integers(level, level + 9, (count, *shape), np.uint8), y=np.arange(count) % classes)


def config(folder, **changes):
    return ImageZooConfig(**{"dataset": str(folder), "tasks": "sets", "members": (12,), "batch": 4, "validation": 0.2,
                             "test": 0.2, **changes})  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """Eight sets whose pixels tell which: task i has pixels from 20·i on; the third is larger."""
    for number in range(8):
        write(tmp_path / f"writer{number}.npz", count=48 if number == 2 else 24, level=20 * number)
    (tmp_path / "readme.txt").write_text("not a set")
    return tmp_path


def test_each_task_has_its_own_images(folder):
    loaded = load(config(folder))
    data = loaded.dataset
    assert loaded.items == tuple(f"writer{number}" for number in range(8)) and data.items == 8
    testing.check_dataset(data)
    (mean,), (std,) = data.behaviour.normalisation
    for member in (0, 2, 7, 10):  # counted round
        for batch in (data.of(member).examples("test"), data.of(member).sample(jax.random.key(0), jnp.int32(0), 4)):
            pixels = np.rint(255 * (np.asarray(batch.inputs) * std + mean))
            assert (pixels // 20 == member % 8).all()
    assert data.count("test") == data.count("validation") == 4 and data.count("train") == 32


def test_fewer_members_than_sets_take_the_first(folder):
    loaded = load(config(folder, members=(5,), validation=1, test=2))
    assert loaded.items == tuple(f"writer{number}" for number in range(5))
    assert sorted(loaded.splits) == ["test", "test", "train", "train", "validation"]


def test_sets_are_normalised_by_the_tasks_that_train(folder):
    loaded = load(config(folder))
    (mean,), _ = loaded.dataset.behaviour.normalisation
    trained = [number for number, split in enumerate(loaded.splits) if split == "train"]
    assert 0 < len(trained) < 8
    weights = [2 if number == 2 else 1 for number in trained]
    assert mean * 255 == pytest.approx(np.average([20 * number + 4 for number in trained], weights=weights), abs=2)


def test_folders_of_images_are_sets_too(tmp_path):
    for task in range(6):
        for name in ("cat", "dog"):
            place = tmp_path / f"camera{task}" / name
            place.mkdir(parents=True)
            for number in range(6):
                PIL.Image.fromarray(np.full((8, 8, 3), 30 * task + number, np.uint8)).save(place / f"{number}.png")
    loaded = load(config(tmp_path, members=(6,), size=4, batch=2))
    data = loaded.dataset
    assert loaded.items[0] == "camera0" and data.behaviour.input_shape == (4, 4, 3) and data.behaviour.classes == 2
    assert data.behaviour.class_names == ("cat", "dog")
    testing.check_dataset(data)


def test_examples_of_a_task_lie_as_the_sets_do(tmp_path):
    """By the names of the classes that the sets have; the first are of as many classes as there are."""
    behaviour = Classification((2, 2, 1), 3, (0.5,), (0.5,), class_names=("cat", "cow", "dog"))
    for name, count in (("dog", 1), ("cat", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = np.full((2, 2, 3), 10 * len(name) + number, np.uint8)
            PIL.Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    x, y = read_examples(behaviour, tmp_path)
    assert y.tolist() == [0, 2, 0, 0] and x.shape == (4, 2, 2, 1) and x[2:, 0, 0, 0].tolist() == [31, 32]
    (tmp_path / "fox").mkdir()
    with pytest.raises(InputError, match="'fox' is no class; name folders by the classes cat, cow, dog"):
        read_examples(behaviour, tmp_path)


def _empty(folder):
    for path in folder.glob("*.npz"):
        path.unlink()


@pytest.mark.parametrize(("damage", "said"), [
    (_empty, ("holds no data sets", "one .npz with x and y")),
    (lambda folder: write(folder / "z.npz", shape=(5, 4)), ("z.npz", "5×4", "4×4")),
    (lambda folder: write(folder / "z.npz", classes=4), ("z.npz", "0, 1, 2, 3", "same classes")),
    (lambda folder: write(folder / "z.npz", count=5), ("z.npz", "5 images", "at least 6")),
    (lambda folder: np.savez(folder / "z.npz", images=np.zeros(3)), ("z.npz", "no array x", "images")),
    (lambda folder: (folder / "z.npz").write_bytes(b"no zip"), ("z.npz", "not an .npz")),
    (lambda folder: (folder / "z" / "one").mkdir(parents=True), ("z", "1 folders of images", "at least two")),
    (lambda folder: [(folder / "z" / name).mkdir(parents=True) for name in "ab"], ("a has no images",)),
])  # fmt: skip
def test_sets_that_cannot_be_are_named_in_one_line(folder, damage, said):
    damage(folder)
    with pytest.raises(InputError) as error:
        load(config(folder))
    assert "\n" not in str(error.value) and all(part in str(error.value) for part in said)


def test_a_picture_that_cannot_be_read_is_named(tmp_path):
    for name in "ab":
        (tmp_path / "z" / name).mkdir(parents=True)
        (tmp_path / "z" / name / "1.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="1.png cannot be read as an image"):
        load(config(tmp_path))


def test_a_folder_without_the_flag_says_which_to_give(folder):
    with pytest.raises(InputError, match="--zoo.tasks sets"):
        load(ImageZooConfig(dataset=str(folder)))
    with pytest.raises(InputError, match="no such folder"):
        load(config(folder / "nowhere"))
