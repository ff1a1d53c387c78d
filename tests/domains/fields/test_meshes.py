"""Meshes as solids: reading, fitting, and inside and outside where they are not watertight."""

import logging
from pathlib import Path

import numpy as np
import pytest

from netspace_jax.domains.fields import meshes
from netspace_jax.domains.fields.geometry import Mesh

trimesh = pytest.importorskip("trimesh", reason="meshes need trimesh, of the extra 'shapes'")
pytest.importorskip("igl", reason="meshes need libigl, of the extra 'shapes'")

DATA = Path(__file__).parents[3] / "../shared/data"


def box(size=(1.0, 2.0, 3.0), centre=(0, 0, 0)):
    solid = trimesh.creation.box(size)
    solid.apply_translation(centre)
    return Mesh(np.asarray(solid.vertices, np.float32), np.asarray(solid.faces, np.int32))


def box_distance(points, half):
    q = np.abs(points) - half
    return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(1), 0)


def write(path, mesh):
    trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).export(path)


@pytest.mark.parametrize("suffix", meshes.SUFFIXES)
def test_every_format_is_read_and_made_to_fit(tmp_path, suffix):
    write(tmp_path / f"box{suffix}", box(centre=(5, -3, 2)))
    mesh = meshes.load_mesh(tmp_path / f"box{suffix}")
    half = np.array([0.5, 1, 1.5]) * meshes.RADIUS / np.linalg.norm([0.5, 1, 1.5])
    np.testing.assert_allclose(mesh.vertices.max(0), half, atol=1e-5)
    np.testing.assert_allclose(mesh.vertices.min(0), -half, atol=1e-5)


def test_the_objects_of_a_scene_are_joined(tmp_path):
    scene = trimesh.Scene([trimesh.creation.box((1, 1, 1)),
                           trimesh.creation.box((1, 1, 1), trimesh.transformations.translation_matrix([3, 0, 0]))])
    scene.export(tmp_path / "two.glb")
    mesh = meshes.load_mesh(tmp_path / "two.glb")
    assert len(mesh.faces) == 24
    assert np.ptp(mesh.vertices[:, 0]) / np.ptp(mesh.vertices[:, 1]) == pytest.approx(4)


@pytest.mark.parametrize("change", ["whole", "inside out", "a missing triangle"])
def test_distance_to_a_box(change):
    mesh = box((0.6, 0.8, 1.0))
    faces = {"whole": mesh.faces, "inside out": mesh.faces[:, ::-1], "a missing triangle": mesh.faces[1:]}[change]
    points = np.random.default_rng(0).uniform(-0.9, 0.9, (4000, 3)).astype(np.float32)
    expected = box_distance(points, np.array([0.3, 0.4, 0.5]))
    found = meshes.signed_distance(Mesh(mesh.vertices, np.ascontiguousarray(faces)), points)
    if change == "a missing triangle":  # the rest still encloses most points, and distances can only grow
        assert np.mean(np.sign(found) == np.sign(expected)) > 0.98
        assert np.all(np.abs(found) >= np.abs(expected) - 1e-5)
    else:
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_distances_hold_where_boxes_overlap_and_one_lies_within():
    """Signs are those of the union; the distance is to the nearest triangle, inner ones too."""
    parts = [box((1, 1, 1)), box((1, 1, 1), (0.5, 0, 0)), box((0.2, 0.2, 0.2), (-0.2, 0, 0))]
    offsets = np.cumsum([0] + [len(part.vertices) for part in parts])
    mesh = Mesh(np.concatenate([part.vertices for part in parts]),
                np.concatenate([part.faces + np.int32(start) for part, start in zip(parts, offsets, strict=False)]))
    points = np.float32([[0.25, 0, 0], [-0.2, 0, 0], [0.9, 0, 0], [1.2, 0, 0], [-0.9, 0, 0]])
    np.testing.assert_allclose(meshes.signed_distance(mesh, points), [-0.25, -0.1, -0.1, 0.2, 0.4], atol=1e-5)


@pytest.mark.parametrize(("mesh", "reason"), [
    (Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)), "no triangles"),
    (Mesh(np.float32([[0, 0, 0], [1, 0, np.nan], [0, 1, 0]]), np.int32([[0, 1, 2]])), "1 of its vertices are not"),
    (Mesh(np.ones((3, 3), np.float32), np.int32([[0, 1, 2]])), "one point"),
    (Mesh(np.float32([[0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.int32([[0, 1, 2]])), "no area"),
    (Mesh(np.float32([[0, 0, 0], [1, 0, 0]]), np.int32([[0, 1, 2]])), "names vertex 2 of 2"),
])
def test_unusable_meshes_say_why(mesh, reason):
    with pytest.raises(meshes.UnusableMesh, match=reason):
        meshes.normalise(mesh)


def test_vertices_without_triangles_do_not_count():
    mesh = box()
    stray = Mesh(np.concatenate([mesh.vertices, np.float32([[np.nan, 9, 9]])]), mesh.faces)
    np.testing.assert_array_equal(meshes.normalise(stray).vertices, meshes.normalise(mesh).vertices)


@pytest.mark.parametrize(("name", "content"), [
    ("a.obj", b""), ("a.obj", b"v 1 2\nf 1 2 3\n"), ("a.ply", b"no header"), ("a.stl", b"\x00" * 90),
    ("a.off", b"OFF\n8 6"), ("a.glb", b"glTF broken"), ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"), ("a.ply", b"")])
def test_files_that_cannot_be_read_are_left_out_by_name(tmp_path, caplog, name, content):
    (tmp_path / name).write_bytes(content)
    write(tmp_path / "good.ply", box())
    with caplog.at_level(logging.WARNING):
        usable = list(meshes.usable_meshes(tmp_path, [tmp_path / name, tmp_path / "good.ply"]))
    assert [label for label, _ in usable] == ["good.ply"]
    ours = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert len(ours) == 1 and ours[0].startswith(f"mesh {name} left out: ") and "\n" not in ours[0]


@pytest.mark.skipif(not (DATA / "ikea_occ64.npz").exists(), reason=f"no real chairs: {DATA} is absent")
def test_real_chairs_agree_with_their_solid_grids():
    """The grids were made independently, with walls of at least a voxel, so they contain what is inside here."""
    grids, pack = np.load(DATA / "ikea_occ64.npz"), np.load(DATA / "ikea_furniture.npz")
    side = int(grids["res"])
    vertex, face = np.cumsum(pack["n_verts"]), np.cumsum(pack["n_faces"])
    chairs = [i for i, category in enumerate(pack["category"]) if category == "Chair"][::4]
    assert len(chairs) == 11
    agreement, contained, covered = [], [], []
    for i in chairs:
        solid = np.unpackbits(grids["bits"][i])[:side ** 3].reshape((side,) * 3).astype(bool)
        index = np.concatenate([np.random.default_rng(i).integers(0, side, (10_000, 3)), np.argwhere(solid)[::10]])
        points = -1.05 + 2.1 * (index + 0.5) / side
        mesh = Mesh(pack["verts"][vertex[i] - pack["n_verts"][i]:vertex[i]].astype(np.float32),
                    pack["faces"][face[i] - pack["n_faces"][i]:face[i]].astype(np.int32))
        distance, occupied = meshes.signed_distance(mesh, points), solid[tuple(index.T)]
        agreement.append(np.mean((distance < 0)[:10_000] == occupied[:10_000]))
        contained.append(occupied[distance < 0].mean())
        covered.append(np.mean(distance[occupied] < 2.1 / side))
    assert min(agreement) > 0.96 and np.mean(agreement) > 0.98
    assert min(contained) > 0.95 and np.mean(contained) > 0.99
    assert np.mean(covered) > 0.99
