"""Sections of a report about networks that hold shapes (arXiv 2206.05194, experiments on shapes)."""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import trimesh
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.domains.fields.dataset import FieldData, ShapeTruth
from netspace_jax.domains.fields.gallery import mesh_gallery
from netspace_jax.domains.fields.geometry import (
    chamfer,
    extract_mesh,
    iou,
    is_empty,
    largest_component_share,
    sample_surface,
)
from netspace_jax.domains.fields.members import LABELS, items_of, unseen_networks
from netspace_jax.domains.fields.viewer import MeshSequence, viewer_html
from netspace_jax.latent import line
from netspace_jax.metrics.outputs import outputs_of
from netspace_jax.ops.mapping import Rows
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


def mesh_of(architecture: Architecture, flat: Float[Rows, "size"], resolution: int = RESOLUTION) -> trimesh.Trimesh:
    """The surface of the shape that a network holds; empty where its field has no zero level."""
    return extract_mesh(architecture.apply, jnp.asarray(flat), resolution)


def shapes(run: Run[FieldData[ShapeTruth]]) -> Section:
    """Shapes never seen: each SIREN against its true shape, and each generated network against its SIREN."""
    architecture, networks, truth = run.space.architectures[0], unseen_networks(run), run.dataset.truth
    generated, refined, items = run.reconstruction(0, "test"), run.refined(0), items_of(run, "test")
    uniform = run.dataset.at(truth.distances)
    values = {name: np.asarray(outputs_of(uniform, architecture, flats, items)) for name, flats in networks.items()}
    meshes = {name: [mesh_of(architecture, flat) for flat in flats[:MESHED]] for name, flats in networks.items()}
    true_distances, true_surfaces = uniform.values(items), np.asarray(truth.surface[items[:MESHED]])
    rng = np.random.default_rng(1)
    surfaces = [() if is_empty(mesh) else sample_surface(mesh, _SURFACE_POINTS, rng) for mesh in meshes["members"]]

    def compared(name: str, within: Float[np.ndarray, "shape"], distances, surfaces) -> ShapeFigures:
        overlaps = [iou(a, b) for a, b in zip(values[name], distances, strict=True)]
        return ShapeFigures(float(within.mean()), float(np.mean(overlaps)), *_apart(meshes[name], surfaces))

    siren = compared("members", generated.score, true_distances, true_surfaces)
    result = compared("generated", generated.agreement, values["members"], surfaces)
    again = compared("refined", refined.agreement, values["members"], surfaces)
    direct = compared("generated", generated.generated_score, true_distances, true_surfaces)
    metrics = {"shapes/empty": float(result.empty), "shapes/truth_iou": direct.iou}
    for prefix, figures in (("shapes/", result), ("shapes/refined_", again), ("siren/", siren)):
        metrics |= {
            f"{prefix}within_0.01": figures.within,
            f"{prefix}iou": figures.iou,
            f"{prefix}chamfer": figures.chamfer,
        }
    rows = [
        (label, f"{figures.within:.3f}", f"{figures.iou:.3f}", f"{figures.chamfer:.4f}", str(figures.empty))
        for label, figures in (
            ("SIREN against the true shape", siren),
            ("generated network against its SIREN", result),
            ("the same after refinement", again),
            ("generated network against the true shape", direct),
        )
    ]
    names = [member.item for member in run.networks(0, "test").members[:PICTURED]]
    figure = mesh_gallery([row[:PICTURED] for row in meshes.values()], ["SIREN", *[*LABELS.values()][1:]], names)
    text = (
        "Points are held out; half lie anywhere in the cube, half near the surface. Chamfer distance is the mean "
        "distance to the nearest point of the other surface, both ways, where the cube's side is 2. Generated networks "
        f"are within 0.01 of their SIREN at {result.within:.1%} of points; refinement makes that share "
        f"{difference(refined.agreement, generated.agreement)}. {result.empty} of {len(surfaces)} have no surface. "
        f"Against the true shape their IoU is {direct.iou:.3f}: beside the SIRENs' own, {siren.iou:.3f}, "
        f"{relation(direct.iou, siren.iou)}."
    )
    header = (f"{len(items)} shapes never seen", "points within 0.01", "IoU")
    header += (f"Chamfer distance ({len(surfaces)} shapes)", "without a surface")
    return Section("shapes", "Shapes that were never seen", text, metrics, figure, (header, *rows))


def _apart(meshes: list[trimesh.Trimesh], surfaces: Sequence) -> tuple[float, int]:
    """Mean Chamfer distance to the surfaces, of what has one, and how many meshes are empty."""
    rng = np.random.default_rng(0)
    distances = [
        chamfer(sample_surface(mesh, _SURFACE_POINTS, rng), surface)
        for mesh, surface in zip(meshes, surfaces, strict=True)
        if not is_empty(mesh) and len(surface)
    ]
    return float(np.mean(distances)) if distances else float("nan"), sum(is_empty(mesh) for mesh in meshes)


def interpolate_shapes(run: Run[FieldData[ShapeTruth]]) -> Section:
    """From one shape to another: interpolation in the latent space, against interpolation of the weights."""
    architecture, flats = run.space.architectures[0], run.networks(0, "test").parameters
    z = run.reconstruction(0, "test").embedding
    steps = BETWEEN + 2
    grids, labels, sequences, whole = [], [], [], {"embeddings": [], "weights": []}
    for pair in range(min(PAIRS, len(z) // 2)):
        a, b = 2 * pair, 2 * pair + 1
        decoded = generate_many(run.space, 0, line(z[a], z[b], steps))
        for way, between in (("embeddings", decoded), ("weights", line(flats[a], flats[b], steps))):
            meshes = tuple(mesh_of(architecture, flat) for flat in between)
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
    metrics = {f"shapes/whole_{way}": float(np.mean(flags)) for way, flags in whole.items()}
    figure = mesh_gallery(grids, labels, [f"{i / (steps - 1):.0%}" for i in range(steps)])
    text = (
        f"Of the steps by embeddings, {metrics['shapes/whole_embeddings']:.0%} are one piece (at least 99 % of the "
        f"area in the largest); of the steps between by weights, {metrics['shapes/whole_weights']:.0%}."
    )
    title = "From one shape to another"
    return Section("interpolate_shapes", title, text, metrics, figure, (), viewer_html(sequences))
