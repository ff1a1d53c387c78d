"""Meshes as solids: reading, fitting, and inside and outside where they are not watertight."""

import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from netspace_jax.domains.fields import meshes
from netspace_jax.errors import InputError

pytest.importorskip("igl", reason="meshes need libigl, of the extra 'shapes'")

DATA = Path(__file__).parents[3] / "../shared/data"


def as_given(vertices, faces):
    return trimesh.Trimesh(vertices, faces, process=False)


def box(size=(1.0, 2.0, 3.0), centre=(0, 0, 0)):
    return trimesh.creation.box(size, trimesh.transformations.translation_matrix(centre))


def box_distance(points, half):
    q = np.abs(points) - half
    return np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(1), 0)


@pytest.mark.parametrize("suffix", meshes.SUFFIXES)
def test_every_format_is_read_and_made_to_fit(tmp_path, suffix):
    box(centre=(5, -3, 2)).export(tmp_path / f"box{suffix}")
    mesh = meshes.load_mesh(tmp_path / f"box{suffix}")
    half = np.array([0.5, 1, 1.5]) * meshes.RADIUS / np.linalg.norm([0.5, 1, 1.5])
    np.testing.assert_allclose(mesh.vertices.max(0), half, atol=1e-5)
    np.testing.assert_allclose(mesh.vertices.min(0), -half, atol=1e-5)


def test_the_objects_of_a_scene_are_joined(tmp_path):
    scene = trimesh.Scene(
        [
            trimesh.creation.box((1, 1, 1)),
            trimesh.creation.box((1, 1, 1), trimesh.transformations.translation_matrix([3, 0, 0])),
        ]
    )
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
    found = meshes.signed_distance(as_given(mesh.vertices, faces), points)
    if change == "a missing triangle":  # the rest still encloses most points, and distances can only grow
        assert np.mean(np.sign(found) == np.sign(expected)) > 0.98
        assert np.all(np.abs(found) >= np.abs(expected) - 1e-5)
    else:
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_distances_hold_where_boxes_overlap_and_one_lies_within():
    """Signs are those of the union; the distance is to the nearest triangle, inner ones too."""
    parts = [box((1, 1, 1)), box((1, 1, 1), (0.5, 0, 0)), box((0.2, 0.2, 0.2), (-0.2, 0, 0))]
    mesh = trimesh.util.concatenate(parts)
    points = np.float32([[0.25, 0, 0], [-0.2, 0, 0], [0.9, 0, 0], [1.2, 0, 0], [-0.9, 0, 0]])
    np.testing.assert_allclose(meshes.signed_distance(mesh, points), [-0.25, -0.1, -0.1, 0.2, 0.4], atol=1e-5)


@pytest.mark.parametrize(
    ("mesh", "reason"),
    [
        (as_given(np.zeros((0, 3)), np.zeros((0, 3), int)), "no triangles"),
        (as_given(np.eye(3), np.zeros((0, 3), int)), "no triangles"),
        (as_given([[0, 0, 0], [1, 0, np.nan], [0, 1, 0]], [[0, 1, 2]]), "1 of its vertices are not"),
        (as_given(np.ones((3, 3)), [[0, 1, 2]]), "one point"),
        (as_given([[0, 0, 0], [1, 0, 0], [2, 0, 0]], [[0, 1, 2]]), "no area"),
        (as_given([[0, 0, 0], [1, 0, 0]], [[0, 1, 2]]), "names vertex 2 of 2"),
        (as_given(np.eye(3), [[0, 1, -2]]), "names vertex -2 of 3"),
        (as_given(np.eye(3)[:, :2], [[0, 1, 2]]), "have 2 coordinates"),
    ],
)
def test_unusable_meshes_say_why(mesh, reason):
    with pytest.raises(meshes.UnusableMesh, match=reason):
        meshes.normalise(mesh)


def test_vertices_without_triangles_do_not_count():
    mesh = box()
    stray = as_given(np.concatenate([mesh.vertices, [[np.nan, 9, 9]]]), mesh.faces)
    np.testing.assert_array_equal(meshes.normalise(stray).vertices, meshes.normalise(mesh).vertices)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.obj", b""),
        ("a.obj", b"v 1 2\nf 1 2 3\n"),
        ("a.ply", b"no header"),
        ("a.stl", b"\x00" * 90),
        ("a.off", b"OFF\n8 6"),
        ("a.glb", b"glTF broken"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"),
        ("a.ply", b""),
    ],
)
def test_files_that_cannot_be_read_say_why_in_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(meshes.UnusableMesh) as error:
        meshes.load_mesh(tmp_path / name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("suffix", [".obj", ".off", ".glb"])
def test_far_from_the_origin_a_mesh_keeps_its_shape(tmp_path, suffix):
    """In float32, whose steps at 1e6 are 0.06, this shape would be off by some per cent."""
    near, far = trimesh.creation.icosphere(2), trimesh.creation.icosphere(2)
    far.apply_translation([1e6, -1e6, 1e6])
    if suffix == ".glb":  # the file holds float32: the offset is that of an object in its scene
        scene = trimesh.Scene()
        scene.add_geometry(near, transform=trimesh.transformations.translation_matrix([1e6, -1e6, 1e6]))
        scene.export(tmp_path / "far.glb")
    else:
        far.export(tmp_path / f"far{suffix}", digits=12)
    found = meshes.load_mesh(tmp_path / f"far{suffix}")
    expected = meshes.normalise(near).vertices
    np.testing.assert_allclose(found.vertices[found.faces], expected[near.faces], atol=1e-6)


OBJ = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0\n"


@pytest.mark.parametrize("faces", ["f 0 1 2", "f 1 2 3\nf 2 0 3\n", "f 1 2 0/1\r\n", "f 1 2 3 \\\n00", "f\t1 2 -0"])
def test_obj_files_whose_triangles_name_vertex_0_are_refused(tmp_path, faces):
    (tmp_path / "a.OBJ").write_bytes((OBJ + faces).encode())
    with pytest.raises(meshes.UnusableMesh, match="names vertex 0, but"):
        meshes.load_mesh(tmp_path / "a.OBJ")


@pytest.mark.parametrize("faces", ["f 1 2 3\n", "f -4 -3 -2\n", "f 1/0 2/0 3/0\n", "g 0 0\n# f 0 1 2\nf 1 2 3\n"])
def test_other_obj_files_are_not(tmp_path, faces):
    (tmp_path / "a.obj").write_text(OBJ + faces)
    assert len(meshes.load_mesh(tmp_path / "a.obj").faces) == 1


def test_a_missing_package_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "igl", None)
    with pytest.raises(InputError, match=r"igl is not installed; pip install 'netspace-jax\[shapes\]'"):
        meshes.signed_distance(box(), np.zeros((1, 3)))


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
        solid = np.unpackbits(grids["bits"][i])[: side**3].reshape((side,) * 3).astype(bool)
        index = np.concatenate([np.random.default_rng(i).integers(0, side, (10_000, 3)), np.argwhere(solid)[::10]])
        points = -1.05 + 2.1 * (index + 0.5) / side
        mesh = as_given(
            pack["verts"][vertex[i] - pack["n_verts"][i] : vertex[i]].astype(np.float32),
            pack["faces"][face[i] - pack["n_faces"][i] : face[i]].astype(np.int32),
        )
        distance, occupied = meshes.signed_distance(mesh, points), solid[tuple(index.T)]
        agreement.append(np.mean((distance < 0)[:10_000] == occupied[:10_000]))
        contained.append(occupied[distance < 0].mean())
        covered.append(np.mean(distance[occupied] < 2.1 / side))
    assert min(agreement) > 0.96 and np.mean(agreement) > 0.98
    assert min(contained) > 0.95 and np.mean(contained) > 0.99
    assert np.mean(covered) > 0.99
