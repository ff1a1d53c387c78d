"""Embeddings refined on the training inputs of each network's task."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.config import RefineConfig
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.metrics import refined
from netspace_jax.metrics.refined import refine_embeddings
from tests import tiny

CONFIG = RefineConfig(steps=20, learning_rate=1.0, batch=4, judged_on="validation")


def refine(run, flats, z, members=None, dataset=None, config=CONFIG):
    data = dataset or run.dataset
    return refine_embeddings(run.space, data, flats, z, members, architecture_id=0, config=config)


@pytest.fixture(scope="module")
def run():
    return tiny.trained()


@pytest.fixture(scope="module")
def began(run):
    z = run.reconstruction(0, "test").embedding
    return z + 0.3 * np.random.default_rng(0).standard_normal(z.shape).astype(np.float32)


def test_the_validation_split_may_judge_refinement(run, began):
    """No network is then worse on its inputs than where it began, however bad the steps are elsewhere."""
    flats = run.networks(0, "test").parameters
    judge, apply = run.dataset.examples("validation").inputs, run.space.architectures[0].apply

    def loss(flat, z):
        return run.dataset.behaviour.imitation_loss(apply(flat, judge), apply(run.space.generate(z, 0), judge))

    z, seconds = refine(run, flats, began)
    before, after = (jax.vmap(loss)(jnp.asarray(flats), jnp.asarray(at)) for at in (began, z))
    assert (after <= before + 1e-6).all() and after.mean() < before.mean() and seconds > 0


def test_without_steps_nothing_moves(run, began):
    flats = run.networks(0, "test").parameters
    found = refine(run, flats, began, config=dataclasses.replace(CONFIG, steps=0))
    np.testing.assert_array_equal(found.embedding, began)
    assert found.seconds == 0


def test_each_network_is_refined_on_inputs_of_its_own_task(run, began, monkeypatch):
    """Two tasks, the second with all images dark: a step asks each network for its outputs on its own images."""
    asked = {}

    class TwoTasks(ImageData):
        def of(self, member):
            return run.dataset.replace(train=self.train.replace(x=self.train.x * (1 - member)))

    def noted(netspace, architecture_id, flats, z, *, inputs, held_out, config):
        asked.update(inputs=inputs, held_out=held_out)
        return z

    monkeypatch.setattr(refined, "refine", noted)
    fields = {field.name: getattr(run.dataset, field.name) for field in dataclasses.fields(ImageData)}
    tasks = TwoTasks(**{**fields, "items": 2})
    refine(run, run.networks(0, "test").parameters[:3], began[:3], np.array([0, 1, 0]), tasks)
    bright = np.asarray(run.dataset.examples("train").inputs)
    assert asked["inputs"].shape == (3, *bright.shape) and asked["held_out"].shape[0] == 3
    np.testing.assert_allclose(np.sort(asked["inputs"][0].ravel()), np.sort(bright.ravel()))
    np.testing.assert_array_equal(asked["inputs"][0], asked["inputs"][2])
    assert np.ptp(asked["inputs"][1]) == 0
