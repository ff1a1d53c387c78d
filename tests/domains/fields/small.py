"""Runs of networks that hold tiny fields, in a space whose embeddings are the weights themselves."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from netspace_jax.config import RefineConfig, RunConfig
from netspace_jax.domains.fields.behaviour import Field, SignedDistance
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig
from netspace_jax.domains.fields.dataset import FieldData, Samples, ShapeTruth
from netspace_jax.runs import Run
from netspace_jax.space import Constants, NetSpace, Space
from netspace_jax.zoo import Members
from tests import tiny

NAME, PREP = "siren-5-w4", (6, 8)  # at most 10 + 5 + 5 + 1 parameters in 48 places


def flats_for(behaviour: Field, count: int, seed: int = 0):
    """Untrained networks for the coordinates and values of a kind of field."""
    architecture = behaviour.architecture(NAME)
    start = jax.jit(jax.vmap(lambda key: architecture.finish(architecture.init(key))))
    return start(jax.random.split(jax.random.key(seed), count))


def run_of(data: FieldData, kind: str, flats, train: int) -> Run:
    """A run whose first `train` networks trained the space and whose others test it; it gives every network back.

    Network i is about field i of the data.
    """
    architecture = data.behaviour.architecture(NAME)
    held = tiny.held(data, {(NAME, "train"): flats[:train], (NAME, "test"): flats[train:]}).held
    test = held[NAME, "test"]
    members = Members({**test.members.columns, "index": train + test.members.index})
    held[NAME, "test"] = dataclasses.replace(test, members=members)
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
    return Run(config, epath.Path("nowhere"), tiny.Held(held), data, Space(**fields, embeddings=embeddings), 0)


def shapes_of(positive, negative, held_out, uniform) -> FieldData:
    """Shapes whose rows are x, y, z, distance."""
    parts = [Samples(rows[..., :3], rows[..., 3:]) for rows in (positive, negative, held_out)]
    return FieldData(tuple(parts[:2]), parts[2], ShapeTruth(uniform, uniform[..., :3]))


def flats_of_shapes(count: int, seed: int = 0):
    """Networks with a surface: a third of the cube is inside."""
    flats = flats_for(SignedDistance(), count, seed)
    points = jax.random.uniform(jax.random.key(1), (500, 3), minval=-1, maxval=1)
    values = jax.jit(jax.vmap(SignedDistance().architecture(NAME).apply, (0, None)))(flats, points)
    return flats.at[:, -1].add(-jnp.quantile(values[..., 0], 1 / 3, axis=1))


@functools.cache
def run_of_shapes(train: int = 8, test: int = 3) -> Run:
    """Shapes that are what their networks say; those of the test networks are the first that trained the space.

    In the half z > 0 the points that overlap is measured at say the opposite.
    """
    flats = flats_of_shapes(train)
    flats = jnp.concatenate([flats, flats[:test]])
    points = jnp.asarray(np.random.default_rng(0).uniform(-1, 1, (len(flats), 900, 3)), jnp.float32)
    rows = jnp.concatenate([points, jax.jit(jax.vmap(SignedDistance().architecture(NAME).apply))(flats, points)], 2)
    uniform = rows[:, 500:]
    uniform = uniform.at[..., 3].multiply(jnp.where(uniform[..., 2] > 0, -1, 1))
    return run_of(shapes_of(rows[:, :40], rows[:, :40], rows[:, :500], uniform), "shapes", flats, train)


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
