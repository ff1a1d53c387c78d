"""Other tasks, and how far networks come on them."""

import importlib

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.domains.images.transfer import TransferOptions, other_images, renamed, transfer, turned
from netspace_jax.errors import InputError
from tests import tiny

module = importlib.import_module("netspace_jax.domains.images.transfer")


@pytest.fixture(scope="module")
def trained():
    return tiny.trained()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_other_tasks_by_hand(trained, split):
    """Images a quarter turned with the labels that they had, and the same images under the next class's name."""
    images, other, named = (
        getattr(data, split) for data in (trained.dataset, turned(trained.dataset), renamed(trained.dataset))
    )
    np.testing.assert_array_equal(other.x, [np.rot90(image) for image in np.asarray(images.x)])
    np.testing.assert_array_equal(other.y, images.y)
    np.testing.assert_array_equal(named.x, images.x)
    np.testing.assert_array_equal(named.y, [[1, 2, 3, 0][label] for label in images.y])


def test_figures_before_and_after(trained, monkeypatch):
    monkeypatch.setattr(module, "NETWORKS", 4)
    section = transfer(trained, TransferOptions(epochs=(0, 200)))
    labels = ("generated", "member", "random")
    tasks = {"turned": turned(trained.dataset), "renamed": renamed(trained.dataset)}
    assert section.name == "transfer"
    wanted = {f"transfer/{name}_{label}_{epochs}" for name in tasks for label in labels for epochs in (0, 200)}
    assert section.metrics.keys() == wanted
    members = trained.networks(0, "test")
    best = sorted(range(6), key=lambda row: -members.members[row].score_validation)[:4]
    for name, data in tasks.items():
        images = data.examples("test")
        logits = np.array(
            [tiny.perceptron().apply(jnp.asarray(members.parameters[row]), images.inputs) for row in best]
        )
        before = (logits.argmax(2) == np.asarray(images.targets)).mean()
        for label in ("generated", "member"):
            np.testing.assert_allclose(section.metrics[f"transfer/{name}_{label}_0"], before, atol=1e-6)
    for label in labels:
        before, after = (
            np.mean([section.metrics[f"transfer/{name}_{label}_{epochs}"] for name in tasks]) for epochs in (0, 200)
        )
        assert after > before


@pytest.mark.parametrize("epochs", [(), (0, -1)])
def test_epochs_that_cannot_be_are_refused(trained, epochs):
    with pytest.raises(InputError, match="--epochs"):
        transfer(trained, TransferOptions(epochs=epochs))


def test_other_images_are_brought_to_the_networks_size(trained, tmp_path):
    y = np.arange(24) % 4
    x = np.repeat(np.repeat(np.arange(24, dtype=np.uint8)[:, None, None] * 10, 9, 1), 9, 2)
    np.savez(tmp_path / "grey.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    other = other_images(trained.dataset, str(tmp_path / "grey.npz"))
    assert other.test.x.shape == (24, *trained.dataset.behaviour.input_shape)
    np.testing.assert_array_equal(other.test.x[:, 0, 0, 0], np.arange(24) * 10)
    np.savez(tmp_path / "two.npz", x_train=x, y_train=y % 2, x_test=x, y_test=y % 2)
    with pytest.raises(InputError, match="two.npz has 2 classes and 1 channels; .* 4 and 1"):
        other_images(trained.dataset, str(tmp_path / "two.npz"))


def test_other_images_are_one_more_task(trained, tmp_path):
    y = np.arange(24) % 4
    x = np.repeat(np.repeat(np.arange(24, dtype=np.uint8)[:, None, None] * 10, 4, 1), 4, 2)
    np.savez(tmp_path / "grey.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    section = transfer(trained, TransferOptions(str(tmp_path / "grey.npz"), (0,)))
    found = {row[0] for row in section.table[1:]}
    assert found == {"turned", "renamed", "other_grey"} and f"or on {tmp_path / 'grey.npz'}" in section.text
    members, other = (
        trained.networks(0, "test"),
        other_images(trained.dataset, str(tmp_path / "grey.npz")).examples("test"),
    )
    logits = np.array([tiny.perceptron().apply(jnp.asarray(flat), other.inputs) for flat in members.parameters])
    accuracy = (logits.argmax(2) == np.asarray(other.targets)).mean()
    np.testing.assert_allclose(section.metrics["transfer/other_grey_member_0"], accuracy, atol=1e-6)
