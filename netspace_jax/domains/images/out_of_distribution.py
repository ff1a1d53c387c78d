"""Strangers: networks that others trained, in a space of one's own zoo (docs/networks.md)."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from sklearn.decomposition import PCA

from netspace_jax.domains.images.alternative_inputs import alternative_inputs
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.errors import InputError
from netspace_jax.importing import Examined, ImportOptions, examine, sources_of
from netspace_jax.importing.examine import chance_threshold
from netspace_jax.metrics.outputs import compare
from netspace_jax.report import Section, figures
from netspace_jax.report.words import relation, score_name
from netspace_jax.runs import Run
from netspace_jax.space.batched import embed_many, generate_many


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
    """Networks beside those that the space generates for them, row for row, on test images.

    Attributes:
      distance: of the encoder's embeddings from the centre of training embeddings, as the root mean square over their
        values, each in standard deviations of training embeddings, which have about 1.
      generated_score, agreement: of the networks generated from the encoder's embeddings.
      refined_score, refined_agreement: of those generated from refined embeddings.
    """

    embedding: Float[np.ndarray, "network embedding"]
    distance: Float[np.ndarray, "network"]
    score: Float[np.ndarray, "network"]
    generated_score: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]
    refined_score: Float[np.ndarray, "network"]
    refined_agreement: Float[np.ndarray, "network"]


def out_of_distribution(run: Run[ImageData], options: ForeignOptions) -> Section:
    """Networks that others trained: where in this space they lie, nearest members, generated twins, which are broken.

    Raises:
      InputError: no folder is named, or nothing in it fits.
    """
    if not options.folder:
        raise InputError("name the folder of the strangers' networks: --folder DIR")
    which = run.space.id_of(options.architecture or None)
    architecture = run.space.architectures[which]
    found = examine(
        sources_of(options.folder),
        architecture,
        run.dataset,
        ImportOptions(rename=options.rename, min_score=0.0),
        alternative_inputs=alternative_inputs,
    )
    if not found.networks:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in found.left_out[:3])
        raise InputError(f"none of {len(found.left_out)} networks of {options.folder} fits ({reasons})")
    own = _own_twins(run, which)
    theirs = _twins(run, which, np.stack([one.flat for one in found.networks]))
    training = np.asarray(run.space.embeddings[architecture.name])
    broken = _broken(run, theirs, float(_distances(run, training).max()))
    rows = [
        _row(run, which, found.networks[row].name, theirs, row, broken[row])
        for row in map(int, np.argsort(theirs.distance))
    ]
    rows += [(one.name, *["–"] * 7, one.reason) for one in found.left_out]
    header = (
        "network",
        score_name(run.metric),
        "distance",
        "nearest member",
        "generated",
        "agreement",
        "refined",
        "agreement",
        "",
    )
    figure, _ = figures.groups_on_a_plane(
        [("training networks", _plane(training, training)), ("own test networks", _plane(training, own.embedding)),
         ("strangers", _plane(training, theirs.embedding))],
        [("own test networks", own.distance, own.refined_agreement),
         ("strangers", theirs.distance, theirs.refined_agreement)],
    )  # fmt: skip
    metrics = {f"strangers/{name}": value for name, value in _figures(theirs).items()}
    metrics |= {f"strangers/own_{name}": value for name, value in _figures(own).items()}
    metrics |= {"strangers/left_out": float(len(found.left_out)), "strangers/broken": float(sum(map(bool, broken)))}
    return Section("strangers", "Strangers in this space", _text(found, metrics), metrics, figure, (header, *rows))


def _twins(run: Run[ImageData], which: int, flats: Float[np.ndarray, "network size"]) -> Twins:
    space, architecture = run.space, run.space.architectures[which]
    z = np.asarray(embed_many(space, which, flats))
    score, generated_score, agreement = compare(run.dataset, architecture, flats, generate_many(space, which, z))
    refined = z
    if run.config.refine.steps:
        refined = run.refine_shared(flats, z, which)
    _, refined_score, refined_agreement = compare(
        run.dataset, architecture, flats, generate_many(space, which, refined)
    )
    return Twins(z, _distances(run, z), score, generated_score, agreement, refined_score, refined_agreement)


def _own_twins(run: Run[ImageData], which: int) -> Twins:
    """The same of the run's own test members, which the space never saw either."""
    encoded, refined = run.reconstruction(which, "test"), run.refined(which)
    return Twins(
        encoded.embedding,
        _distances(run, encoded.embedding),
        encoded.score,
        encoded.generated_score,
        encoded.agreement,
        refined.generated_score,
        refined.agreement,
    )


def _distances(run: Run, z: Float[np.ndarray, "network embedding"]) -> Float[np.ndarray, "network"]:
    return np.asarray(run.space.distance(z))


def _broken(run: Run[ImageData], theirs: Twins, farthest: float) -> list[str]:
    """Why each network is none that this space can stand for, or nothing."""
    least = chance_threshold(run.dataset, "test")
    reasons = []
    for score, distance in zip(theirs.score, theirs.distance, strict=True):
        said = ["at chance"] if score < least else []
        said += ["farther out than any training network"] if distance > farthest else []
        reasons.append(", ".join(said))
    return reasons


def _row(run: Run, which: int, name: str, theirs: Twins, row: int, broken: str) -> tuple[str, ...]:
    region, members = run.space.statistics, run.networks(which, "train").members
    known = np.asarray(region.standardise(run.space.embeddings[run.space.names[which]]))
    own = np.asarray(region.standardise(jnp.asarray(theirs.embedding[row])))
    nearest = members[int(np.square(known - own).mean(1).argmin())]
    values = (theirs.generated_score[row], theirs.agreement[row], theirs.refined_score[row])
    return (
        name,
        f"{theirs.score[row]:.3f}",
        f"{theirs.distance[row]:.2f}",
        f"{nearest.file or f'member {nearest.index}'} ({nearest.score_test:.3f})",
        *(f"{value:.3f}" for value in values),
        f"{theirs.refined_agreement[row]:.3f}",
        broken,
    )


def _figures(twins: Twins) -> dict[str, float]:
    return {
        "networks": float(len(twins.score)),
        "accuracy": float(twins.score.mean()),
        "distance": float(twins.distance.mean()),
        "agreement": float(twins.agreement.mean()),
        "gap": float(np.abs(twins.score - twins.generated_score).mean()),
        "refined_agreement": float(twins.refined_agreement.mean()),
        "refined_gap": float(np.abs(twins.score - twins.refined_score).mean()),
    }


def _plane(
    training: Float[np.ndarray, "known embedding"], z: Float[np.ndarray, "network embedding"]
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
