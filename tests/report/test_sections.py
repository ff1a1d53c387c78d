"""The sections of every report, by hand: of a space that gives networks back at minus half their size."""

import dataclasses
import json

import numpy as np
import pytest
from etils import epath
from scipy.stats import kendalltau

from netspace_jax.metrics.outputs import outputs_of, scores_of
from netspace_jax.report import sections
from tests import tiny

FACTOR = -0.5


@pytest.fixture(scope="module")
def run():
    return tiny.trained((3, 4), FACTOR)


def compared(run, which, split):
    """Scores of members and of what is generated from them, and their agreement."""
    flats, architecture = run.networks(which, split).parameters, run.space.architectures[which]
    said = [np.asarray(outputs_of(run.dataset, architecture, factor * flats)).argmax(-1) for factor in (1, FACTOR)]
    labels = np.asarray(run.dataset.examples("test").targets)
    return (said[0] == labels).mean(1), (said[1] == labels).mean(1), (said[0] == said[1]).mean(1)


def test_the_figures_of_a_reconstruction_are_means_over_architectures(run):
    section, found = sections.reconstruction(run), [compared(run, which, "test") for which in (0, 1)]
    shown = [compared(run, which, "train") for which in (0, 1)]
    expected = {
        "gap_test": np.mean([np.abs(own - new).mean() for own, new, _ in found]),
        "gap_train": np.mean([np.abs(own - new).mean() for own, new, _ in shown]),
        "agreement_test": np.mean([agreement.mean() for _, _, agreement in found]),
        "kendall_tau_test": np.mean([kendalltau(own, new).statistic for own, new, _ in found]),
        "accuracy_test": np.mean([new.mean() for _, new, _ in found]),
    }
    assert section.metrics.keys() == {f"reconstruct/{name}" for name in expected}
    for name, value in expected.items():
        np.testing.assert_allclose(section.metrics[f"reconstruct/{name}"], value, rtol=1e-5, atol=1e-6)
    (ax,) = section.figure.axes
    for drawn, (own, new, _) in zip(ax.collections, found, strict=True):
        np.testing.assert_allclose(drawn.get_offsets(), np.stack([own, new], 1), atol=1e-6)
    title = ax.get_title()
    assert f"gap {expected['gap_test']:.3f} (" in title and f"agreement {expected['agreement_test']:.3f} (" in title
    assert f"{expected['kendall_tau_test']:.3f}" in ax.get_title()


def test_the_embeddings_of_all_test_networks_are_drawn(run):
    figure = sections.embeddings(run).figure
    drawn = figure.axes[0].collections[:2]
    assert [len(group.get_offsets()) for group in drawn] == [6, 6]
    scores = [
        scores_of(run.dataset, run.space.architectures[which], run.networks(which, "test").parameters)
        for which in (0, 1)
    ]
    for group, expected in zip(drawn, scores, strict=True):
        np.testing.assert_allclose(group.get_array(), expected, atol=1e-6)
    # Where embeddings are weights, distances in the plane are at most those of the weights.
    points, flats = drawn[0].get_offsets(), run.networks(0, "test").parameters
    for i in range(6):
        away = np.linalg.norm(flats - flats[i], axis=1)
        assert (np.linalg.norm(points - points[i], axis=1) <= away + 1e-4).all()


def test_the_prep_of_the_best_and_of_what_is_generated_from_it(run):
    section = sections.preps(run)
    networks = run.networks(0, "test")
    best = max(range(6), key=lambda row: networks.members[row].score_test)
    given, generated = (np.asarray(ax.images[0].get_array()).reshape(-1) for ax in section.figure.axes[:2])
    np.testing.assert_array_equal(given[:67], networks.parameters[best])
    np.testing.assert_allclose(generated[:67], FACTOR * networks.parameters[best], rtol=1e-6)
    assert not given[67:].any() and not generated[67:].any() and "perceptron3" in section.text


def test_the_zoo_by_architecture_and_split():
    run = tiny.trained((3, 4), teacher="perceptron5")
    summary = {"seconds": 1.5, "members": 37, "diverged": 2, "score_min": 0.1, "score_mean": 0.2, "score_max": 0.3}
    run = tiny.again(run, zoo=tiny.Held(run.zoo.held, summary))
    section = sections.zoo(run)
    assert section.metrics == {
        "zoo/seconds": 1.5,
        "zoo/members": 37,
        "zoo/diverged": 2,
        "zoo/accuracy_min": 0.1,
        "zoo/accuracy_mean": 0.2,
        "zoo/accuracy_max": 0.3,
    }
    assert "2 of 37" in section.text
    rows = {row[:2]: row[2:] for row in section.table[1:]}
    assert rows.keys() == {
        ("perceptron3", "train"),
        ("perceptron3", "test"),
        ("perceptron4", "train"),
        ("perceptron4", "test"),
        ("perceptron5", "teacher"),
    }
    for (name, split), row in rows.items():
        scores = [m.score_test for m in run.zoo.members if (m.architecture, m.split) == (name, split)]
        assert row == (str(len(scores)), *(f"{value:.3f}" for value in (min(scores), np.mean(scores), max(scores))))


@pytest.mark.parametrize(("select", "values"), [("gap", (-0.25, -0.125)), ("agreement", (0.5, 0.75))])
def test_the_training_is_drawn_from_its_log(run, tmp_path, select, values):
    """Losses where they were logged, and the selection metric, the gap without its sign."""
    lines = [
        {"step": 5, "total": 1.0},
        {"step": 10, "total": 0.5},
        {"step": 10, f"validation_{select}": values[0]},
        {"step": 20, "total": 0.25},
        {"step": 20, f"validation_{select}": values[1]},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    netspace = dataclasses.replace(run.config.netspace, select=select)
    config = dataclasses.replace(run.config, netspace=netspace)
    section = sections.training(tiny.again(run, path=epath.Path(tmp_path), step=20, config=config))
    loss, checks = section.figure.axes
    np.testing.assert_array_equal(loss.lines[0].get_xydata(), [[5, 1], [10, 0.5], [20, 0.25]])
    np.testing.assert_array_equal(checks.lines[0].get_xydata(), [[10, abs(values[0])], [20, abs(values[1])]])
    assert "step 20" in section.text and checks.get_ylabel() == f"validation {select}"
