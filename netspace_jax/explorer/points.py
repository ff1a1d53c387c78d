"""The points of the map: members of a zoo, networks generated from them, and networks drawn at random."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from sklearn.decomposition import PCA

from netspace_jax.dataset import Split, one_task
from netspace_jax.explorer.view import View
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.runs import Run
from netspace_jax.space.batched import classify_many, embed_members, generate_many

_MAX_POINTS, _MAX_VALUES = 480, 700_000  # points, and values of their embeddings


class Points(NamedTuple):
    """Points of one kind."""

    kind: str
    embeddings: Float[np.ndarray, "point embedding"]
    scores: Float[np.ndarray, "point"]
    architecture_ids: Int[np.ndarray, "point"]
    labels: list[str]


def map_points(run: Run, view: View) -> list[Points]:
    """Members that the space never saw, members that trained it, networks generated from the first, and drawn ones."""
    ids = run.trained_ids
    count = max(min(_MAX_POINTS, _MAX_VALUES // run.space.embedding_size) // (4 * len(ids)), 2)
    kinds = {
        "never seen by the space": [_test_members(run, view, i, 2 * count) for i in ids],
        "trained the space": [_training_members(run, view, i, count) for i in ids],
        "generated, embedded again": [_generated(run, view, i, count // 2) for i in ids],
        "drawn at random": _drawn(run, count // 2 * len(ids)),
    }
    return [_joined(kind, parts) for kind, parts in kinds.items()]


def principal_plane(
    z: Float[np.ndarray, "point embedding"],
) -> tuple[Float[np.ndarray, "2 embedding"], Float[np.ndarray, "embedding"], list[float]]:
    """The first two principal axes of embeddings, their mean, and the axes' shares of the variance."""
    if z.shape[1] == 1:
        return np.zeros((2, 1), np.float32), np.zeros(1, np.float32), []
    plane = PCA(2, random_state=0).fit(z.astype(np.float32))
    axes, mean = (np.asarray(values, np.float32) for values in (plane.components_, plane.mean_))
    return axes, mean, plane.explained_variance_ratio_.tolist()


def _test_members(run: Run, view: View, architecture_id: int, count: int) -> Points:
    members = run.reconstruction(architecture_id, "test")
    labels = _labels(view, architecture_id, "test", len(members.score))[:count]
    return _points(members.embedding[:count], members.score[:count], architecture_id, labels)


def _training_members(run: Run, view: View, architecture_id: int, count: int) -> Points:
    embeddings = np.asarray(run.space.embeddings[run.space.names[architecture_id]])
    members = run.networks(architecture_id, "train").members
    labels = _labels(view, architecture_id, "train", len(embeddings))
    rows = np.linspace(0, len(embeddings) - 1, min(count, len(embeddings))).astype(int)
    scores = [members[row].score_test for row in rows]
    return _points(embeddings[rows], scores, architecture_id, [labels[row] for row in rows])


def _generated(run: Run, view: View, architecture_id: int, count: int) -> Points:
    members = run.reconstruction(architecture_id, "test")
    indices = run.networks(architecture_id, "test").indices
    embeddings = embed_members(run.space, architecture_id, members.generated[:count], run.dataset, indices[:count])
    labels = _labels(view, architecture_id, "test", len(members.score))[:count]
    return _points(embeddings, members.generated_score[:count], architecture_id, labels)


def _drawn(run: Run, count: int) -> list[Points]:
    """Networks drawn from the space's density, of the architectures that the head reads in them."""
    space = run.space
    z = np.asarray(space.density().sample(key_of(0, Purpose.SAMPLE), count))
    ids, parts = np.asarray(classify_many(space, z)), []
    for architecture_id in np.unique(ids).tolist():
        rows = z[ids == architecture_id]
        scores = np.full(len(rows), np.nan)
        if one_task(run.dataset):
            flats = generate_many(space, architecture_id, rows)
            scores = scores_of(run.dataset, space.architectures[architecture_id], flats)
        parts.append(_points(rows, scores, architecture_id, [""] * len(rows)))
    return parts


def _labels(view: View, architecture_id: int, split: Split, count: int) -> list[str]:
    return list(view.labels(architecture_id, split)) if view.labels else [""] * count


def _points(embeddings, scores, architecture_id: int, labels: list[str]) -> Points:
    ids = np.full(len(embeddings), architecture_id)
    return Points("", np.asarray(embeddings), np.asarray(scores), ids, labels[: len(embeddings)])


def _joined(kind: str, parts: list[Points]) -> Points:
    embeddings, scores, ids = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
    return Points(kind, embeddings, scores, ids, [label for part in parts for label in part.labels])
