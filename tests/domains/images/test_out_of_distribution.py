"""Strangers in a space: their figures are those of the networks, and what is broken is named."""

import numpy as np
import pytest
import safetensors.numpy

from netspace_jax.domains.images.out_of_distribution import ForeignOptions, out_of_distribution
from netspace_jax.errors import InputError
from netspace_jax.exchange import torch_names
from tests import tiny


def save(path, flat):
    architecture = tiny.perceptron()
    parts = np.split(np.asarray(flat), architecture.spec.offsets[1:])
    tensors = {
        name: part.reshape(leaf.torch_shape)
        for name, part, leaf in zip(torch_names(architecture), parts, architecture.spec.leaves, strict=True)
    }
    safetensors.numpy.save_file(tensors, path)


@pytest.fixture
def folder(tmp_path):
    """Two test members of the run's zoo, a network far from all, one at chance, and one that does not fit."""
    flats = np.asarray(tiny.flats(6, seed=1))
    for name, flat in (("a", flats[0]), ("b", flats[1]), ("far", 40 * flats[2]), ("nothing", 0 * flats[0])):
        save(tmp_path / f"{name}.safetensors", flat)
    (tmp_path / "half.safetensors").write_bytes(b"half")
    return tmp_path


@pytest.mark.long
def test_a_space_that_gives_networks_back_agrees_with_strangers(folder):
    run = tiny.trained()
    section = out_of_distribution(run, ForeignOptions(str(folder)))
    assert section.metrics["strangers/networks"] == 4 and section.metrics["strangers/left_out"] == 1
    assert section.metrics["strangers/agreement"] == section.metrics["strangers/refined_agreement"] == 1
    assert section.metrics["strangers/gap"] == section.metrics["strangers/refined_gap"] == 0
    rows = {row[0]: row for row in section.table[1:]}
    assert list(rows)[-1] == "half.safetensors" and "not a readable" in rows["half.safetensors"][-1]
    assert rows["far.safetensors"][-1].endswith("farther out than any training network")
    assert "at chance" in rows["nothing.safetensors"][-1]
    assert section.metrics["strangers/broken"] >= 2
    distances = [float(row[2]) for row in section.table[1:5]]
    assert distances == sorted(distances)
    networks = run.networks(0, "test")
    assert float(rows["a.safetensors"][1]) == pytest.approx(networks.members[0].score_test, abs=1e-3)
    assert len(section.figure.axes) == 2 and all(ax.get_xlabel() and ax.get_ylabel() for ax in section.figure.axes)


@pytest.mark.long
def test_the_nearest_member_of_a_training_member_is_itself(tmp_path):
    run = tiny.trained()
    save(tmp_path / "a.safetensors", run.networks(0, "train").parameters[5])
    section = out_of_distribution(run, ForeignOptions(str(tmp_path)))
    assert section.table[1][3].startswith("member 5 (")


@pytest.mark.parametrize(("folder", "said"), [("", "--folder"), ("nowhere", "not a folder")])
def test_no_folder_is_refused(folder, said):
    with pytest.raises(InputError, match=said):
        out_of_distribution(tiny.trained(), ForeignOptions(folder))


def test_a_folder_in_which_nothing_fits_is_refused_with_reasons(tmp_path):
    (tmp_path / "half.safetensors").write_bytes(b"half")
    with pytest.raises(InputError, match="none of 1 networks.*half.safetensors: is not a readable"):
        out_of_distribution(tiny.trained(), ForeignOptions(str(tmp_path)))
