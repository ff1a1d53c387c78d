"""Sections about several architectures: figures by hand, of a NetSpace that gives networks back at another size."""

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.latent.search import line
from netspace_jax.report.architectures import across, architectures, unseen
from netspace_jax.space.behaviour import score_networks
from tests import tiny

WIDTHS = (3, 4, 5)
FACTOR = -0.5


@pytest.fixture(scope="module")
def trained():
    return tiny.trained(WIDTHS, FACTOR)


def embeddings(trained, kind):
    return np.stack([to_prep(jnp.asarray(flat), tiny.PREP).reshape(-1) for flat in trained.networks(kind, "test").parameters])


def scores(trained, z, kind):
    """Test scores of the networks of one architecture that are `FACTOR` times an embedding."""
    architecture = tiny.perceptron(WIDTHS[kind])
    return score_networks(architecture, FACTOR * z[:, :architecture.size], trained.task, np.zeros(len(z), np.int32), "test")


def test_each_architecture_has_its_own_figures(trained):
    section = architectures(trained)
    right = []
    for kind, width in enumerate(WIDTHS):
        name, members = f"perceptron{width}", trained.networks(kind, "test").members
        expected = scores(trained, embeddings(trained, kind), kind)
        np.testing.assert_allclose(section.metrics[f"reconstruct/{name}/accuracy_test"], expected.mean(), rtol=1e-5)
        own = [m.score_test for m in trained.zoo.members if m.architecture == name]
        np.testing.assert_allclose(section.metrics[f"zoo/{name}/accuracy_mean"], np.mean(own), rtol=1e-5)
        row = section.table[1 + kind]
        assert row[:2] == (name, str(tiny.perceptron(width).size))
        np.testing.assert_allclose([float(value) for value in row[3:7]],
                                   [np.mean([m.score_test for m in members]), expected.mean(), expected.min(), expected.max()], atol=6e-4)
        right.append((embeddings(trained, kind)[:, :3].argmax(1) == kind).mean())
    np.testing.assert_allclose(section.metrics["architecture/accuracy_test"], np.mean(right), rtol=1e-6)


def test_the_way_across_is_read_as_the_head_says(trained):
    section = across(trained)
    ends = [embeddings(trained, kind)[np.argmax([m.score_test for m in trained.networks(kind, "test").members])] for kind in (0, 2)]
    z = line(*ends, 100)
    kinds = z[:, :3].argmax(1)
    found = np.array([scores(trained, z[i:i + 1], kind)[0] for i, kind in enumerate(kinds)])
    assert section.metrics["across/architectures"] == len(set(kinds))
    np.testing.assert_allclose(section.metrics["across/accuracy_mean"], found.mean(), rtol=1e-5)
    np.testing.assert_allclose(section.metrics["across/accuracy_min"], found.min(), rtol=1e-5)


def test_what_lies_between_is_scored_over_all_pairs(trained):
    """All three were shown here, so the section calls them so."""
    section = unseen(trained)
    first, last = embeddings(trained, 0), embeddings(trained, 2)
    middle = np.stack([(a + b) / 2 for a in first for b in last])
    expected = scores(trained, middle, 1)
    assert section.name == "between" and len(section.table) == 2
    np.testing.assert_allclose(section.metrics["between/perceptron4/accuracy"], expected.mean(), rtol=1e-5)
    np.testing.assert_allclose(section.metrics["between/perceptron4/scratch_accuracy"], trained.zoo.mean_score("perceptron4"), rtol=1e-6)
    row = section.table[1]
    assert row[:3] == ("perceptron4", "shown", "36")
    np.testing.assert_allclose([float(value) for value in row[3:6]], [expected.mean(), expected.max(), expected.min()], atol=6e-4)
    named = (middle[:, :3].argmax(1) == 1).mean()
    assert row[-1] == f"{named:.0%}"
