"""Shapes of which one half was seen: the embedding whose network fits it, the decoder frozen."""

import jax
import jax.numpy as jnp
import numpy as np
import trimesh

from netspace_jax import latent
from netspace_jax.config import SearchConfig
from netspace_jax.domains.fields.dataset import FieldData, ShapeTruth
from netspace_jax.domains.fields.gallery import mesh_gallery
from netspace_jax.domains.fields.geometry import iou, is_empty
from netspace_jax.domains.fields.members import items_of
from netspace_jax.domains.fields.objectives import Points
from netspace_jax.domains.fields.shapes import mesh_of, values_at
from netspace_jax.report import Section
from netspace_jax.runs import Run
from netspace_jax.space.batched import generate_many
from netspace_jax.space.search import search

SHAPES = 4
STARTS = 8
SEEN, HELD = 2048, 512  # points of the seen half: to fit, and to choose by
NOISE = 0.005  # standard deviation of the error on each measured distance
CONFIG = SearchConfig(steps=600, learning_rate=0.03, trust=2e-4, validations=12)


def half_seen(rows: np.ndarray, seed: int) -> Points:
    """Noisy distances at points of the half z > 0: what a scanner in front of the shape might give."""
    rng = np.random.default_rng(seed)
    rows = np.resize(rows[rows[:, 2] > 0], (SEEN + HELD, 4)).astype(np.float32)
    rows[:, 3] += NOISE * rng.standard_normal(len(rows)).astype(np.float32)
    return Points(jnp.asarray(rows[:SEEN]), jnp.asarray(rows[SEEN:]))


def _front(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    if is_empty(mesh):
        return mesh
    faces = mesh.faces[mesh.vertices[mesh.faces].mean(1)[:, 2] > 0]
    return trimesh.Trimesh(mesh.vertices, faces, process=False)


def completion(run: Run[FieldData[ShapeTruth]]) -> Section:
    """Half a shape, completed: by search in the space, beside the training shape that fits the seen half best."""
    architecture, data, space = run.space.architectures[0], run.dataset, run.space
    networks = run.networks(0, "test")
    embeddings = jnp.asarray(space.embeddings[space.names[0]])
    statistics = latent.correlated_statistics(embeddings)

    @jax.jit
    def fits(objective):
        def one(z):
            flat = space.generate(z, 0)
            return -objective.loss(lambda x: architecture.apply(flat, x), jax.random.key(0), jnp.int32(0))

        return jax.lax.map(one, embeddings, batch_size=16)

    def unseen_iou(flat, rows):
        behind = rows[rows[:, 2] < 0]
        values = values_at(architecture, jnp.asarray(flat)[None], jnp.asarray(behind[None, :, :3]))
        return iou(np.asarray(values[0]), behind[:, 3])

    overlaps, nearest_overlaps, columns = [], [], []
    for row, item in enumerate(items_of(run, "test")[:SHAPES].tolist()):
        objective = half_seen(np.asarray(data.unseen.rows(item)), row)
        starts = embeddings[jnp.argsort(-fits(objective))[:STARTS]]
        result = search(space, statistics, objective, starts, architecture_id=0, config=CONFIG)
        best = result.point[int(jnp.argmax(result.score))]
        completed, nearest = generate_many(space, 0, np.stack([best, starts[0]]))
        uniform = np.asarray(data.truth.uniform[item])
        overlaps.append(unseen_iou(completed, uniform))
        nearest_overlaps.append(unseen_iou(nearest, uniform))
        whole = mesh_of(architecture, networks.parameters[row])
        columns.append((_front(whole), mesh_of(architecture, completed), whole))
    metrics = {
        "completion/unseen_half_iou": float(np.mean(overlaps)),
        "completion/nearest_iou": float(np.mean(nearest_overlaps)),
    }
    names = [member.item for member in networks.members[:SHAPES]]
    figure = mesh_gallery([*zip(*columns, strict=True)], ["seen", "completed", "SIREN of all"], names)
    wins = sum(a > b for a, b in zip(overlaps, nearest_overlaps, strict=True))
    text = (
        f"{SEEN} points of the front half (z > 0) of shapes never seen, with distances that are off by {NOISE} "
        f"(standard deviation), fitted by {STARTS} searches of {CONFIG.steps} steps each from the training embeddings "
        f"that fit best. Mean IoU with the true shape over the half that was NOT seen: "
        f"{metrics['completion/unseen_half_iou']:.3f}; "
        f"of the training embedding that fits best, without search: {metrics['completion/nearest_iou']:.3f}. That of "
        f"the search is higher for {wins} of {len(overlaps)} shapes."
    )
    return Section("completion", "Half a shape, completed", text, metrics, figure)
