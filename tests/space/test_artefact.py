"""A space in a folder: the same when it comes back, and one error for whatever is wrong with it."""

import json
import os
import pathlib
import subprocess
import sys

import chex
import jax
import numpy as np
import pytest

import netspace_jax
from netspace_jax import architectures
from netspace_jax.architectures import registry
from netspace_jax.errors import InputError
from netspace_jax.fit import as_group
from netspace_jax.space import artefact, load
from netspace_jax.space.build import initial_params, make_constants, make_netspace
from netspace_jax.space.loop import as_space
from tests import tiny

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def saved(space, tmp_path):
    space.save(tmp_path / "saved")
    return tmp_path / "saved"


def arrays_of(folder):
    return sorted(path.name for path in folder.glob("arrays-*"))


@pytest.mark.long
def test_a_folder_that_was_moved_holds_the_same_space(space, saved, members, tmp_path):
    saved.rename(tmp_path / "elsewhere")
    found = load(tmp_path / "elsewhere")
    chex.assert_trees_all_equal(found, space)
    assert jax.tree.structure(found) == jax.tree.structure(space) and repr(found) == repr(space)
    z = space.encode(members, "perceptron4")
    np.testing.assert_array_equal(found.encode(members, "perceptron4"), z)
    for ours, theirs in zip(found.decode(z), space.decode(z), strict=True):
        assert ours.architecture == theirs.architecture
        np.testing.assert_array_equal(ours.flat, theirs.flat)
    chex.assert_trees_all_equal(netspace_jax.load(tmp_path / "elsewhere"), space)


def test_an_architecture_that_is_not_registered_is_asked_for_by_name(saved, monkeypatch):
    monkeypatch.delitem(registry._BUILDERS, "perceptron4")
    with pytest.raises(InputError, match="needs the architecture 'perceptron4'.*register"):
        load(saved)


def test_another_architecture_of_the_same_name_is_refused(saved, monkeypatch):
    monkeypatch.setitem(registry._BUILDERS, "perceptron4", registry._BUILDERS["perceptron5"])
    with pytest.raises(
        InputError, match="'perceptron4' that is registered here is not the one.*109 parameters here, 88 there"
    ):
        load(saved)


@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "missing"])
def test_arrays_that_are_damaged(saved, damage):
    (path,) = saved.glob("arrays-*")
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"bit": content, "cut": content[:-100], "empty": b""}[damage])
    with pytest.raises(InputError, match="damaged" if damage != "missing" else "no readable space") as error:
        load(saved)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [{"format": 99}, {}, [], "space", None])
def test_another_format(saved, content):
    (saved / "space.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"reads format {artefact.FORMAT}"):
        load(saved)


def test_one_changed_value_is_found(saved):
    text = (saved / "space.json").read_text()
    (saved / "space.json").write_text(text.replace('"corrections": 0', '"corrections": 1'))
    with pytest.raises(InputError, match=r"space.json is damaged"):
        load(saved)


def test_files_that_are_missing_or_cut(saved):
    description = (saved / "space.json").read_text()
    (saved / "space.json").write_text(description[: len(description) // 2])
    with pytest.raises(InputError, match="JSON"):
        load(saved)
    (saved / "space.json").unlink()
    with pytest.raises(InputError, match="space.json is missing"):
        load(saved)


@pytest.mark.parametrize("part", ["task", "architectures", "prep", "encoder", "decoder", "head", "arrays"])
@pytest.mark.parametrize("wrong", ["missing", "nothing", "another"])
def test_descriptions_that_lack_a_part(saved, part, wrong):
    description = json.loads((saved / "space.json").read_text())
    del description["sha256"]  # as an earlier version wrote it
    if wrong == "missing":
        del description[part]
    else:
        description[part] = (
            None
            if wrong == "nothing"
            else [{"name": "unheard of"}]
            if part == "architectures"
            else {"name": "unheard of"}
        )
    (saved / "space.json").write_text(json.dumps(description))
    with pytest.raises(InputError):
        load(saved)


def test_a_second_save_leaves_no_stale_arrays(space, saved):
    before = arrays_of(saved)
    space.save(saved)
    assert arrays_of(saved) == before and len(before) == 1
    other = space.replace(params=jax.tree.map(lambda leaf: 2 * leaf, space.params))
    other.save(saved)
    assert len(arrays_of(saved)) == 1 and arrays_of(saved) != before
    assert {path.name for path in saved.iterdir()} == {"space.json", *arrays_of(saved)}
    chex.assert_trees_all_equal(load(saved), other)


def test_a_save_that_is_cut_off_leaves_the_one_before(space, saved, monkeypatch):
    def full(path, text):
        raise OSError("no space left")

    monkeypatch.setattr(artefact, "write_text", full)
    with pytest.raises(OSError, match="no space left"):
        space.replace(params=jax.tree.map(lambda leaf: 2 * leaf, space.params)).save(saved)
    chex.assert_trees_all_equal(load(saved), space)


SCRIPT = """
import sys
import numpy as np
import netspace_jax
space = netspace_jax.load(sys.argv[1])
network = space.decode(space.encode(np.load(sys.argv[2])))
np.save(sys.argv[3], network.flat)
"""


def test_a_fresh_process_elsewhere_needs_neither_zoo_nor_data(tmp_path):
    """Of an architecture that comes with the package."""
    data, config = tiny.dataset(), tiny.netspace_config(prep=(60, 60))
    built = (architectures.build("vanilla_cnn", tiny.SHAPE, tiny.CLASSES),)
    flats = 0.1 * np.random.default_rng(0).standard_normal((4, built[0].size)).astype(np.float32)
    netspace = make_netspace(config, built, data.behaviour, make_constants(config, built, data, (flats,)))
    netspace = netspace.replace(params=jax.jit(initial_params)(netspace, jax.random.key(0)))
    space = as_space(netspace, {0: as_group(tiny.members_of(flats, "vanilla_cnn", "train"))}, data)
    space.save(tmp_path / "saved")
    np.save(tmp_path / "network.npy", flats[0])
    (tmp_path / "work").mkdir()
    command = [sys.executable, "-c", SCRIPT, *(str(tmp_path / name) for name in ("saved", "network.npy", "out.npy"))]
    done = subprocess.run(
        command,
        cwd=tmp_path / "work",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(
        np.load(tmp_path / "out.npy"), space.decode(space.encode(flats[0])).flat, rtol=1e-5, atol=1e-6
    )
