"""Pictures of meshes: what they show is where and as large as it should be, lit from above, on white."""

import matplotlib
import numpy as np
import pytest
import trimesh

from netspace_jax.domains.fields import render

matplotlib.use("agg")
EMPTY = trimesh.Trimesh(np.zeros((0, 3)), np.zeros((0, 3), int), process=False)


def box(half, centre=(0, 0, 0)):
    return trimesh.creation.box(np.full(3, 2 * half), trimesh.transformations.translation_matrix(centre))


def ball(radius, n=60):
    return trimesh.creation.uv_sphere(radius, (n, n))


def shown(picture):
    """Pixels that show the shape, which is blue; ground and shadow are grey."""
    return picture[..., 2].astype(int) - picture[..., 0] > 15


def test_a_ball_is_a_disc_of_its_size():
    big, small = (shown(render.picture(ball(radius), size=160)) for radius in (0.8, 0.4))
    pixel = 2 * render._EXTENT / 160
    assert big.sum() * pixel**2 == pytest.approx(np.pi * 0.64, rel=0.02)
    assert small.sum() * pixel**2 == pytest.approx(np.pi * 0.16, rel=0.03)
    rows, columns = np.nonzero(big)
    assert rows.mean() == pytest.approx(79.5, abs=0.5) and columns.mean() == pytest.approx(79.5, abs=0.5)


@pytest.mark.parametrize(
    ("direction", "axis", "sign"), [((0.5, 0, 0), 1, 1), ((0, 0.5, 0), 0, -1), ((0, 0, 0.5), 1, -1)]
)
def test_x_is_right_y_is_up_and_the_front_is_to_the_left(direction, axis, sign):
    place = np.mean(np.nonzero(shown(render.picture(box(0.2, direction), size=80))), axis=1)[axis] - 39.5
    assert sign * place > 5


def test_the_nearest_triangle_hides_the_others():
    vertices = np.float32([[-1, -1, 0], [1, -1, 0], [0, 1, 0], [-1, -1, 0.5], [1, -1, 0.5], [0, 0, 0.5]])
    for faces in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        triangle, weights, depth = render._rasterise(vertices, np.int32(faces), 50, 1.0)
        near = faces.index([3, 4, 5])
        assert triangle[40, 25] == near and triangle[20, 25] == 1 - near and triangle[0, 0] == -1
        assert depth[40, 25] == 0.5 and depth[20, 25] == 0 and depth[0, 0] == -np.inf
        where = weights[20, 25] @ vertices[[0, 1, 2]]
        np.testing.assert_allclose(where[:2], [0.02, 0.18], atol=1e-5)


def test_rasterising_in_parts_changes_nothing(monkeypatch):
    mesh = ball(0.9)
    whole = render._rasterise(mesh.vertices, mesh.faces, 100, 1.0)
    monkeypatch.setattr(render, "_CANDIDATES", 500)
    parts = render._rasterise(mesh.vertices, mesh.faces, 100, 1.0)
    np.testing.assert_array_equal(whole[2], parts[2])
    np.testing.assert_array_equal(whole[0] < 0, parts[0] < 0)


def test_light_comes_from_above_and_the_ground_is_in_shadow():
    picture = render.picture(box(0.5), size=120).astype(int)
    blue = shown(picture)
    rows = np.nonzero(blue[:, 60])[0]
    top, front = picture[rows[0] + 5, 60].sum(), picture[rows[-1] - 5, 60].sum()
    assert top > front + 30
    ground = picture[~blue].sum(-1)
    assert ground.max() == 3 * 255 and ground.min() < 3 * 235
    np.testing.assert_array_equal(picture[0], 255)


def test_backs_of_triangles_are_lit_as_fronts_are():
    mesh = box(0.5)
    turned = mesh.copy()
    turned.invert()
    difference = np.abs(render.picture(mesh, 80).astype(int) - render.picture(turned, 80))
    assert np.mean(difference.max(-1) > 8) < 0.02


def test_an_empty_mesh_is_white():
    points = trimesh.Trimesh(np.eye(3), np.zeros((0, 3), int), process=False)
    for mesh in (EMPTY, points):
        np.testing.assert_array_equal(render.picture(mesh, size=20), np.full((20, 20, 3), 255, np.uint8))


def test_a_grid_has_labels_and_says_where_there_is_no_surface():
    round_one = ball(0.5, 10)
    figure, axes = render.picture_grid([[round_one, EMPTY], [None, round_one]], ["input", "generated"], ["a", "b"], 40)
    assert axes.shape == (2, 2)
    assert [ax.get_title() for ax in axes[0]] == ["a", "b"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["input", "generated"]
    assert [[len(ax.images) for ax in row] for row in axes] == [[1, 1], [0, 1]]
    assert [text.get_text() for text in axes[0, 1].texts] == ["no surface"]
    matplotlib.pyplot.close(figure)
