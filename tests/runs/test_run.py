"""A finished run as one value: its networks, and what was computed of them once."""

import dataclasses

import numpy as np

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


def test_refined_embeddings_are_those_of_test_members():
    """Of a space that gives networks back there is nothing to gain, so that none moves."""
    run = again()
    found, encoded = run.refined(0), run.reconstruction(0, "test")
    assert found is run.refined(0) and run.refine_seconds > 0
    np.testing.assert_allclose(found.embedding, encoded.embedding, atol=1e-5)
    np.testing.assert_allclose(found.agreement, 1)
