"""The domain of networks that hold shapes."""

import dataclasses

from netspace_jax.domain import Domain, Loaded
from netspace_jax.domains.fields.completion import completion
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig, check
from netspace_jax.domains.fields.dataset import SignedDistance, field_data
from netspace_jax.domains.fields.meshes_out import MeshOptions, meshes
from netspace_jax.domains.fields.presets import PRESETS
from netspace_jax.domains.fields.sampling import load_shapes
from netspace_jax.domains.fields.shapes import interpolate_shapes, shapes
from netspace_jax.errors import InputError
from netspace_jax.report import Evaluation


def load(config: FieldZooConfig) -> Loaded:
    """The shapes of a zoo, and its configuration with as many members as there are shapes where it asked for more.

    Raises:
      InputError: the data is missing, cannot be read, or is too small for a batch.
    """
    if not config.dataset:
        raise InputError("this preset needs data of yours: --dataset FOLDER")
    found = load_shapes(config.dataset, config.members[0], config.seed, config.points)
    points = 2 * found.positive.shape[1]
    if config.batch > points:
        raise InputError(f"--zoo.batch {config.batch} is more than the {points} points of a shape: raise --zoo.points")
    members = tuple(min(count, len(found.names)) for count in config.members)
    return Loaded(field_data(found), found.names, dataclasses.replace(config, members=members))


def task_of(config: FieldNetSpaceConfig, task: SignedDistance) -> SignedDistance:
    """The task with the error that a space of this configuration imitates by."""
    return dataclasses.replace(task, error=config.error)


DOMAIN = Domain(
    name="fields",
    zoo_config=FieldZooConfig,
    netspace_config=FieldNetSpaceConfig,
    load=load,
    presets=PRESETS,
    evaluations=(
        Evaluation("shapes", shapes),
        Evaluation("interpolate_shapes", interpolate_shapes),
        Evaluation("completion", completion),
        Evaluation("meshes", meshes, in_report=False, options=MeshOptions),
    ),
    task_of=task_of,
    check=check,
)
