"""Presets of networks that hold shapes. `python train.py NAME` runs one; any field can be changed by a flag."""

import dataclasses

from netspace_jax.config import RefineConfig, RunConfig
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig


def chairs() -> RunConfig:
    """1,024 procedural chairs, each in a SIREN of 64 hidden units, and a space of them.

    `python train.py chairs`: not measured in this version.
    """
    zoo = FieldZooConfig(
        dataset="chairs",
        architectures=("siren64",),
        members=(1024,),
        validation=32,
        test=32,
        stops="end",
        steps=6000,
        batch=256,
        points=16384,
        learning_rate=3e-3,
        schedule="cosine",
    )
    netspace = FieldNetSpaceConfig(
        prep=(64, 72),
        probes=1024,
        rank=24,
        noise=0.0,
        center="network",
        initial_scale=0.03,
        networks=64,
        batch=128,
        steps=5000,
        error="absolute",
        select="agreement",
    )
    refine = RefineConfig(steps=400, learning_rate=0.05, batch=2048)
    return RunConfig("chairs", "fields", zoo, netspace, refine)


def meshes() -> RunConfig:
    """The shapes of a folder of meshes.

    `python train.py meshes --dataset FOLDER`: not measured in this version.
    """
    return _shapes_of_files("meshes", 10_000)


def deepsdf() -> RunConfig:
    """The shapes of a folder of DeepSDF's .npz files: `python train.py deepsdf --dataset FOLDER`. Not measured yet."""
    return _shapes_of_files("deepsdf", 10_000)


def _shapes_of_files(name: str, members: int) -> RunConfig:
    base = chairs()
    zoo = dataclasses.replace(base.zoo, dataset="", members=(members,), validation=1 / 8, test=1 / 8)
    return dataclasses.replace(base, name=name, zoo=zoo)


PRESETS = {"chairs": chairs, "meshes": meshes, "deepsdf": deepsdf}
