"""Procedural chairs: their signed distance is exact, their parts are thick enough to be learned, and they vary."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import cKDTree

from netspace_jax.domains.fields import chairs
from netspace_jax.domains.fields.geometry import sample_surface

POSTS, ARMS = chairs.PARAMETERS.index("back_posts"), chairs.PARAMETERS.index("arms")
COUNT = 1000  # points of each kind; one number for all tests, which compiles once
distance = jax.jit(chairs.distance_to)
build = jax.jit(chairs.build)
parameters_of = jax.jit(lambda key: jax.vmap(chairs.sample_parameters)(jax.random.split(key, 500)))


@pytest.fixture(scope="module")
def rows():
    """Parameters of 500 chairs."""
    return np.asarray(parameters_of(jax.random.key(0)))


@pytest.fixture(scope="module")
def kinds(rows):
    """One chair for each kind of back and of arms."""
    rows = np.array(rows[:12])
    rows[:, POSTS], rows[:, ARMS] = np.divmod(np.arange(12), 3)
    rows[:, POSTS] += 1
    return [build(row) for row in jnp.asarray(rows)]


def points_around(chair, seed=0, count=COUNT):
    """Points in the cube, and near the surface so that many are inside."""
    rng = np.random.default_rng(seed)
    mesh = chairs.surface_mesh(chair)
    near = np.asarray(mesh.vertices)[rng.integers(len(mesh.vertices), size=count)] + rng.normal(0, 0.06, (count, 3))
    return jnp.asarray(np.concatenate([rng.uniform(-1, 1, (count, 3)), near]), jnp.float32)


def test_distance_is_exact(kinds):
    """At most the true distance, since it never changes faster than one moves; at least it, since a walk of just that
    length along the gradient ends on the surface."""
    slope = jax.jit(jax.grad(lambda x, chair: chairs.distance_to(chair, x).sum()))
    for chair in kinds:
        x = points_around(chair)
        d = distance(chair, x)
        assert 0.1 < float((d < 0).mean()) < 0.5
        other = jnp.roll(x, 1, axis=0)
        apart = jnp.linalg.norm(x - other, axis=1)
        assert jnp.all(jnp.abs(d - jnp.roll(d, 1)) <= apart + 1e-6)
        step = jax.random.normal(jax.random.key(3), x.shape) * 0.02
        assert jnp.all(jnp.abs(distance(chair, x + step) - d) <= jnp.linalg.norm(step, axis=1) + 1e-6)
        gradient = slope(x, chair)
        assert np.quantile(np.abs(np.linalg.norm(gradient, axis=1) - 1), 0.99) < 1e-4
        end = distance(chair, x - d[:, None] * gradient)
        assert np.quantile(np.abs(end), 0.99) < 1e-5


def test_distance_to_a_dense_sampling_of_the_surface(kinds):
    for chair in kinds[::3]:
        x = points_around(chair)
        cloud = sample_surface(chairs.surface_mesh(chair), 200_000, np.random.default_rng(0))
        brute = cKDTree(cloud).query(np.asarray(x))[0]
        d = np.abs(distance(chair, x))
        assert np.all(brute >= d - 1e-6)
        assert np.max(brute - d) < 0.02 and np.mean(brute - d) < 1e-3
        assert np.max(np.abs(distance(chair, jnp.asarray(cloud[: 2 * COUNT])))) < 1e-6


def test_known_distances_of_a_plain_chair():
    """By hand: a box seat with a solid upright back and four legs, of which one joint is looked at."""
    values = {
        "seat_half_width": 0.5,
        "seat_half_depth": 0.4,
        "seat_thickness": 0.12,
        "leg_length": 0.6,
        "leg_thickness": 0.2,
        "leg_taper": 1.0,
        "leg_inset": 0.1,
        "back_height": 0.7,
        "back_thickness": 0.1,
        "back_posts": 1,
        "post_width": 0.1,
        "rail_height": 0.2,
        "arms": 0,
        "arm_width": 0.1,
        "arm_height": 0.2,
        "arm_margin": 0.1,
        "splay_x": 0,
        "splay_z": 0,
        "back_lean": 0,
    }
    row = jnp.asarray([values[name] for name in chairs.PARAMETERS], jnp.float32)
    scale = chairs.RADIUS / np.linalg.norm([0.5, 0.71, 0.4])
    cases = [
        ((0, 2.0, -0.35), 2.0 - 0.82),  # above the back
        ((0, -0.6, 0), np.hypot(0.2, 0.1)),  # on the floor between the legs
        ((0.0, 0.06, 0.1), -0.06),  # in the middle of the seat
        ((0.3, -0.3, 0.2), -0.1),  # in the middle of a leg
        ((0.3, 0.01, 0.2), -np.hypot(0.1, 0.01)),  # in the joint of that leg: the nearest point is on its edge
        ((0.0, 0.13, -0.35), -0.05),  # in the back, just above the seat
        ((0.7, 1.02, -0.5), np.sqrt(0.2**2 + 0.2**2 + 0.1**2)),  # off the back's upper corner
    ]
    x = np.array([point for point, _ in cases]) - [0, 0.11, 0]
    expected = np.array([value for _, value in cases]) * scale
    np.testing.assert_allclose(distance(build(row), jnp.asarray(x * scale, jnp.float32)), expected, atol=1e-6)


def test_agrees_with_libigl(kinds):
    igl = pytest.importorskip("igl")
    for chair in kinds:
        x, mesh = np.asarray(points_around(chair)), chairs.surface_mesh(chair)
        sign = igl.SIGNED_DISTANCE_TYPE_WINDING_NUMBER
        vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
        other = igl.signed_distance(x.astype(np.float64), vertices, faces, sign_type=sign)[0]
        off_surface = np.abs(other) > 1e-5
        ours = np.asarray(distance(chair, jnp.asarray(x)))
        np.testing.assert_allclose(ours[off_surface], other[off_surface], atol=1e-6)


def test_surface_mesh_encloses_the_inside(kinds):
    """The divergence theorem gives the volume, if the triangles are closed and all look outward."""
    x = jnp.asarray(np.random.default_rng(1).uniform(-1, 1, (200_000, 3)), jnp.float32)
    for chair in kinds[::4]:
        mesh = chairs.surface_mesh(chair)
        np.testing.assert_allclose(mesh.area_faces @ mesh.face_normals, 0, atol=1e-5)
        share = float((distance(chair, x) < 0).mean())
        assert abs(mesh.volume / 8 - share) < 5 * np.sqrt(share / len(x))


def test_parts_are_thick_and_chairs_fit(rows):
    built = jax.jit(jax.vmap(chairs.build))(jnp.asarray(rows))
    low, high, y = (np.asarray(values) for values in (built.low, built.high, built.y))
    for rect in (low, high):
        for size in (rect[..., 1] - rect[..., 0], rect[..., 3] - rect[..., 2]):
            assert np.all((size > 0.06) | (np.abs(size) < 1e-5))
    assert np.all((y[..., 1] - y[..., 0] > 0.06) | (np.abs(y[..., 1] - y[..., 0]) < 1e-5))
    corners = np.stack(
        [
            np.stack([rect[..., i], y[..., k], rect[..., j]], -1)
            for k, rect in enumerate((low, high))
            for i in (0, 1)
            for j in (2, 3)
        ],
        2,
    )
    radii = np.linalg.norm(corners, axis=-1).max((1, 2))
    np.testing.assert_allclose(radii, chairs.RADIUS, atol=1e-5)


def test_chairs_vary(rows):
    assert set(rows[:, POSTS]) == {1, 2, 3, 4}
    assert set(rows[:, ARMS]) == {0, 1, 2}
    straight = (rows[:, chairs.PARAMETERS.index("splay_x")] == 0).mean()
    assert 0.25 < straight < 0.55
    for name, (low, high) in chairs.RANGES.items():
        column = rows[:, chairs.PARAMETERS.index(name)]
        assert column.min() >= min(low, 0 if name.startswith("splay") else low) and column.max() <= high
        assert column.std() > 0


def test_vmapped_equals_alone(rows, kinds):
    x = points_around(kinds[0])
    together = jax.jit(jax.vmap(chairs.signed_distance, (0, None)))(jnp.asarray(rows[:3]), x)
    for row, values in zip(rows, together, strict=False):
        np.testing.assert_allclose(values, distance(build(jnp.asarray(row)), x), atol=1e-6)
