"""The domain of networks that hold fields: shapes, pictures and signals."""

import dataclasses
from collections.abc import Callable
from typing import cast

from netspace_jax.domain import Domain, Loaded
from netspace_jax.domains.fields.behaviour import Field
from netspace_jax.domains.fields.completion import completion
from netspace_jax.domains.fields.compression import compression
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig, check
from netspace_jax.domains.fields.dataset import field_data
from netspace_jax.domains.fields.explorer import view
from netspace_jax.domains.fields.gaps import gaps
from netspace_jax.domains.fields.images import load_pictures
from netspace_jax.domains.fields.meshes_out import MeshOptions, meshes
from netspace_jax.domains.fields.pictures import SuperOptions, pictures, samples, super_resolution, walk
from netspace_jax.domains.fields.presets import PRESETS
from netspace_jax.domains.fields.reading import ReadingOptions, reading
from netspace_jax.domains.fields.retrieval import retrieval
from netspace_jax.domains.fields.sampling import load_shapes
from netspace_jax.domains.fields.series import load_signals
from netspace_jax.domains.fields.shapes import interpolate_shapes, shapes
from netspace_jax.domains.fields.signals import readout, signals
from netspace_jax.errors import InputError
from netspace_jax.report import Evaluation
from netspace_jax.runs import Run


def load(config: FieldZooConfig) -> Loaded:
    """The fields of a zoo, and its configuration with as many members as there are fields where it asked for more.

    Raises:
      InputError: the data is missing, cannot be read, or is too small for a batch.
    """
    if not config.dataset:
        raise InputError("this preset needs data of yours: --dataset FOLDER")
    loaded = _LOADERS[config.kind](config)
    samples = len(loaded.dataset.of(0).examples("train").targets)
    if config.batch > samples:
        more = ": raise --zoo.points" if config.kind == "shapes" else ""
        raise InputError(f"--zoo.batch {config.batch} is more than the {samples} samples of one field{more}")
    return loaded


def _shapes(config: FieldZooConfig) -> Loaded:
    found = load_shapes(config.dataset, config.members[0], config.seed, config.points)
    members = tuple(min(count, len(found.names)) for count in config.members)
    return Loaded(field_data(found), found.names, dataclasses.replace(config, members=members))


_LOADERS: dict[str, Callable[[FieldZooConfig], Loaded]] = {
    "shapes": _shapes,
    "pictures": load_pictures,
    "signals": load_signals,
}


def of_kind(*kinds: str) -> Callable[[Run], bool]:
    """Runs whose networks hold fields of these kinds."""
    return lambda run: cast(FieldZooConfig, run.config.zoo).kind in kinds


def has_classes(run: Run) -> bool:
    """Runs whose fields are of classes."""
    return getattr(run.dataset.truth, "classes", None) is not None


def has_numbers(run: Run) -> bool:
    """Runs whose fields have numbers that stand for them."""
    return of_kind("signals")(run) and not has_classes(run)


def behaviour_of(config: FieldNetSpaceConfig, behaviour: Field) -> Field:
    """The task with the error that a space of this configuration imitates by."""
    return dataclasses.replace(behaviour, error=config.error)


DOMAIN = Domain(
    name="fields",
    zoo_config=FieldZooConfig,
    netspace_config=FieldNetSpaceConfig,
    load=load,
    presets=PRESETS,
    evaluations=(
        Evaluation(
            "shapes", shapes, applies=of_kind("shapes"), question="How near are the generated shapes?", leads=True
        ),
        Evaluation(
            "interpolate_shapes",
            interpolate_shapes,
            applies=of_kind("shapes"),
            question="What lies between two shapes?",
        ),
        Evaluation(
            "completion",
            completion,
            applies=of_kind("shapes"),
            question="Can a shape be found from a part of its points?",
        ),
        Evaluation("meshes", meshes, in_report=False, applies=of_kind("shapes"), options=MeshOptions),
        Evaluation(
            "pictures",
            pictures,
            applies=of_kind("pictures"),
            question="How good are pictures that the space never saw?",
            leads=True,
        ),
        Evaluation(
            "reading",
            reading,
            applies=has_classes,
            options=ReadingOptions,
            question="What does a network show, from its embedding alone?",
        ),
        Evaluation(
            "retrieval", retrieval, applies=of_kind("pictures"), question="Which pictures lie beside each other?"
        ),
        Evaluation("walk", walk, applies=of_kind("pictures"), question="What lies between two pictures?"),
        Evaluation("samples", samples, applies=of_kind("pictures"), question="What comes out at random?"),
        Evaluation(
            "super_resolution",
            super_resolution,
            applies=of_kind("pictures"),
            options=SuperOptions,
            question="What is between the pixels?",
        ),
        Evaluation(
            "compression", compression, applies=of_kind("pictures"), question="How small is a picture as an embedding?"
        ),
        Evaluation(
            "signals",
            signals,
            applies=of_kind("signals"),
            question="How good are signals that the space never saw?",
            leads=True,
        ),
        Evaluation("readout", readout, applies=has_numbers, question="What does an embedding know of its signal?"),
        Evaluation("gaps", gaps, applies=of_kind("signals"), question="Can a gap in a signal be filled?"),
    ),
    behaviour_of=behaviour_of,
    check=check,
    view=view,
)
