"""Pictures and meshes side by side: meshes where and as large as they should be, lit from above."""

import numpy as np
import pytest
import trimesh

from netspace_jax.domains.fields.gallery import gallery, mesh_gallery

EMPTY = trimesh.Trimesh(np.zeros((0, 3)), np.zeros((0, 3), int), process=False)


def box(half, centre=(0, 0, 0)):
    return trimesh.creation.box(np.full(3, 2 * half), trimesh.transformations.translation_matrix(centre))


def drawn(*meshes):
    """The pixels of each mesh of a row, from 0 to 1."""
    figure = mesh_gallery([meshes], [""])
    figure.canvas.draw()
    return np.array_split(np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255, len(meshes), axis=1)


def blue(picture):
    """Pixels that show a shape."""
    return picture[..., 2] - picture[..., 0] > 0.1


def test_a_ball_is_a_disc_and_sizes_compare():
    big, half = (blue(picture) for picture in drawn(*(trimesh.creation.icosphere(4, radius) for radius in (0.6, 0.3))))
    assert big.sum() / half.sum() == pytest.approx(4, rel=0.05)
    height, width = (np.ptp(places) + 1 for places in np.nonzero(big))
    assert height == pytest.approx(width, abs=1.5)
    assert big.sum() == pytest.approx(np.pi / 4 * height * width, rel=0.03)


@pytest.mark.parametrize(
    ("direction", "axis", "sign"), [((0.5, 0, 0), 1, 1), ((0, 0.5, 0), 0, -1), ((0, 0, 0.5), 1, -1)]
)
def test_x_is_right_y_is_up_and_the_front_is_to_the_left(direction, axis, sign):
    places = [np.mean(np.nonzero(blue(drawn(box(0.2, centre))[0])), axis=1)[axis] for centre in ((0, 0, 0), direction)]
    assert sign * (places[1] - places[0]) > 5


def test_light_comes_from_above_and_near_triangles_hide_far_ones():
    behind, alone = drawn(trimesh.util.concatenate([box(0.2, (0, 0, -0.4)), box(0.5)]), box(0.5))
    rows = np.nonzero(blue(alone)[:, alone.shape[1] // 2])[0]
    middle = alone[:, alone.shape[1] // 2].sum(-1)
    assert middle[rows[0] + 5] > middle[rows[-1] - 5] + 0.2
    assert blue(behind).sum() == pytest.approx(blue(alone).sum(), rel=0.02)


def test_rows_and_columns_are_named_and_an_empty_mesh_is_said_to_be():
    figure = mesh_gallery([[box(0.5), EMPTY], [box(0.5)]], ["input", "generated"], ["a", "b"])
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "", ""]
    assert [[text.get_text() for text in ax.texts] for ax in figure.axes] == [
        ["input"], ["no surface"], ["generated"], []]  # fmt: skip
    assert [len(ax.collections) for ax in figure.axes] == [1, 0, 1, 0]


@pytest.mark.parametrize(("channels", "shape"), [(1, (4, 4)), (3, (4, 4, 3))])
def test_pictures_are_shown_grey_or_in_colour(channels, shape):
    figure = gallery([np.zeros((2, 4, 4, channels))], ["pictures"])
    assert [ax.images[0].get_array().shape for ax in figure.axes] == [shape] * 2
