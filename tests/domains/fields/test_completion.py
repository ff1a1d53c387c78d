"""Shapes of which one half was seen."""

import functools
import importlib

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.config import SearchConfig
from netspace_jax.dataset import Batch
from netspace_jax.domains.fields.behaviour import SignedDistance
from netspace_jax.domains.fields.completion import NearValues, half_seen
from tests import tiny
from tests.domains.fields.small import NAME, flats_of_shapes, run_of_shapes

module = importlib.import_module("netspace_jax.domains.fields.completion")


def test_what_is_seen_is_the_front_half_with_noise():
    """More points than there are rows: they are seen again, each time with an error of its own."""
    rows = np.random.default_rng(0).uniform(-1, 1, (1000, 4)).astype(np.float32)
    samples = Batch(rows[:, :3], rows[:, 3:])
    objective = half_seen(SignedDistance(), samples, 0)
    assert objective.inputs.shape == (2048, 3) and objective.held_targets.shape == (512, 1)
    distances = {row[:3].tobytes(): row[3] for row in rows if row[2] > 0}
    points = np.concatenate([objective.inputs, objective.held_inputs])
    noisy = np.concatenate([objective.targets, objective.held_targets])[:, 0]
    errors = np.array([value - distances[point.tobytes()] for point, value in zip(points, noisy, strict=True)])
    np.testing.assert_allclose((errors.mean(), errors.std()), (0, 0.005), atol=5e-4)
    np.testing.assert_array_equal(half_seen(SignedDistance(), samples, 0).targets, objective.targets)
    assert (half_seen(SignedDistance(), samples, 1).targets != objective.targets).any()


def test_the_best_is_nearest_to_what_is_held_out():
    points = jnp.array([[0, 0, 3.0], [4, 0, 0]])
    objective = NearValues(SignedDistance(), points, jnp.ones((2, 1)), points, jnp.array([[1.0], [4]]))
    assert objective.score(lambda x: x.sum(1, keepdims=True)) == -(2 + 0) / 2


@pytest.fixture
def complete(monkeypatch):
    """The section with short searches, and coarse meshes instead of pictures."""
    monkeypatch.setattr(module, "CONFIG", SearchConfig(steps=200, learning_rate=0.03, trust=0.0, validations=5))
    monkeypatch.setattr(module, "STARTS", 4)
    monkeypatch.setattr(module, "mesh_of", functools.partial(module.mesh_of, resolution=12))
    monkeypatch.setattr(module, "mesh_gallery", lambda meshes, rows, columns: meshes)
    return lambda **changes: module.completion(tiny.again(run_of_shapes(), **changes))


@pytest.mark.long
def test_a_shape_that_the_space_has_is_completed(complete):
    """The training network that fits best is the shape itself."""
    section = complete()
    assert section.metrics["completion/nearest_iou"] == 1
    assert 0.9 < section.metrics["completion/unseen_half_iou"] <= 1
    seen, completed, whole = section.figure
    assert [len(row) for row in (seen, completed, whole)] == [3] * 3
    for part, all_ in zip(seen, whole, strict=True):
        assert 0 < len(part.faces) < len(all_.faces)
        assert (part.vertices[part.faces].mean(1)[:, 2] > 0).all()


@pytest.mark.long
def test_a_shape_that_the_space_has_not_is_found_by_search(complete):
    """Search begins at other shapes, and comes nearer to the half that was not seen."""
    flats = flats_of_shapes(8, seed=1)
    others = {NAME: jnp.pad(flats, ((0, 0), (0, 48 - flats.shape[1])))}
    metrics = complete(space=run_of_shapes().space.replace(embeddings=others)).metrics
    assert metrics["completion/nearest_iou"] < 0.9
    assert metrics["completion/unseen_half_iou"] > metrics["completion/nearest_iou"] + 0.05
