"""Strangers: networks that others trained, in a space of one's own zoo (docs/networks.md)."""

import dataclasses
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import euclidean_distances

from netspace_jax.domains.images.alternative_inputs import alternative_inputs
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.errors import InputError
from netspace_jax.importing import Examined, ImportOptions, examine, sources_of
from netspace_jax.importing.examine import chance_threshold
from netspace_jax.metrics.outputs import evaluate
from netspace_jax.metrics.reconstruction import Reconstruction, decode_and_compare, reconstruct
from netspace_jax.metrics.refined import refine_embeddings
from netspace_jax.report import Section, figures
from netspace_jax.report.words import relation
from netspace_jax.runs import Run


@dataclasses.dataclass(frozen=True)
class ForeignOptions:
    """Which networks are looked at."""

    folder: str = ""
    """Folder of networks that others trained: PyTorch files, safetensors, Flax's msgpack, Orbax checkpoints."""
    architecture: str = ""
    """Their architecture, where the space has several."""
    rename: tuple[str, ...] = ()
    """Rules for names of tensors, OLD=NEW: `conv1.0=conv1`, or `model=` to drop a part of all names."""


class Twins(NamedTuple):
    """Networks beside those that the space generates for them, on test images.

    Attributes:
      encoded, refined: those generated from the encoder's embeddings, and from refined ones.
      distance: of the encoder's embeddings from the centre of training embeddings, as the root mean square over their
        values, each in standard deviations of training embeddings, which have about 1.
    """

    encoded: Reconstruction
    refined: Reconstruction
    distance: Float[np.ndarray, "network"]


def out_of_distribution(run: Run[ImageData], options: ForeignOptions) -> Section:
    """Networks that others trained: where in this space they lie, nearest members, generated twins, which are broken.

    Raises:
      InputError: no folder is named, or nothing in it fits.
    """
    if not options.folder:
        raise InputError("name the folder of the strangers' networks: --folder DIR")
    architecture_id = run.space.id_of(options.architecture or None)
    architecture = run.space.architectures[architecture_id]
    settings = ImportOptions(rename=options.rename, min_score=0.0)
    sources = sources_of(options.folder)
    found = examine(sources, architecture, run.dataset, settings, alternative_inputs=alternative_inputs)
    if not found.networks:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in found.left_out[:3])
        raise InputError(f"none of {len(found.left_out)} networks of {options.folder} fits ({reasons})")
    foreign = _foreign_twins(run, architecture_id, np.stack([one.flat for one in found.networks]))
    members = _twins(run, run.reconstruction(architecture_id, "test"), run.refined(architecture_id))
    training = np.asarray(run.space.embeddings[architecture.name])
    broken = _broken(run, foreign, float(run.space.distance(training).max()))
    nearest = _nearest_members(run, architecture_id, foreign.encoded.embedding)
    rows = [
        _row(found.networks[row].name, foreign, row, nearest[row], broken[row])
        for row in map(int, np.argsort(foreign.distance))
    ]
    rows += [(one.name, *["–"] * 7, one.reason) for one in found.left_out]
    header = ("network", run.metric.title, "distance", "nearest member")
    header += ("generated", "agreement", "refined", "agreement", "")
    figure, _ = figures.groups_on_a_plane(
        [
            ("training networks", _plane(training, training)),
            ("own test networks", _plane(training, members.encoded.embedding)),
            ("strangers", _plane(training, foreign.encoded.embedding)),
        ],
        [
            ("own test networks", members.distance, members.refined.agreement),
            ("strangers", foreign.distance, foreign.refined.agreement),
        ],
    )
    metrics = {f"strangers/{name}": value for name, value in _figures(foreign).items()}
    metrics |= {f"strangers/own_{name}": value for name, value in _figures(members).items()}
    metrics |= {"strangers/left_out": float(len(found.left_out)), "strangers/broken": float(sum(map(bool, broken)))}
    return Section("strangers", "Strangers in this space", _text(found, metrics), metrics, figure, (header, *rows))


def _foreign_twins(run: Run[ImageData], architecture_id: int, flats: Float[np.ndarray, "network size"]) -> Twins:
    space, dataset = run.space, run.dataset
    original = evaluate(dataset, space.architectures[architecture_id], flats)
    encoded = reconstruct(space, dataset, flats, original, architecture_id=architecture_id)
    z, _ = refine_embeddings(
        space, dataset, flats, encoded.embedding, architecture_id=architecture_id, config=run.config.refine
    )
    return _twins(run, encoded, decode_and_compare(space, dataset, original, z, architecture_id=architecture_id))


def _twins(run: Run, encoded: Reconstruction, refined: Reconstruction) -> Twins:
    return Twins(encoded, refined, np.asarray(run.space.distance(encoded.embedding)))


def _broken(run: Run[ImageData], foreign: Twins, farthest: float) -> list[str]:
    """For each network why it is none that this space can stand for, or nothing."""
    least = chance_threshold(run.dataset, "test")
    reasons = []
    for score, distance in zip(foreign.encoded.score, foreign.distance, strict=True):
        faults = ["at chance"] if score < least else []
        faults += ["farther out than any training network"] if distance > farthest else []
        reasons.append(", ".join(faults))
    return reasons


def _nearest_members(run: Run, architecture_id: int, z: Float[np.ndarray, "network embedding"]) -> list[Any]:
    """For each embedding the training member that is nearest in standard deviations of training embeddings."""
    statistics, members = run.space.statistics, run.networks(architecture_id, "train").members
    training = run.space.embeddings[run.space.names[architecture_id]]
    standardised = (np.asarray(statistics.standardise(jnp.asarray(points))) for points in (z, training))
    return [members[int(row)] for row in euclidean_distances(*standardised).argmin(1)]


def _row(name: str, foreign: Twins, row: int, nearest: Any, broken: str) -> tuple[str, ...]:
    encoded, refined = foreign.encoded, foreign.refined
    return (
        name,
        f"{encoded.score[row]:.3f}",
        f"{foreign.distance[row]:.2f}",
        f"{nearest.file or f'member {nearest.index}'} ({nearest.score_test:.3f})",
        *(f"{value:.3f}" for one in (encoded, refined) for value in (one.generated_score[row], one.agreement[row])),
        broken,
    )


def _figures(twins: Twins) -> dict[str, float]:
    return {
        "networks": float(len(twins.distance)),
        "accuracy": float(twins.encoded.score.mean()),
        "distance": float(twins.distance.mean()),
        "agreement": float(twins.encoded.agreement.mean()),
        "gap": twins.encoded.gap,
        "refined_agreement": float(twins.refined.agreement.mean()),
        "refined_gap": twins.refined.gap,
    }


def _plane(
    training: Float[np.ndarray, "training embedding"], z: Float[np.ndarray, "network embedding"]
) -> Float[np.ndarray, "network 2"]:
    """Embeddings on the first two principal components of the training networks' own."""
    if training.shape[1] < 2:
        return np.concatenate([z, np.zeros_like(z)], 1)
    return PCA(2, random_state=0).fit(training).transform(z)


def _text(found: Examined, metrics: dict[str, float]) -> str:
    warnings, left_out = "".join(f"{warning}. " for warning in found.warnings), len(found.left_out)
    return (
        f"{warnings}{len(found.networks)} networks that others trained; {left_out} more do not fit. The encoder alone: "
        f"agreement {metrics['strangers/agreement']:.3f}, gap {metrics['strangers/gap']:.3f}; refined: agreement "
        f"{metrics['strangers/refined_agreement']:.3f}, gap {metrics['strangers/refined_gap']:.3f}; own test networks, "
        f"refined: "
        f"{metrics['strangers/own_refined_agreement']:.3f} and {metrics['strangers/own_refined_gap']:.3f}: "
        f"beside these, agreement is "
        f"{relation(metrics['strangers/refined_agreement'], metrics['strangers/own_refined_agreement'])}. Distance is "
        f"from the centre of training embeddings, in their standard deviations; training networks have about 1."
    )
