"""Shapes of which one half was seen: the embedding whose network fits it, the decoder frozen."""

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.config import SearchConfig
from netspace_jax.domains.fields.geometry import Mesh, iou
from netspace_jax.domains.fields.render import picture_grid
from netspace_jax.domains.fields.shapes import field_of, mesh_of
from netspace_jax.latent import search as latent
from netspace_jax.latent.objectives import Points
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained

SHAPES = 4
STARTS = 8
SEEN, HELD = 2048, 512  # points of the seen half: to fit, and to choose by
NOISE = 0.005  # deviation of the error on each measured distance
CONFIG = SearchConfig(steps=600, learning_rate=0.03, trust=1e-5, looks=12)


def half_seen(rows: np.ndarray, seed: int) -> Points:
    """Noisy distances at points of the half z > 0: what a scanner in front of the shape might give."""
    rng = np.random.default_rng(seed)
    rows = np.resize(rows[rows[:, 2] > 0], (SEEN + HELD, 4)).astype(np.float32)
    rows[:, 3] += NOISE * rng.standard_normal(len(rows)).astype(np.float32)
    return Points(jnp.asarray(rows[:SEEN]), jnp.asarray(rows[SEEN:]))


def _front(mesh: Mesh) -> Mesh:
    if mesh.empty:
        return mesh
    return Mesh(mesh.vertices, mesh.faces[mesh.vertices[mesh.faces].mean(1)[:, 2] > 0])


def completion(trained: Trained) -> Section:
    """The half that was not seen, by search in the space, beside the training shape that fits the seen half best."""
    architecture, task = trained.netspace.architectures[0], trained.task
    members = trained.networks(0, "test")
    networks = trained.shown(members)
    known = jnp.asarray(reconstruct_split(trained, 0, "train").embedding)
    here = latent.region_of(known)
    decode = jax.jit(lambda z: trained.netspace.decode(trained.params, trained.constants, z, 0))
    values = jax.jit(lambda flat, points: field_of(architecture)(flat, points))

    @jax.jit
    def merits(goal):
        def one(z):
            flat = trained.netspace.decode(trained.params, trained.constants, z, 0)
            return -goal.loss(lambda x: architecture.apply(flat, x), jax.random.key(0), jnp.int32(0))
        return jax.lax.map(one, known, batch_size=16)

    overlaps, grids = {"found": [], "nearest": []}, [[], [], []]
    for row in range(min(SHAPES, len(networks.items))):
        item = networks.items[row]
        goal = half_seen(np.asarray(task.held_out[item]), row)
        first = jnp.argsort(-merits(goal))[:STARTS]
        found = latent.search(trained.netspace, trained.params, trained.constants, here, goal, known[first], 0, CONFIG)
        flat = decode(found.z[int(jnp.argmax(found.merit))])
        unseen = np.asarray(task.uniform[item])
        unseen = unseen[unseen[:, 2] < 0]
        overlaps["found"].append(iou(np.asarray(values(flat, unseen[:, :3])), unseen[:, 3]))
        overlaps["nearest"].append(iou(np.asarray(values(decode(known[first[0]]), unseen[:, :3])), unseen[:, 3]))
        truth = mesh_of(architecture, networks.flats[row])
        for grid, mesh in zip(grids, (_front(truth), mesh_of(architecture, flat), truth), strict=True):
            grid.append(mesh)
    metrics = {"completion/unseen_half_iou": float(np.mean(overlaps["found"])),
               "completion/nearest_iou": float(np.mean(overlaps["nearest"]))}
    figure, _ = picture_grid(grids, ["seen", "completed", "SIREN of all"], [member.item for member in members.members[:len(grids[0])]],
                             size=200)
    text = (f"{SEEN} points of the front half (z > 0) of shapes never seen, with distances that are off by {NOISE} (standard "
            f"deviation), fitted by {STARTS} searches of {CONFIG.steps} steps each from the training embeddings that fit best. "
            f"Mean IoU with the true shape over the half that was NOT seen: {metrics['completion/unseen_half_iou']:.3f}; of the "
            f"training embedding that fits best, without search: {metrics['completion/nearest_iou']:.3f}.")
    return Section("completion", "Half a shape, completed", text, metrics, figure)
