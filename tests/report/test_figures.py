"""Figures: every group is drawn, whatever its number, and told apart from the others."""

import matplotlib.colors
import numpy as np
import pytest

from netspace_jax.behaviour import Metric
from netspace_jax.report import figures
from netspace_jax.report.figures import COLOURS, MARKERS, styles

ACCURACY = Metric("accuracy")


def test_no_two_groups_look_alike():
    """As many as there are pairs; the first seven differ in both."""
    found = styles(len(COLOURS) * len(MARKERS))
    assert len({*found}) == len(found)
    assert {colour for colour, _ in found} == {*COLOURS} and {marker for _, marker in found} == {*MARKERS}
    first = styles(7)
    assert [len({*column}) for column in zip(*first, strict=True)] == [7, 7] and found[:7] == first
    assert not styles(0)


def colours_of(drawn):
    return [matplotlib.colors.to_hex(row) for row in drawn.get_facecolors()]


@pytest.mark.parametrize("count", [1, 7, 8, 9])
def test_all_groups_are_drawn_over_their_inputs(count):
    groups = [(f"architecture{i}", np.array([0.1 * i, 0.5]), np.array([0.2, 0.1 * i])) for i in range(count)]
    _, ax = figures.input_against_generated(groups, ACCURACY)
    assert len(ax.collections) == count
    for drawn, (label, inputs, generated) in zip(ax.collections, groups, strict=True):
        np.testing.assert_allclose(drawn.get_offsets(), np.stack([inputs, generated], 1))
        assert drawn.get_label() == label
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [label for label, _, _ in groups]
    looks = [(colours_of(drawn)[0], drawn.get_paths()[0].vertices.tobytes()) for drawn in ax.collections]
    assert len({*looks}) == count


def test_axes_of_scores_end_where_the_metric_does():
    """Or where the scores do, for a metric without bounds."""
    scores = np.array([-3.0, 7.0])
    assert figures.score_limits(ACCURACY, scores) == (0, 1.02)
    assert figures.score_limits(Metric("return", low=-np.inf, high=np.inf), scores) == (-3, 7.2)
    _, ax = figures.input_against_generated([("a", np.array([0.55, 0.9]), np.array([0.5, 0.7]))], ACCURACY)
    np.testing.assert_allclose(ax.get_xlim(), (0.38, 1.02))


def test_nine_architectures_are_all_read_on_the_way_across():
    names, read = [f"architecture{i}" for i in range(9)], np.arange(18) // 2
    share, scores = np.linspace(0, 1, 18), np.linspace(0.2, 0.9, 18)
    _, ax = figures.across_architectures(share, scores, read, names, ACCURACY)
    assert [drawn.get_label() for drawn in ax.collections] == names
    np.testing.assert_allclose(
        np.concatenate([drawn.get_offsets() for drawn in ax.collections]), np.stack([share, scores], 1)
    )


def test_an_architecture_that_is_not_read_is_not_drawn():
    """The colours of the others stay theirs."""
    ends = np.array([0.0, 1.0])
    _, ax = figures.across_architectures(ends, ends, np.array([0, 2]), ("a", "b", "c"), ACCURACY)
    assert [drawn.get_label() for drawn in ax.collections] == ["a", "c"]
    assert [colours_of(drawn)[0] for drawn in ax.collections] == [COLOURS[0].lower(), COLOURS[2].lower()]


def test_nine_ways_are_all_drawn():
    share = np.linspace(0, 1, 3)
    lines = [(f"way{i}", np.full(3, i / 10)) for i in range(9)]
    _, ax = figures.along_a_line(share, lines, ACCURACY)
    assert [line.get_label() for line in ax.lines] == [label for label, _ in lines]
    for line, (_, scores) in zip(ax.lines, lines, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), scores)
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 9


def test_nine_groups_of_embeddings_get_markers():
    points = np.random.default_rng(0).normal(size=(18, 2))
    groups = [(f"architecture{i}", np.array([i, 9 + i])) for i in range(9)]
    _, ax = figures.plane_of_embeddings(points, np.linspace(0, 1, 18), "accuracy", np.array([0.5, 0.25]), groups)
    assert [drawn.get_label() for drawn in ax.collections[:9]] == [label for label, _ in groups]
    for drawn, (_, rows) in zip(ax.collections, groups, strict=False):
        np.testing.assert_allclose(drawn.get_offsets(), points[rows])
    assert "50%" in ax.get_xlabel() and "25%" in ax.get_ylabel()


def test_embeddings_of_one_architecture_need_no_legend():
    points = np.random.default_rng(0).normal(size=(5, 2))
    _, ax = figures.plane_of_embeddings(points, np.linspace(0, 1, 5), "accuracy", np.array([0.5, 0.25]))
    np.testing.assert_allclose(ax.collections[0].get_offsets(), points)
    assert ax.get_legend() is None


@pytest.mark.parametrize("shape", [(8, 20), (2, 40)])
def test_preps_are_drawn_on_one_scale(shape):
    """Side by side, or one above the other where they are wide."""
    pairs = [("input", np.full(shape, 0.5)), ("generated", np.full(shape, -2.0))]
    _, axes = figures.preps(pairs)
    images = [ax.images[0] for ax in axes]
    assert [ax.get_title() for ax in axes] == ["input", "generated"]
    for image, (_, values) in zip(images, pairs, strict=True):
        np.testing.assert_array_equal(image.get_array(), values)
        assert (image.norm.vmin, image.norm.vmax) == (-2, 2)


def test_losses_and_checks_have_an_axis_each():
    _, ax = figures.training_curve([5, 10], [1.0, 0.1], [(10, 0.25)], "validation gap")
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[5, 1], [10, 0.1]])
    (other,) = (each for each in ax.figure.axes if each is not ax)
    np.testing.assert_array_equal(other.lines[0].get_xydata(), [[10, 0.25]])
    assert other.get_ylabel() == "validation gap"


def test_a_panel_for_each_thing_that_is_varied():
    rows = np.array([[0.3, 0.6], [0.1, 0.9]])
    _, axes = figures.against_size([("size", np.array([2, 4]), rows), ("networks", np.array([8, 16]), rows[::-1])])
    assert [ax.get_xlabel() for ax in axes] == ["size", "networks"]
    for ax, wanted in zip(axes, (rows, rows[::-1]), strict=True):
        for line, column, label in zip(ax.lines, wanted.T, ("gap", "agreement"), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), column)
            assert line.get_label() == label
