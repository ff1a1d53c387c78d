"""Sections of a report about networks that hold shapes (arXiv 2206.05194, experiments on shapes)."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import trimesh
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.domains.fields.dataset import FieldData, ShapeTruth
from netspace_jax.domains.fields.geometry import (
    chamfer,
    extract_mesh,
    iou,
    is_empty,
    largest_component_share,
    sample_surface,
)
from netspace_jax.domains.fields.render import picture_grid
from netspace_jax.domains.fields.viewer import MeshSequence, viewer_html
from netspace_jax.latent import line
from netspace_jax.ops.mapping import Rows, each_row, in_pieces
from netspace_jax.report import Section
from netspace_jax.report.words import difference, relation
from netspace_jax.runs import Run
from netspace_jax.space.batched import generate_many

RESOLUTION = 96  # of meshes that are measured or interpolated
MESHED = 16  # test shapes whose meshes are compared
PICTURED = 8  # test shapes that are drawn
PAIRS = 3  # interpolations shown
BETWEEN = 5  # interpolated shapes between two, as in the paper
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


def mesh_of(architecture: Architecture, flat: Float[Rows, "size"], resolution: int = RESOLUTION) -> trimesh.Trimesh:
    """The surface of the shape that a network holds; empty where its field has no zero level."""
    return extract_mesh(field_of(architecture), jnp.asarray(flat), resolution)


@functools.partial(jax.jit, static_argnames="architecture")
def values_at(
    architecture: Architecture, flats: Float[Array, "network size"], points: Float[Array, "network n 3"]
) -> Float[Array, "network n"]:
    """Value of each network at points of its own."""

    def one(pair):
        flat, own = pair
        return in_pieces(lambda x: architecture.apply(flat, x), own, 8192)[:, 0]

    return each_row(one, (flats, points))


def _figures(within, values, wanted, meshes, wanted_surfaces) -> ShapeFigures:
    rng = np.random.default_rng(0)
    distances = [
        chamfer(sample_surface(mesh, _SURFACE_POINTS, rng), surface)
        for mesh, surface in zip(meshes, wanted_surfaces, strict=True)
        if not is_empty(mesh) and len(surface)
    ]
    overlaps = [iou(a, b) for a, b in zip(values, wanted, strict=True)]
    mean_distance = float(np.mean(distances)) if distances else float("nan")
    return ShapeFigures(
        float(np.mean(within)), float(np.mean(overlaps)), mean_distance, sum(is_empty(mesh) for mesh in meshes)
    )


def shapes(run: Run[FieldData[ShapeTruth]]) -> Section:
    """Shapes never seen: each SIREN against its true shape, and each generated network against its SIREN."""
    architecture, data = run.space.architectures[0], run.dataset
    networks, found, refined = run.networks(0, "test"), run.reconstruction(0, "test"), run.refined(0)
    items = networks.indices % data.items
    uniform, true_surface = data.truth.uniform[items], np.asarray(data.truth.surface[items])
    truth = np.asarray(uniform[..., 3])
    own, new, better = (
        np.asarray(values_at(architecture, jnp.asarray(flats), uniform[..., :3]))
        for flats in (networks.parameters, found.generated, refined.generated)
    )
    meshes, generated, closer = (
        [mesh_of(architecture, flat) for flat in flats[:MESHED]]
        for flats in (networks.parameters, found.generated, refined.generated)
    )
    rng = np.random.default_rng(1)
    surfaces = [() if is_empty(mesh) else sample_surface(mesh, _SURFACE_POINTS, rng) for mesh in meshes]
    siren = _figures(found.score, own, truth, meshes, true_surface[:MESHED])
    result = _figures(found.agreement, new, own, generated, surfaces)
    direct = _figures(found.generated_score, new, truth, generated, true_surface[:MESHED])
    again = _figures(refined.agreement, better, own, closer, surfaces)
    metrics = {
        "shapes/within_0.01": result.within,
        "shapes/iou": result.iou,
        "shapes/chamfer": result.chamfer,
        "shapes/empty": float(result.empty),
        "shapes/refined_within_0.01": again.within,
        "shapes/refined_iou": again.iou,
        "shapes/refined_chamfer": again.chamfer,
        "siren/within_0.01": siren.within,
        "siren/iou": siren.iou,
        "siren/chamfer": siren.chamfer,
        "shapes/truth_iou": direct.iou,
    }
    rows = [
        (label, f"{f.within:.3f}", f"{f.iou:.3f}", f"{f.chamfer:.4f}", str(f.empty))
        for label, f in (
            ("SIREN against the true shape", siren),
            ("generated network against its SIREN", result),
            ("the same after refinement", again),
            ("generated network against the true shape", direct),
        )
    ]
    names = [member.item for member in networks.members[: min(PICTURED, len(meshes))]]
    figure, _ = picture_grid(
        [meshes[:PICTURED], generated[:PICTURED], closer[:PICTURED]], ["SIREN", "generated", "refined"], names, size=200
    )
    text = (
        "Points are held out; half lie anywhere in the cube, half near the surface. Chamfer distance is the mean "
        "distance to the nearest point of the other surface, both ways, where the cube's side is 2. Generated networks "
        f"are within 0.01 of their SIREN at {result.within:.1%} of points; refinement makes that share "
        f"{difference(refined.agreement, found.agreement)}. {result.empty} of {len(meshes)} have no surface. "
        f"Against the true shape their IoU is {direct.iou:.3f}: beside the SIRENs' own, {siren.iou:.3f}, "
        f"{relation(direct.iou, siren.iou)}."
    )
    header = (f"{len(found.score)} shapes never seen", "points within 0.01", "IoU")
    header += (f"Chamfer distance ({len(meshes)} shapes)", "without a surface")
    return Section("shapes", "Shapes that were never seen", text, metrics, figure, (header, *rows))


def interpolate_shapes(run: Run[FieldData[ShapeTruth]]) -> Section:
    """From one shape to another: interpolation in the latent space, against interpolation of the weights."""
    architecture, flats = run.space.architectures[0], run.networks(0, "test").parameters
    z = run.reconstruction(0, "test").embedding
    steps = BETWEEN + 2
    grids, labels, sequences, whole = [], [], [], {"embeddings": [], "weights": []}
    for pair in range(min(PAIRS, len(z) // 2)):
        a, b = 2 * pair, 2 * pair + 1
        decoded = generate_many(run.space, 0, line(z[a], z[b], steps))
        for way, found in (("embeddings", decoded), ("weights", line(flats[a], flats[b], steps))):
            meshes = tuple(mesh_of(architecture, flat) for flat in found)
            shares = [largest_component_share(mesh) for mesh in meshes]
            # The ends of the line between weights are the networks themselves, so only what lies between is counted.
            whole[way] += [share >= CONNECTED for share in (shares if way == "embeddings" else shares[1:-1])]
            grids.append(meshes)
            labels.append(way)
            captions = tuple(
                f"{i / (steps - 1):.0%} of the way; largest piece {share:.0%} of the area"
                for i, share in enumerate(shares)
            )
            sequences.append(MeshSequence(f"pair {pair + 1}, {way}", meshes, captions))
    metrics = {f"shapes/whole_{way}": float(np.mean(found)) for way, found in whole.items()}
    figure, _ = picture_grid(grids, labels, [f"{i / (steps - 1):.0%}" for i in range(steps)], size=200)
    text = (
        f"Of the steps by embeddings, {metrics['shapes/whole_embeddings']:.0%} are one piece (at least 99 % of the "
        f"area in the largest); of the steps between by weights, {metrics['shapes/whole_weights']:.0%}."
    )
    title = "From one shape to another"
    return Section("interpolate_shapes", title, text, metrics, figure, (), viewer_html(sequences))
