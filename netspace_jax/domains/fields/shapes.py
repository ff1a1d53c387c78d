"""Sections of a report about networks that hold shapes (reference, section What is evaluated)."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.domains.fields.geometry import Mesh, chamfer, extract_mesh, iou, largest_component_share, sample_surface
from netspace_jax.domains.fields.render import picture_grid
from netspace_jax.domains.fields.viewer import MeshSequence, viewer_html
from netspace_jax.latent.search import line
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained
from netspace_jax.space.behaviour import generate
from netspace_jax.zoo.population import outputs_of

RESOLUTION = 96  # of meshes that are measured or walked through
MESHED = 16  # test shapes whose meshes are compared
PICTURED = 8  # test shapes that are drawn
PAIRS = 3  # interpolations that are drawn
BETWEEN = 5  # interpolated shapes between two, as in the reference
CONNECTED = 0.99  # share of the area from which on a mesh counts as one piece
_SURFACE_POINTS = 8192


class ShapeFigures(NamedTuple):
    """Means over shapes; IoU of solids, Chamfer distance between surfaces in units of the cube's half side."""

    within: float
    iou: float
    chamfer: float
    empty: int


@functools.cache
def field_of(architecture: Architecture):
    """The architecture's field as `extract_mesh` takes it: one function object for all of its networks."""
    return lambda flat, points: architecture.apply(flat, points)[:, 0]


def mesh_of(architecture: Architecture, flat: Float[Array, "size"], resolution: int = RESOLUTION) -> Mesh:
    """The surface of the shape that a network holds; empty where its field has no zero level."""
    return extract_mesh(field_of(architecture), jnp.asarray(flat), resolution)


@functools.partial(jax.jit, static_argnames="architecture")
def _values(architecture, flats, points):
    return jax.lax.map(lambda pair: outputs_of(architecture, pair[0], pair[1], 8192)[:, 0], (flats, points))


def _figures(within, values, wanted, meshes, wanted_surfaces) -> ShapeFigures:
    rng = np.random.default_rng(0)
    distances = [chamfer(sample_surface(mesh, _SURFACE_POINTS, rng), surface)
                 for mesh, surface in zip(meshes, wanted_surfaces, strict=True) if not mesh.empty and len(surface)]
    overlaps = [iou(a, b) for a, b in zip(values, wanted, strict=True)]
    return ShapeFigures(float(np.mean(within)), float(np.mean(overlaps)),
                        float(np.mean(distances)) if distances else float("nan"), sum(mesh.empty for mesh in meshes))


def shapes(trained: Trained) -> Section:
    """Each SIREN against its true shape, and each generated network against its SIREN, on shapes never seen."""
    architecture, task = trained.netspace.architectures[0], trained.task
    members = trained.networks(0, "test")
    networks = trained.shown(members)
    found = reconstruct_split(trained, 0, "test")
    uniform, true_surface = task.uniform[networks.items], np.asarray(task.surface[networks.items])
    own = np.asarray(_values(architecture, networks.flats, uniform[..., :3]))
    new = np.asarray(_values(architecture, jnp.asarray(found.generated), uniform[..., :3]))
    meshes = [mesh_of(architecture, flat) for flat in networks.flats[:MESHED]]
    generated = [mesh_of(architecture, flat) for flat in found.generated[:MESHED]]
    rng = np.random.default_rng(1)
    surfaces = [sample_surface(mesh, _SURFACE_POINTS, rng) if not mesh.empty else () for mesh in meshes]
    siren = _figures(found.score, own, np.asarray(uniform[..., 3]), meshes, true_surface[:MESHED])
    result = _figures(found.agreement, new, own, generated, surfaces)
    direct = _figures(found.generated_score, new, np.asarray(uniform[..., 3]), generated, true_surface[:MESHED])
    metrics = {"shapes/within_0.01": result.within, "shapes/iou": result.iou, "shapes/chamfer": result.chamfer,
               "shapes/empty": float(result.empty), "siren/within_0.01": siren.within, "siren/iou": siren.iou,
               "siren/chamfer": siren.chamfer, "shapes/truth_iou": direct.iou}
    header = (f"{len(found.score)} shapes never seen", "points within 0.01", "IoU", f"Chamfer distance ({len(meshes)} shapes)",
              "without a surface")
    rows = [(label, f"{f.within:.3f}", f"{f.iou:.3f}", f"{f.chamfer:.4f}", str(f.empty)) for label, f in (
        ("SIREN against the true shape", siren), ("generated network against its SIREN", result),
        ("generated network against the true shape", direct))]
    figure, _ = picture_grid([meshes[:PICTURED], generated[:PICTURED]], ["SIREN", "generated"],
                             [member.item for member in members.members[:min(PICTURED, len(meshes))]], size=200)
    text = ("Points are held out; half lie anywhere in the cube, half near the surface. Chamfer distance is the mean distance "
            "to the nearest point of the other surface, both ways, where the cube's side is 2.")
    return Section("shapes", "Shapes that were never seen", text, metrics, figure, (header, *rows))


def walk(trained: Trained) -> Section:
    """Interpolation between two shapes in the latent space, against interpolation of their weights."""
    architecture = trained.netspace.architectures[0]
    networks = trained.shown(trained.networks(0, "test"))
    z = reconstruct_split(trained, 0, "test").embedding
    steps = BETWEEN + 2
    grids, labels, sequences, whole = [], [], [], {"embeddings": [], "weights": []}
    for pair in range(min(PAIRS, len(z) // 2)):
        a, b = 2 * pair, 2 * pair + 1
        decoded = generate(trained.netspace, trained.params, trained.constants, line(z[a], z[b], steps), 0)
        for way, flats in (("embeddings", decoded), ("weights", line(networks.flats[a], networks.flats[b], steps))):
            meshes = tuple(mesh_of(architecture, flat) for flat in flats)
            shares = [largest_component_share(mesh) for mesh in meshes]
            # The ends of the way between weights are the networks themselves, so only what lies between is counted.
            whole[way] += [share >= CONNECTED for share in (shares if way == "embeddings" else shares[1:-1])]
            grids.append(meshes)
            labels.append(way)
            sequences.append(MeshSequence(f"pair {pair + 1}, {way}", meshes, tuple(
                f"{i / (steps - 1):.0%} of the way; largest piece {share:.0%} of the area" for i, share in enumerate(shares))))
    metrics = {f"shapes/whole_{way}": float(np.mean(found)) for way, found in whole.items()}
    figure, _ = picture_grid(grids, labels, [f"{i / (steps - 1):.0%}" for i in range(steps)], size=200)
    text = (f"Of the steps by embeddings, {metrics['shapes/whole_embeddings']:.0%} are one piece (at least 99 % of the area "
            f"in the largest); of the steps between by weights, {metrics['shapes/whole_weights']:.0%}.")
    return Section("walk", "From one shape to another", text, metrics, figure, (), viewer_html(sequences))
