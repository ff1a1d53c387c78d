"""Shapes of which one half was seen: the embedding whose network fits it, the decoder frozen."""

import jax
import jax.numpy as jnp
import numpy as np
import trimesh

from netspace_jax import latent
from netspace_jax.config import SearchConfig
from netspace_jax.domains.fields.dataset import FieldData, ShapeTruth
from netspace_jax.domains.fields.geometry import iou, is_empty
from netspace_jax.domains.fields.objectives import Points
from netspace_jax.domains.fields.render import picture_grid
from netspace_jax.domains.fields.shapes import mesh_of, values_at
from netspace_jax.report import Section
from netspace_jax.runs import Run
from netspace_jax.space.many import generate_many
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
    known = jnp.asarray(run.reconstruction(0, "train").embedding)
    region = latent.correlated_statistics(known)

    @jax.jit
    def fits(objective):
        def one(z):
            flat = space.generate(z, 0)
            return -objective.loss(lambda x: architecture.apply(flat, x), jax.random.key(0), jnp.int32(0))

        return jax.lax.map(one, known, batch_size=16)

    def overlap(flat, rows):
        values = values_at(architecture, jnp.asarray(flat)[None], jnp.asarray(rows[None, :, :3]))
        return iou(np.asarray(values[0]), rows[:, 3])

    overlaps, grids = {"found": [], "nearest": []}, [[], [], []]
    for row, member in enumerate(networks.indices[:SHAPES]):
        item = int(member) % data.items
        objective = half_seen(np.asarray(data.unseen.rows(item)), row)
        first = jnp.argsort(-fits(objective))[:STARTS]
        found = search(space, region, objective, known[first], architecture_id=0, config=CONFIG)
        best = found.z[int(jnp.argmax(found.score))]
        flat, nearest = generate_many(space, 0, np.stack([best, known[first[0]]]))
        unseen = np.asarray(data.truth.uniform[item])
        unseen = unseen[unseen[:, 2] < 0]
        overlaps["found"].append(overlap(flat, unseen))
        overlaps["nearest"].append(overlap(nearest, unseen))
        truth = mesh_of(architecture, networks.parameters[row])
        for grid, mesh in zip(grids, (_front(truth), mesh_of(architecture, flat), truth), strict=True):
            grid.append(mesh)
    metrics = {
        "completion/unseen_half_iou": float(np.mean(overlaps["found"])),
        "completion/nearest_iou": float(np.mean(overlaps["nearest"])),
    }
    names = [member.item for member in networks.members[: len(grids[0])]]
    figure, _ = picture_grid(grids, ["seen", "completed", "SIREN of all"], names, size=200)
    wins = sum(a > b for a, b in zip(overlaps["found"], overlaps["nearest"], strict=True))
    text = (
        f"{SEEN} points of the front half (z > 0) of shapes never seen, with distances that are off by {NOISE} "
        f"(standard deviation), fitted by {STARTS} searches of {CONFIG.steps} steps each from the training embeddings "
        f"that fit best. Mean IoU with the true shape over the half that was NOT seen: "
        f"{metrics['completion/unseen_half_iou']:.3f}; "
        f"of the training embedding that fits best, without search: {metrics['completion/nearest_iou']:.3f}. That of "
        f"the search is higher for {wins} of {len(overlaps['found'])} shapes."
    )
    return Section("completion", "Half a shape, completed", text, metrics, figure)
