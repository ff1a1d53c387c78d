"""Sections about several architectures: figures by hand, of a NetSpace that gives networks back at another size."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.domain import domain
from netspace_jax.latent import line
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.report.architectures import architectures, unseen
from netspace_jax.report.interpolation import interpolate_architectures
from tests import tiny

WIDTHS = (3, 4, 5)
FACTOR = -0.5


@pytest.fixture(scope="module")
def trained():
    return tiny.trained(WIDTHS, FACTOR)


def embeddings(trained, which):
    return np.stack(
        [to_prep(jnp.asarray(flat), tiny.PREP).reshape(-1) for flat in trained.networks(which, "test").parameters]
    )


def scores(trained, z, which):
    """Test scores of the networks of one architecture that are `FACTOR` times an embedding."""
    architecture = tiny.perceptron(WIDTHS[which])
    return scores_of(trained.dataset, architecture, FACTOR * z[:, : architecture.size])


def test_each_architecture_has_its_own_figures(trained):
    section = architectures(trained)
    right = []
    for which, width in enumerate(WIDTHS):
        name, members = f"perceptron{width}", trained.networks(which, "test").members
        expected = scores(trained, embeddings(trained, which), which)
        np.testing.assert_allclose(section.metrics[f"reconstruct/{name}/accuracy_test"], expected.mean(), rtol=1e-5)
        own = [m.score_test for m in trained.zoo.members if m.architecture == name]
        np.testing.assert_allclose(section.metrics[f"zoo/{name}/accuracy_mean"], np.mean(own), rtol=1e-5)
        row = section.table[1 + which]
        assert row[:2] == (name, str(tiny.perceptron(width).size))
        np.testing.assert_allclose(
            [float(value) for value in row[3:7]],
            [np.mean([m.score_test for m in members]), expected.mean(), expected.min(), expected.max()],
            atol=6e-4,
        )
        right.append((embeddings(trained, which)[:, :3].argmax(1) == which).mean())
    np.testing.assert_allclose(section.metrics["architecture/accuracy_test"], np.mean(right), rtol=1e-6)
    members = section.metrics["pairwise/perceptron3/members"]
    assert f"predict the same class on {members:.1%} of test inputs" in section.text and section.table[1][8] != "–"


def best_of(run, which, score):
    return np.argmax([getattr(member, score) for member in run.networks(which, "test").members])


@pytest.mark.parametrize("make", [tiny.again, tiny.contrary])
def test_the_way_across_is_read_as_the_head_says(trained, make):
    """From the best by validation of the first architecture to that of the last."""
    run = make(trained)
    section = interpolate_architectures(run)
    z = line(*(embeddings(run, which)[best_of(run, which, "score_validation")] for which in (0, 2)), 100)
    read = z[:, :3].argmax(1)
    found = np.array([scores(run, z[i : i + 1], which)[0] for i, which in enumerate(read)])
    metrics, changes = section.metrics, np.count_nonzero(np.diff(read))
    assert metrics["interpolate_architectures/architectures"] == len(set(read))
    np.testing.assert_allclose(metrics["interpolate_architectures/accuracy_mean"], found.mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["interpolate_architectures/accuracy_min"], found.min(), rtol=1e-5)
    assert f"through {len(set(read))} of the 3 architectures with {changes} changes" in section.text
    assert f"lowest accuracy is {found.min():.3f}, at its ends {found[0]:.3f} and" in section.text


def test_what_lies_between_is_scored_over_all_pairs(trained):
    """All three trained the space here, so the section calls them so."""
    section = unseen(trained)
    first, last = embeddings(trained, 0), embeddings(trained, 2)
    middle = np.stack([(a + b) / 2 for a in first for b in last])
    expected = scores(trained, middle, 1)
    assert section.name == "unseen" and len(section.table) == 2 and "never shown" not in section.text
    np.testing.assert_allclose(section.metrics["between/perceptron4/accuracy"], expected.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        section.metrics["between/perceptron4/scratch_accuracy"], trained.zoo.scores("perceptron4").mean(), rtol=1e-6
    )
    row = section.table[1]
    assert row[:3] == ("perceptron4", "trained the space", "36")
    assert row[3:6] == tuple(f"{value:.3f}" for value in (expected.mean(), expected.min(), expected.max()))
    assert row[7:10] == ("–", "–", f"{trained.dataset.chance('test'):.3f}")
    read_right = (middle[:, :3].argmax(1) == 1).mean()
    assert row[-1] == f"{read_right:.0%}"


def test_an_architecture_that_no_network_of_was_shown_is_called_unseen():
    """Compared with the teacher's score, and with networks that the teacher taught directly, too."""
    run = tiny.trained(WIDTHS, FACTOR, "perceptron6")
    shown = dataclasses.replace(run.config.netspace, train_architectures=("perceptron3", "perceptron5"))
    run = tiny.again(run, config=dataclasses.replace(run.config, netspace=shown))
    section = unseen(run)
    names = ("accuracy", "scratch_accuracy", "distilled_accuracy")
    assert section.metrics.keys() == {f"unseen/perceptron4/{name}" for name in names}
    (row,) = section.table[1:]
    (teacher,) = (member.score_test for member in run.zoo.members if member.split == "teacher")
    assert row[:2] == ("perceptron4", "never shown") and row[8] == f"{teacher:.3f}"
    assert row[7] == f"{section.metrics['unseen/perceptron4/distilled_accuracy']:.3f}"
    assert "never shown to NetSpace" in section.text
    assert [row[0] for row in architectures(run).table[1:]] == ["perceptron3", "perceptron5"]


def test_a_run_has_the_sections_that_its_architectures_allow():
    """Between two of three there is one more; two have nothing between, and one is alone."""
    several = {"interpolate_architectures", "unseen", "architectures"}

    def names(widths):
        run = tiny.trained(widths, FACTOR)
        return several & {one.name for one in domain("images").evaluations if one.applies(run)}

    assert names(WIDTHS) == several and names((3, 4)) == {"architectures"} and not names((3,))
