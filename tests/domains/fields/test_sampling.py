"""Shapes from all three sources: what the arrays hold, what stays the same, and what is refused."""

import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import trimesh

from netspace_jax.domains.fields import chairs, sample_cache
from netspace_jax.domains.fields import sampling as shapes
from netspace_jax.errors import InputError

POINTS = 1000


@pytest.fixture(scope="module")
def procedural():
    return shapes.load_shapes("chairs", 3, 0, POINTS)[1]


def boxes(folder, count):
    """A folder of boxes, each another size."""
    pytest.importorskip("igl", reason="meshes need libigl, of the extra 'shapes'")
    folder.mkdir(exist_ok=True)
    for i in range(count):
        trimesh.creation.box((1, 1 + i / 4, 2)).export(folder / f"box{i:02d}.ply")
    return folder


def deepsdf_files(folder, count, rows=4000):
    """Balls of radius 0.3 to 0.6 as DeepSDF's files."""
    folder.mkdir(exist_ok=True)
    for i in range(count):
        points = np.random.default_rng(i).uniform(-1, 1, (rows, 3))
        table = np.column_stack([points, np.linalg.norm(points, axis=1) - radius(i)]).astype(np.float32)
        np.savez(folder / f"ball{i:02d}.npz", pos=table[table[:, 3] >= 0], neg=table[table[:, 3] < 0])
    return folder


def radius(i):
    return 0.5 + i / 50


def check(found, n):
    assert found.positive.shape == found.negative.shape == (n, POINTS // 2, 4)
    assert found.held_out.shape == (n, shapes.HELD_OUT, 4) and found.uniform.shape == (n, shapes.UNIFORM, 4)
    assert found.surface.shape == (n, shapes.SURFACE, 3)
    assert found.positive[..., 3].min() >= 0 and found.negative[..., 3].max() < 0
    for rows in found:
        assert rows.dtype == np.float32 and np.abs(rows[..., :3]).max() <= 1


@pytest.mark.long
def test_rows_of_chairs_hold_the_distance_of_their_own_point(procedural):
    check(procedural, 3)
    parameters = shapes.chair_parameters(3, 0)
    assert parameters.shape == (3, len(chairs.PARAMETERS))
    distance = jax.jit(chairs.signed_distance)
    for i, row in enumerate(jnp.asarray(parameters)):
        for rows in (procedural.positive, procedural.negative, procedural.held_out, procedural.uniform):
            x = jnp.asarray(np.resize(rows[i, :, :3], (shapes.UNIFORM, 3)))  # one size, which compiles once
            np.testing.assert_allclose(distance(row, x)[: len(rows[i])], rows[i, :, 3], atol=1e-6)
        x = jnp.asarray(np.resize(procedural.surface[i], (shapes.UNIFORM, 3)))
        np.testing.assert_allclose(distance(row, x), 0, atol=1e-6)


def test_points_lie_where_they_should(procedural):
    inside = procedural.uniform[..., :3]
    counts = np.histogramdd(inside.reshape(-1, 3), bins=2, range=[(-1, 1)] * 3)[0]
    assert np.abs(counts / counts.sum() - 1 / 8).max() < 0.01
    near = np.abs(procedural.held_out[..., 3]) < 0.1
    assert 0.5 < near.mean() < 0.75  # the near half, and what of the cube is near anyway
    halves = near.reshape(len(near), 2, -1).mean(-1)
    assert np.abs(halves[:, 0] - halves[:, 1]).max() < 0.05  # shuffled
    assert np.abs(procedural.positive[..., 3]).mean() > 2 * np.abs(procedural.negative[..., 3]).mean()


def test_training_never_sees_a_held_out_point(procedural):
    for i in range(3):
        trained = {tuple(row) for rows in (procedural.positive, procedural.negative) for row in rows[i].tolist()}
        for rows in (procedural.held_out, procedural.uniform):
            assert not trained & {tuple(row) for row in rows[i].tolist()}


def test_more_chairs_keep_the_first_and_another_seed_changes_them(procedural):
    names, fewer = shapes.load_shapes("chairs", 2, 0, POINTS)
    _, other = shapes.load_shapes("chairs", 2, 1, POINTS)
    assert names == ("chair-00000", "chair-00001")
    for few, many, changed in zip(fewer, procedural, other, strict=True):
        np.testing.assert_array_equal(few, many[:2])
        assert not np.array_equal(few, changed)


def test_samples_of_a_version_stay_the_same(procedural):
    """Samples that lie in caches are taken for those made now: with other samples `VERSION` has to be raised."""
    means = [rows.mean((0, 1))[-1] for rows in procedural]
    expected = {1: [0.325918, -0.017102, 0.203727, 0.400264, -0.043838]}[shapes.VERSION]
    np.testing.assert_allclose(means, expected, atol=1e-5)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and the solids that were sampled because it lacked them."""
    sampled, sample = [], shapes.sample_solid
    monkeypatch.setenv(sample_cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(shapes, "sample_solid", lambda name, *rest: sampled.append(name) or sample(name, *rest))
    return tmp_path / "cache", sampled


def test_shapes_are_sampled_once(cache, procedural, monkeypatch):
    folder, sampled = cache
    for count, new in ((2, 2), (3, 1), (3, 0)):
        sampled.clear()
        _, found = shapes.load_shapes("chairs", count, 0, POINTS)
        assert len(sampled) == new
        for rows, fresh in zip(found, procedural, strict=True):
            np.testing.assert_array_equal(rows, fresh[:count])
    assert len([*folder.iterdir()]) == 3
    for arguments in ((3, 1, POINTS), (3, 0, POINTS + 2)):  # another seed, other settings
        sampled.clear()
        shapes.load_shapes("chairs", *arguments)
        assert len(sampled) == 3
    sampled.clear()
    monkeypatch.setenv(sample_cache.VARIABLE, "off")
    shapes.load_shapes("chairs", 1, 0, POINTS)
    assert len(sampled) == 1 and len([*folder.iterdir()]) == 9


def test_a_mesh_that_changed_is_sampled_again(cache, tmp_path):
    folder, (_, sampled) = boxes(tmp_path / "boxes", 8), cache
    shapes.load_shapes(str(folder), 8, 0, POINTS)
    trimesh.creation.box((3, 1, 2)).export(folder / "box02.ply")
    sampled.clear()
    _, found = shapes.load_shapes(str(folder), 8, 0, POINTS)
    assert sampled == ["box02.ply"]
    assert np.ptp(found.surface[2], axis=0).argmax() == 0


@pytest.mark.parametrize("damage", [lambda file: file[:-500], lambda file: file[:9000] + b"damage" + file[9006:]])
def test_damaged_samples_are_made_again(cache, procedural, caplog, damage):
    folder, sampled = cache
    shapes.load_shapes("chairs", 1, 0, POINTS)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING):
        _, found = shapes.load_shapes("chairs", 1, 0, POINTS)
    assert len(sampled) == 2 and file.read_bytes() == whole and f"{file} cannot be read" in caplog.text
    for rows, fresh in zip(found, procedural, strict=True):
        np.testing.assert_array_equal(rows, fresh[:1])


def test_two_processes_write_the_same_samples(cache, procedural, monkeypatch):
    folder, _ = cache
    monkeypatch.setattr(os, "getpid", threading.get_ident)
    with ThreadPoolExecutor(2) as pool:
        both = [*pool.map(lambda _: shapes.load_shapes("chairs", 2, 0, POINTS)[1], range(2))]
    for found in both:
        np.testing.assert_array_equal(found.positive, procedural.positive[:2])
    assert len([*folder.iterdir()]) == 2


def test_samples_that_cannot_be_kept_are_used_all_the_same(cache, caplog):
    folder, _ = cache
    folder.write_text("no folder")
    with caplog.at_level(logging.WARNING):
        assert len(shapes.load_shapes("chairs", 2, 0, POINTS)[0]) == 2
    assert caplog.text.count("cannot be kept") == 1


def test_a_folder_of_meshes(tmp_path):
    names, found = shapes.load_shapes(str(boxes(tmp_path / "boxes", 9)), 8, 0, POINTS)
    check(found, 8)
    assert names == tuple(f"box{i:02d}.ply" for i in range(8))
    for i in range(8):
        half = np.array([1, 1 + i / 4, 2]) / 2
        half *= 0.9 / np.linalg.norm(half)
        for rows in (found.positive[i], found.negative[i], found.held_out[i], found.uniform[i]):
            q = np.abs(rows[:, :3]) - half
            expected = np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(1), 0)
            np.testing.assert_allclose(rows[:, 3], expected, atol=1e-5)


def test_unusable_meshes_are_left_out_and_too_few_are_refused(tmp_path, caplog):
    folder = boxes(tmp_path / "boxes", 8)
    (folder / "a.obj").write_text("nothing")
    (folder / "b.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3\nf 1 3 4\n")
    with caplog.at_level(logging.WARNING):
        names, _ = shapes.load_shapes(str(folder), 10, 0, POINTS)
    assert len(names) == 8
    assert "a.obj left out" in caplog.text and "b.obj left out: it has hardly any volume" in caplog.text
    assert "8 shapes can be used, 10 were asked for" in caplog.text
    (folder / "box00.ply").unlink()
    with pytest.raises(InputError, match="7 of its 9 files can be used.* at least 8 are needed"):
        shapes.load_shapes(str(folder), 10, 0, POINTS)


def test_a_thin_shell_still_yields_points_inside(tmp_path):
    """Walls thinner than the noise around the surface, so that the first draw holds too few."""
    pytest.importorskip("igl", reason="meshes need libigl, of the extra 'shapes'")
    outer, inner = trimesh.creation.box((1.0, 1.0, 1.0)), trimesh.creation.box((0.98, 0.98, 0.98))
    inner.invert()
    for i in range(8):
        trimesh.util.concatenate([outer, inner]).export(tmp_path / f"shell{i}.stl")
    _, found = shapes.load_shapes(str(tmp_path), 8, 0, POINTS)
    check(found, 8)
    wall = 0.01 * 0.9 / np.sqrt(0.75)
    assert np.abs(found.negative[..., 3]).max() < 0.64 * wall  # √3/(1 + √3) of it in a corner, half elsewhere


def test_deepsdf_files(tmp_path):
    (tmp_path / "sub").mkdir()
    folder = deepsdf_files(tmp_path / "sub" / "class", 8)
    names, found = shapes.load_shapes(str(tmp_path), 8, 0, POINTS)
    check(found, 8)
    assert names[0] == "sub/class/ball00.npz"
    for i in range(8):
        with np.load(folder / f"ball{i:02d}.npz") as archive:
            file = {tuple(row) for key in ("pos", "neg") for row in archive[key].tolist()}
        parts = [found.positive[i], found.negative[i], found.held_out[i], found.uniform[i]]
        sets = [{tuple(row) for row in rows.tolist()} for rows in parts]
        assert all(rows <= file for rows in sets)
        assert not (sets[0] | sets[1]) & (sets[2] | sets[3]) and not sets[2] & sets[3]
        assert (parts[2][:, 3] < 0).mean() == (parts[3][:, 3] < 0).mean() == 0.5
        np.testing.assert_allclose(np.linalg.norm(found.surface[i], axis=1), radius(i), atol=0.05)


def test_a_broken_deepsdf_file_is_named_and_left_out(tmp_path, caplog):
    folder = deepsdf_files(tmp_path / "class", 8)
    np.savez(folder / "ball03.npz", points=np.zeros(3))
    with pytest.raises(InputError, match="7 of its 8 files can be used"):
        shapes.load_shapes(str(folder), 8, 0, POINTS)
    assert "ball03.npz: no array 'pos'" in caplog.text


def test_folders_that_are_no_use(tmp_path):
    with pytest.raises(InputError, match="chair: no such folder; give 'chairs', or a folder"):
        shapes.load_shapes("chair", 8, 0, POINTS)
    with pytest.raises(InputError, match="neither a mesh nor a .npz"):
        shapes.load_shapes(str(tmp_path), 8, 0, POINTS)
    (tmp_path / "a.obj").touch()
    (tmp_path / "a.npz").touch()
    with pytest.raises(InputError, match="both meshes and .npz"):
        shapes.load_shapes(str(tmp_path), 8, 0, POINTS)
