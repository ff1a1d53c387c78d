"""Marching cubes, connectedness, distances between shapes, and mesh files."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import trimesh

from netspace_jax.domains.fields import geometry


def ball(params, points):
    """Distance to a ball: params = (centre, radius)."""
    return jnp.linalg.norm(points - params[0][None], axis=1, keepdims=True) - params[1]


def two_balls(params, points):
    left, right = jnp.array([-0.5, 0, 0]), jnp.array([0.5, 0, 0])
    return jnp.minimum(ball((left, params[0]), points), ball((right, params[1]), points))


def as_given(vertices, faces):
    return trimesh.Trimesh(vertices, faces, process=False)


SQUARE = as_given([[0, 0, 0], [1, 0, 0], [1, 3, 0], [0, 3, 0]], [[0, 1, 2], [0, 2, 3]])


def test_a_ball_comes_out_round_and_outward():
    centre = jnp.array([0.1, -0.2, 0.3])
    mesh = geometry.extract_mesh(ball, (centre, 0.5), resolution=64)
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices - np.asarray(centre), axis=1), 0.5, atol=2e-3)
    assert mesh.area == pytest.approx(4 * math.pi * 0.25, rel=0.01)
    assert mesh.volume == pytest.approx(4 / 3 * math.pi * 0.125, rel=0.01)
    assert mesh.is_watertight


def test_chunks_do_not_show(monkeypatch):
    params = (jnp.zeros(3), 0.5)
    whole = geometry.extract_mesh(ball, params, resolution=20)
    monkeypatch.setattr(geometry, "_TOGETHER", 777)
    pieces = geometry.extract_mesh(lambda *arguments: ball(*arguments), params, resolution=20)
    np.testing.assert_array_equal(whole.faces, pieces.faces)
    np.testing.assert_allclose(whole.vertices, pieces.vertices, atol=1e-6)


def test_one_compilation_for_all_networks_of_an_architecture():
    traces = []

    def field(params, points):
        traces.append(1)
        return ball((jnp.zeros(3), params), points)

    radii = [geometry.extract_mesh(field, jnp.float32(r), resolution=24).vertices[:, 0].max() for r in (0.3, 0.5, 0.7)]
    np.testing.assert_allclose(radii, [0.3, 0.5, 0.7], atol=0.01)
    assert len(traces) == 1


@pytest.mark.parametrize("value", [1.0, 0.0, math.nan, math.inf])
def test_no_zero_level_gives_an_empty_mesh(value):
    mesh = geometry.extract_mesh(lambda params, points: jnp.full((len(points), 1), value), None, resolution=8)
    assert geometry.is_empty(mesh) and mesh.vertices.shape == (0, 3)
    assert geometry.largest_component_share(mesh) == 0


def test_vertices_without_triangles_are_an_empty_mesh():
    mesh = as_given(np.eye(3), np.zeros((0, 3), int))
    assert geometry.is_empty(mesh) and not geometry.is_empty(SQUARE)
    assert geometry.largest_component_share(mesh) == 0


def test_a_shape_that_leaves_the_cube_is_closed_at_its_walls():
    mesh = geometry.extract_mesh(ball, (jnp.array([1.0, 0, 0]), 0.5), resolution=64)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(2 / 3 * math.pi * 0.125, rel=0.01)
    assert mesh.vertices.max() == pytest.approx(1.0, abs=1e-4)
    everything = geometry.extract_mesh(lambda params, points: points[:, :1] * 0 - 1.0, None, resolution=16)
    assert everything.volume == pytest.approx(8, rel=0.01) and everything.is_watertight


def test_share_of_the_largest_component():
    one = geometry.extract_mesh(ball, (jnp.zeros(3), 0.5), resolution=32)
    assert geometry.largest_component_share(one) == pytest.approx(1)
    two = geometry.extract_mesh(two_balls, (0.4, 0.2), resolution=96)
    assert geometry.largest_component_share(two) == pytest.approx(0.16 / 0.2, abs=0.01)


def test_surface_points_are_uniform_in_area():
    corners = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [8, 0, 0], [5, 1, 0]]
    uneven = as_given(corners, [[0, 1, 2], [3, 4, 5]])
    points = geometry.sample_surface(uneven, 40_000, np.random.default_rng(0))
    assert (points[:, 0] > 4).mean() == pytest.approx(0.75, abs=0.015)
    square = geometry.sample_surface(SQUARE, 40_000, np.random.default_rng(0))
    counts, _, _ = np.histogram2d(square[:, 0], square[:, 1], bins=4, range=[[0, 1], [0, 3]])
    assert counts.sum() == 40_000 and np.abs(counts - 2500).max() < 5 * math.sqrt(2500)
    with pytest.raises(ValueError, match="no area"):
        geometry.sample_surface(as_given(np.zeros((3, 3)), [[0, 1, 2]]), 1, np.random.default_rng(0))


def test_surface_points_of_a_seed_stay_the_same():
    """Figures that were measured stand on these draws."""
    points = geometry.sample_surface(SQUARE, 3, np.random.default_rng(0))
    expected = [[0.050570846, 0.38567954, 0], [0.901815, 1.9736128, 0], [0.9553824, 1.5581093, 0]]
    np.testing.assert_array_equal(points, np.float32(expected))


def test_chamfer_by_hand():
    a, b = np.float32([[0, 0, 0]]), np.float32([[0, 0, 0], [2, 0, 0]])
    assert geometry.chamfer(a, b) == 0.5 and geometry.chamfer(b, a) == 0.5
    assert geometry.chamfer(b, b + np.float32([[0, 0.5, 0]])) == 0.5
    assert math.isnan(geometry.chamfer(a, np.zeros((0, 3), np.float32)))


def test_iou_by_hand():
    a, b = np.float32([-1, -1, 1, 1]), np.float32([-1, 1, -1, 1])
    assert geometry.iou(a, b) == 1 / 3 and geometry.iou(a, a) == 1 and geometry.iou(a, -a) == 0
    assert geometry.iou(np.ones(3, np.float32), np.ones(3, np.float32)) == 1
