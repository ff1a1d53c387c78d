"""Shapes of which one half was seen."""

import dataclasses
import functools
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures.siren import siren
from netspace_jax.config import RunConfig, SearchConfig
from netspace_jax.domains.fields.completion import half_seen
from netspace_jax.domains.fields.dataset import Fields
from netspace_jax.runs.pipeline import Trained
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.zoo.storage import Networks
from tests import tiny

module = importlib.import_module("netspace_jax.domains.fields.completion")
architectures.register("siren4", functools.partial(siren, width=4, frequency=4.0))
PREP, SHAPES = (6, 8), 3  # 16 + 20 + 5 parameters


def test_what_is_seen_is_the_front_half_with_noise():
    """More points than there are rows: they are seen again, each time with an error of its own."""
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, (1000, 4)).astype(np.float32)
    goal = half_seen(rows, 0)
    assert goal.points.shape == (2048, 4) and goal.held_out.shape == (512, 4)
    distances = {row[:3].tobytes(): row[3] for row in rows if row[2] > 0}
    seen = np.concatenate([goal.points, goal.held_out])
    errors = np.array([row[3] - distances[row[:3].tobytes()] for row in seen])
    np.testing.assert_allclose((errors.mean(), errors.std()), (0, 0.005), atol=5e-4)
    np.testing.assert_array_equal(half_seen(rows, 0).points, goal.points)
    assert (half_seen(rows, 1).points[:, 3] != goal.points[:, 3]).any()


@pytest.fixture(scope="module")
def flats():
    """Small SIRENs with a surface."""
    architecture = architectures.build("siren4", (3,), 1)
    start = jax.jit(jax.vmap(lambda key: architecture.finish(architecture.init(key))))
    return start(jax.random.split(jax.random.key(0), SHAPES + 8)).at[:, -1].set(0.05)


@pytest.fixture(scope="module")
def trained(flats):
    """Shapes that are what the first SIRENs say, in a space whose embeddings are weights: it can complete them.

    Where a half was seen, the points that overlap is measured at say the opposite.
    """
    architecture = architectures.build("siren4", (3,), 1)
    points = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (SHAPES, 900, 3)), jnp.float32)
    rows = jnp.concatenate([points, jax.jit(jax.vmap(architecture.apply))(flats[:SHAPES], points)], 2)
    uniform = rows[:, 500:]
    uniform = uniform.at[..., 3].multiply(jnp.where(uniform[..., 2] > 0, -1, 1))
    task = Fields(rows[:, :40], rows[:, :40], rows[:, :500], uniform, rows[:, :10, :3])
    config = RunConfig("tiny", tiny.zoo_config(task="fields", architectures=("siren4",), members=(11,)), tiny.netspace_config())
    zoo = tiny.Held(config.zoo, task, {("siren4", "train"): flats[:8], ("siren4", "test"): flats[:SHAPES]})
    nothing = jnp.zeros((1, *PREP))
    space = NetSpace((architecture,), PREP, tiny.Copy(), tiny.Paste(PREP), tiny.Corner(1))
    return Trained(config, task, zoo, space, tiny.NO_PARAMS, Constants(task.probes(8), nothing, nothing), 0)


@pytest.fixture
def complete(trained, monkeypatch):
    """The section with short searches, and coarse meshes instead of pictures."""
    monkeypatch.setattr(module, "CONFIG", SearchConfig(steps=200, learning_rate=0.03, trust=0.0, looks=5))
    monkeypatch.setattr(module, "STARTS", 4)
    monkeypatch.setattr(module, "mesh_of", functools.partial(module.mesh_of, resolution=12))
    monkeypatch.setattr(module, "picture_grid", lambda meshes, rows, columns, size: (meshes, columns))
    fresh = dataclasses.replace(trained)  # sections keep what they computed of another
    return lambda: module.completion(fresh)


def test_a_shape_that_the_space_has_is_completed(complete):
    """The training network that fits best is the shape itself."""
    section = complete()
    assert section.metrics["completion/nearest_iou"] == 1
    assert 0.9 < section.metrics["completion/unseen_half_iou"] <= 1
    seen, completed, whole = section.figure
    assert [len(row) for row in (seen, completed, whole)] == [SHAPES] * 3
    for part, all_ in zip(seen, whole, strict=True):
        assert 0 < len(part.faces) < len(all_.faces)
        assert (part.vertices[part.faces].mean(1)[:, 2] > 0).all()


def test_a_shape_that_the_space_has_not_is_found_by_search(complete, trained, flats, monkeypatch):
    """Search begins at other shapes, and comes nearer to the half that was not seen."""
    others = Networks(trained.networks(0, "train").members, np.asarray(flats[SHAPES:]))
    monkeypatch.setitem(trained.zoo.held, ("siren4", "train"), others)
    metrics = complete().metrics
    assert metrics["completion/nearest_iou"] < 0.9
    assert metrics["completion/unseen_half_iou"] > metrics["completion/nearest_iou"] + 0.05
