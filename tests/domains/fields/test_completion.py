"""Shapes of which one half was seen."""

import functools
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from etils import epath

from netspace_jax import architectures
from netspace_jax.architectures.siren import siren
from netspace_jax.config import NetSpaceConfig, RunConfig, SearchConfig
from netspace_jax.domains.fields.completion import half_seen
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.runs import Run
from netspace_jax.space import Constants, Space
from netspace_jax.zoo import Networks
from tests import tiny
from tests.domains.fields.test_dataset import shapes_of

module = importlib.import_module("netspace_jax.domains.fields.completion")
architectures.register("siren4", functools.partial(siren, width=4, frequency=4.0))
PREP, SHAPES = (6, 8), 3  # 16 + 20 + 5 parameters


def test_what_is_seen_is_the_front_half_with_noise():
    """More points than there are rows: they are seen again, each time with an error of its own."""
    rng = np.random.default_rng(0)
    rows = rng.uniform(-1, 1, (1000, 4)).astype(np.float32)
    objective = half_seen(rows, 0)
    assert objective.points.shape == (2048, 4) and objective.held_out.shape == (512, 4)
    distances = {row[:3].tobytes(): row[3] for row in rows if row[2] > 0}
    seen = np.concatenate([objective.points, objective.held_out])
    errors = np.array([row[3] - distances[row[:3].tobytes()] for row in seen])
    np.testing.assert_allclose((errors.mean(), errors.std()), (0, 0.005), atol=5e-4)
    np.testing.assert_array_equal(half_seen(rows, 0).points, objective.points)
    assert (half_seen(rows, 1).points[:, 3] != objective.points[:, 3]).any()


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
    data = shapes_of(rows[:, :40], rows[:, :40], rows[:, :500], uniform)
    zoo = FieldZooConfig(architectures=("siren4",), members=(11,))
    nothing = jnp.zeros((1, *PREP))
    space = Space(
        architectures=(architecture,), prep=PREP, encoder=tiny.Copy(48), decoder=tiny.Paste(PREP), head=tiny.Corner(1),
        correction=None, corrections=0, behaviour=data.behaviour, params=tiny.NO_PARAMS,
        constants=Constants(data.probes(8), nothing, nothing),
        embeddings={"siren4": jnp.pad(flats[:8], ((0, 0), (0, 7)))})  # fmt: skip
    held = tiny.held(data, {("siren4", "train"): flats[:8], ("siren4", "test"): flats[:SHAPES]})
    config = RunConfig("tiny", "fields", zoo, NetSpaceConfig(prep=PREP, embedding=48))
    return Run(config, epath.Path("nowhere"), held, data, space, 0)


@pytest.fixture
def complete(trained, monkeypatch):
    """The section with short searches, and coarse meshes instead of pictures."""
    monkeypatch.setattr(module, "CONFIG", SearchConfig(steps=200, learning_rate=0.03, trust=0.0, validations=5))
    monkeypatch.setattr(module, "STARTS", 4)
    monkeypatch.setattr(module, "mesh_of", functools.partial(module.mesh_of, resolution=12))
    monkeypatch.setattr(module, "picture_grid", lambda meshes, rows, columns, size: (meshes, columns))
    fresh = tiny.again(trained)  # a run keeps what was computed of it
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
