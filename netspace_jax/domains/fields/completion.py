"""Shapes of which one half was seen: the embedding whose network fits it, the decoder frozen."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import trimesh
from jaxtyping import Array, Float

from netspace_jax.config import SearchConfig
from netspace_jax.dataset import Batch
from netspace_jax.domains.fields.behaviour import Field
from netspace_jax.domains.fields.dataset import FieldData, ShapeTruth
from netspace_jax.domains.fields.gallery import mesh_gallery
from netspace_jax.domains.fields.geometry import iou, is_empty
from netspace_jax.domains.fields.members import items_of
from netspace_jax.domains.fields.shapes import mesh_of
from netspace_jax.latent import correlated_statistics
from netspace_jax.latent.objectives import FitArrays, RunNetwork
from netspace_jax.metrics.outputs import outputs_of
from netspace_jax.report import Section
from netspace_jax.runs import Run
from netspace_jax.space.batched import generate_many
from netspace_jax.space.search import search

SHAPES = 4
STARTS = 8
SEEN, HELD = 2048, 512  # points of the seen half: to fit, and to choose by
NOISE = 0.005  # standard deviation of the error on each measured distance
CONFIG = SearchConfig(steps=600, learning_rate=0.03, trust=2e-4, validations=12)


@flax.struct.dataclass
class NearValues(FitArrays):
    """Pass through values of a field; the best embedding is nearest, on average, to those that are held out."""

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """Minus the mean absolute error at held-out points."""
        return -jnp.abs(network(self.held_inputs) - self.held_targets).mean()


def half_seen(behaviour: Field, samples: Batch, seed: int) -> NearValues:
    """Noisy distances at points of the half z > 0: what a scanner in front of the shape might give."""
    front = np.asarray(samples.inputs)[:, 2] > 0
    points, distances = (np.resize(np.asarray(rows)[front], (SEEN + HELD, rows.shape[1])) for rows in samples)
    distances += NOISE * np.random.default_rng(seed).standard_normal(distances.shape).astype(np.float32)
    return NearValues(behaviour, *map(jnp.asarray, (points[:SEEN], distances[:SEEN], points[SEEN:], distances[SEEN:])))


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
    statistics = correlated_statistics(embeddings)

    @jax.jit
    def fits(objective):
        def one(z):
            flat = space.generate(z, 0)
            return -objective.loss(lambda x: architecture.apply(flat, x), jax.random.key(0), jnp.int32(0))

        return jax.lax.map(one, embeddings, batch_size=16)

    held_out, uniform = data.at(data.held_out or data.train[0]), data.at(data.truth.distances)
    overlaps, columns = [], []
    for row, item in enumerate(items_of(run, "test")[:SHAPES].tolist()):
        objective = half_seen(data.behaviour, held_out.of(item).examples("test"), row)
        starts = embeddings[jnp.argsort(-fits(objective))[:STARTS]]
        result = search(space, statistics, objective, starts, architecture_id=0, config=CONFIG)
        pair = generate_many(space, 0, np.stack([result.point[int(jnp.argmax(result.score))], starts[0]]))
        points, distances = map(np.asarray, uniform.of(item).examples("test"))
        behind = points[:, 2] < 0
        values = np.asarray(outputs_of(uniform, architecture, pair, np.array([item, item])))
        overlaps.append([iou(outputs[behind, 0], distances[behind, 0]) for outputs in values])
        whole = mesh_of(architecture, networks.parameters[row])
        columns.append((_front(whole), mesh_of(architecture, pair[0]), whole))
    completed, nearest = np.transpose(overlaps)
    metrics = {
        "completion/unseen_half_iou": float(completed.mean()),
        "completion/nearest_iou": float(nearest.mean()),
    }
    names = [member.item for member in networks.members[:SHAPES]]
    figure = mesh_gallery([*zip(*columns, strict=True)], ["seen", "completed", "SIREN of all"], names)
    text = (
        f"{SEEN} points of the front half (z > 0) of shapes never seen, with distances that are off by {NOISE} "
        f"(standard deviation), fitted by {STARTS} searches of {CONFIG.steps} steps each from the training embeddings "
        f"that fit best. Mean IoU with the true shape over the half that was NOT seen: "
        f"{metrics['completion/unseen_half_iou']:.3f}; "
        f"of the training embedding that fits best, without search: {metrics['completion/nearest_iou']:.3f}. That of "
        f"the search is higher for {np.count_nonzero(completed > nearest)} of {len(overlaps)} shapes."
    )
    return Section("completion", "Half a shape, completed", text, metrics, figure)
