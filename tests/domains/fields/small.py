"""Runs of networks that hold tiny pictures and signals, in a space whose embeddings are the weights themselves."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from netspace_jax.config import RefineConfig, RunConfig
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig
from netspace_jax.domains.fields.dataset import FieldData
from netspace_jax.runs import Run
from netspace_jax.space import Constants, NetSpace, Space
from tests import tiny

NAME, PREP = "siren-5-w4", (6, 8)  # at most 10 + 5 + 5 + 1 parameters in 48 places


def flats_for(data: FieldData, count: int, seed: int = 0):
    """Untrained networks for the coordinates and values of some data."""
    architecture = data.behaviour.architecture(NAME)
    start = jax.jit(jax.vmap(lambda key: architecture.finish(architecture.init(key))))
    return start(jax.random.split(jax.random.key(seed), count))


def run_of(data: FieldData, kind: str, flats, train: int) -> Run:
    """A run whose first `train` networks trained the space and whose others test it; it gives every network back.

    Network i is about field i of the data.
    """
    architecture = data.behaviour.architecture(NAME)
    held = tiny.Held(data, {(NAME, "train"): flats[:train], (NAME, "test"): flats[train:]})
    test = held.held[NAME, "test"]
    members = tuple(dataclasses.replace(member, index=train + member.index) for member in test.members)
    held.held[NAME, "test"] = dataclasses.replace(test, members=members)
    nothing = jnp.zeros((1, *PREP))
    netspace = NetSpace(
        architectures=(architecture,), prep=PREP, encoder=tiny.Copy(48), decoder=tiny.Paste(PREP), head=tiny.Corner(1),
        correction=None, corrections=0, behaviour=data.behaviour, params=tiny.NO_PARAMS,
        constants=Constants(data.probes(8), nothing, nothing))  # fmt: skip
    fields = {field.name: getattr(netspace, field.name) for field in dataclasses.fields(NetSpace)}
    embeddings = {NAME: jnp.pad(flats[:train], ((0, 0), (0, 48 - flats.shape[1])))}
    zoo = FieldZooConfig(kind=kind, architectures=(NAME,), members=(len(flats),))  # type: ignore[arg-type]
    config = RunConfig(
        "small", "fields", zoo, FieldNetSpaceConfig(prep=PREP, embedding=48), RefineConfig(steps=2, batch=8)
    )
    return Run(config, epath.Path("nowhere"), held, data, Space(**fields, embeddings=embeddings), 0)


def file_of_images(path, count=60, shape=(6, 5), channels=1):
    """A set of images whose class is where a bright bar stands."""
    random = np.random.default_rng(0)

    def part(number):
        y = np.arange(number) % 3
        x = random.integers(0, 60, (number, *shape, channels))
        for label in range(3):
            x[y == label, 2 * label : 2 * label + 2] += 150
        return x.astype(np.uint8), y.astype(np.uint8)

    (x, y), (tx, ty) = part(count), part(count // 3)
    np.savez(path, x_train=x, y_train=y, x_test=tx, y_test=ty)
    return str(path)
