"""A finished run as one value: its networks, and what was computed of them once."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.config import RefineConfig
from tests import tiny


def again(**changes):
    """The tiny run with nothing computed yet."""
    run = tiny.trained()
    netspace = dataclasses.replace(run.config.netspace, **changes)
    config = dataclasses.replace(run.config, netspace=netspace)
    return dataclasses.replace(run, config=config)


def test_training_members_are_those_that_trained_the_space():
    run = again()
    everyone = run.zoo.networks("perceptron3", "train")
    assert run.networks(0, "train").members == everyone.members and run.networks(0, "train") is run.networks(0, "train")
    few = again(train_members=5)
    assert few.networks(0, "train").members == everyone.members[:5]
    assert few.networks(0, "test").members == run.zoo.networks("perceptron3", "test").members


def test_reconstructions_are_computed_once_and_of_test_inputs():
    run = again()
    found = run.reconstruction(0, "test")
    assert found is run.reconstruction(0, "test")
    np.testing.assert_allclose(found.generated, run.networks(0, "test").parameters, atol=1e-6)
    np.testing.assert_allclose(
        found.score, [member.score_test for member in run.networks(0, "test").members], atol=1e-6
    )
    assert run.metric.name == "accuracy" and run.trained_ids == (0,)


def test_the_validation_split_may_judge_refinement():
    """No network is then worse on its inputs than where it began, however bad the steps are elsewhere."""
    run = again()
    config = RefineConfig(steps=20, learning_rate=1.0, batch=4, judged_on="validation")
    run = dataclasses.replace(run, config=dataclasses.replace(run.config, refine=config))
    flats = run.networks(0, "test").parameters
    began = run.reconstruction(0, "test").embedding
    began = began + 0.3 * np.random.default_rng(0).standard_normal(began.shape).astype(np.float32)
    judge, apply = run.dataset.examples("validation").inputs, run.space.architectures[0].apply

    def loss(flat, z):
        return run.dataset.behaviour.imitation_loss(apply(flat, judge), apply(run.space.generate(z, 0), judge))

    before, after = (
        jax.vmap(loss)(jnp.asarray(flats), jnp.asarray(z)) for z in (began, run.refine_shared(flats, began, 0))
    )
    assert (after <= before + 1e-6).all() and after.mean() < before.mean()
