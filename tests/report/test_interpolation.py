"""From one network to another, as a report says it."""

import dataclasses

import numpy as np
import pytest

from netspace_jax.latent import line
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.report.interpolation import interpolation
from netspace_jax.report.words import relation
from tests import tiny

FACTOR = -0.5


def lowest(run, rows, factor=1.0):
    """Lowest test score of 100 networks on the line between two, `factor` times as large."""
    a, b = (run.networks(0, "test").parameters[row] for row in rows)
    return scores_of(run.dataset, tiny.perceptron(), factor * line(a, b, 100)).min()


def best_two(run, score):
    members = run.networks(0, "test").members
    return sorted(range(6), key=lambda row: -getattr(members[row], score))[:2]


@pytest.mark.parametrize("make", [tiny.again, tiny.contrary])
def test_the_ends_are_the_best_two_by_validation(make):
    """Generated networks are minus half of what an embedding says."""
    run = make(tiny.trained(factor=FACTOR))
    ends = best_two(run, "score_validation")
    section = interpolation(run)
    np.testing.assert_allclose(section.metrics["interpolate/latent_min"], lowest(run, ends, FACTOR), rtol=1e-6)
    np.testing.assert_allclose(section.metrics["interpolate/weights_min"], lowest(run, ends), rtol=1e-6)
    (embeddings, weights) = (drawn.get_ydata() for drawn in section.figure.axes[0].lines)
    assert (min(embeddings), min(weights)) == tuple(section.metrics.values())


def test_the_best_on_test_images_are_not_chosen():
    run = tiny.contrary(tiny.trained(factor=FACTOR))
    by_validation, by_test = (best_two(run, score) for score in ("score_validation", "score_test"))
    assert not {*by_validation} & {*by_test}
    ends = interpolation(run).figure.axes[0].lines[1].get_ydata()[[0, -1]]
    members = run.networks(0, "test").members
    np.testing.assert_allclose(ends, [members[row].score_test for row in by_validation], rtol=1e-6)
    assert ends.max() < min(members[row].score_test for row in by_test)


@pytest.mark.parametrize(("factor", "shared"), [(FACTOR, False), (1.0, True)])
def test_the_text_says_what_this_run_came_to(factor, shared):
    """Its own minima, whichever is the lower, and no conclusion that another run might not bear out."""
    run = tiny.trained(factor=factor)
    zoo = dataclasses.replace(run.config.zoo, shared_init=shared)
    run = tiny.again(run, config=dataclasses.replace(run.config, zoo=zoo))
    text, ends = interpolation(run).text, best_two(run, "score_validation")
    latent, weights = lowest(run, ends, factor), lowest(run, ends)
    assert f"Between their embeddings the lowest accuracy is {latent:.3f} (at the ends" in text
    assert f"between their weights {weights:.3f} (" in text
    assert text.endswith(f"By the embeddings it is {relation(float(latent), float(weights))}.")
    assert f"chance: {run.dataset.chance('test'):.3f}" in text and "two best test perceptron3s by validation" in text
    assert ("one shared initialisation" in text, "initialisations of their own" in text) == (shared, not shared)
    assert (latent == weights) == (factor == 1)
