"""Shapes as samples of their signed distance: procedural chairs, a folder of meshes, or DeepSDF's files."""

import itertools
import logging
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import trimesh
from jaxtyping import Array, Float

from netspace_jax.domains.fields import chairs, deepsdf, meshes
from netspace_jax.domains.fields.geometry import sample_surface
from netspace_jax.domains.fields.sample_cache import cached
from netspace_jax.errors import InputError
from netspace_jax.files import sha256

VERSION = 1  # of how shapes are sampled: raise it with any change that gives other samples
HELD_OUT, UNIFORM, SURFACE = 8192, 32768, 8192  # points of each shape that no network trains on
NEAR = (0.05, 0.0158)  # standard deviations around the surface, those of DeepSDF: √0.0025 and √0.00025
UNIFORM_SHARE = 0.4  # uniform points drawn for each training point; most are outside, and go first among those
FEWEST_INSIDE = 16  # of the uniform points: a solid of less volume than 0.004 is none
FEWEST_SHAPES = 8  # usable ones in a folder: from fewer there is nothing to learn

Distance = Callable[[Float[np.ndarray, "n 3"]], Float[np.ndarray, "n"]]
"""Signed distance of points to one shape, negative inside."""


class ShapeSamples(NamedTuple):
    """Samples of one shape, or, one axis more, of several; rows are x, y, z, distance (negative inside), shuffled.

    Shapes lie in the unit sphere, points in the cube [-1, 1]³.

    Attributes:
      positive: points outside, for training.
      negative: points inside, for training; as many.
      held_out: points never trained on, uniform in the cube and near the surface by halves.
      uniform: points uniform in the cube, for the intersection over union.
      surface: points on the true surface, for the Chamfer distance.
    """

    positive: Float[np.ndarray, "*shape p 4"]
    negative: Float[np.ndarray, "*shape p 4"]
    held_out: Float[np.ndarray, "*shape q 4"]
    uniform: Float[np.ndarray, "*shape u 4"]
    surface: Float[np.ndarray, "*shape s 3"]


NamedSamples = Iterator[tuple[str, ShapeSamples]]


def load_shapes(dataset: str, count: int, seed: int, points: int) -> tuple[tuple[str, ...], ShapeSamples]:
    """Names and samples of up to `count` shapes; the same shape gets the same points whatever else is loaded.

    Args:
      dataset: `chairs`, or a folder (searched with its subfolders) of meshes or of DeepSDF's files.
      count: of a folder's shapes, in the order of their names, at most this many.
      points: for training, of each shape, half of them outside and half inside.

    Raises:
      InputError: no such folder, nothing of use or both kinds in it, or too few usable shapes.
    """
    if dataset == "chairs":
        shapes = dict(_chairs(chair_parameters(count, seed), seed, points))
    else:
        folder, paths = _find(dataset)
        source = _deepsdf if paths[0].suffix.lower() == ".npz" else _meshes
        shapes = dict(itertools.islice(source(folder, paths, seed, points), count))
        if len(shapes) < FEWEST_SHAPES:
            raise InputError(
                f"{dataset}: {len(shapes)} of its {len(paths)} files can be used and {count} were asked "
                f"for, at least {FEWEST_SHAPES} are needed; the warnings name those left out"
            )
        if len(shapes) < count:
            logging.warning("%s: %d shapes can be used, %d were asked for", dataset, len(shapes), count)
    return tuple(shapes), ShapeSamples(*map(np.stack, zip(*shapes.values(), strict=True)))


def chair_parameters(count: int, seed: int) -> Float[np.ndarray, "count k"]:
    """Parameters of the first `count` chairs of a seed."""

    def one(i):
        return chairs.sample_parameters(jax.random.fold_in(jax.random.key(seed), i))

    return np.asarray(jax.jit(jax.vmap(one))(jnp.arange(count)))


def sample_solid(name: str, surface: trimesh.Trimesh, distance: Distance, points: int, seed: int) -> ShapeSamples:
    """Samples of a solid that is given by its surface and its signed distance.

    Points near the surface lie off a point of it by normal noise of the standard deviations `NEAR`. As long as there
    are too few inside, as in thin shells, more are drawn with half the standard deviation.

    Raises:
      UnusableMesh: hardly anything is inside.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])

    def near(count, factor):
        scale = rng.permutation(np.resize(NEAR, count))[:, None] * factor
        return np.clip(sample_surface(surface, count, rng) + scale * rng.standard_normal((count, 3)), -1, 1)

    def rows(*parts):
        drawn = np.concatenate(parts).astype(np.float32)
        return rng.permutation(np.column_stack([drawn, distance(drawn)]).astype(np.float32))

    def anywhere(count):
        return rng.uniform(-1, 1, (count, 3))

    uniform = rows(anywhere(UNIFORM))
    within = np.count_nonzero(uniform[:, 3] < 0)
    if within < FEWEST_INSIDE:
        raise meshes.UnusableMesh(f"it has hardly any volume: {within} of {UNIFORM} points of the cube are inside")
    held_out = rows(anywhere(HELD_OUT // 2), near(HELD_OUT // 2, 1))
    half = points // 2
    # Near the surface: enough in one go for most shapes, and always the same number, which compiles once.
    some = round(1.35 * points)
    drawn = np.concatenate([rows(anywhere(round(UNIFORM_SHARE * points))), rows(near(some, 1))])
    positive, negative = drawn[drawn[:, 3] >= 0], drawn[drawn[:, 3] < 0]
    for halvings in range(8):
        if min(len(positive), len(negative)) >= half:
            break
        drawn = rows(near(some, 0.5 ** (1 + halvings)))
        positive = np.concatenate([positive, drawn[drawn[:, 3] >= 0]])
        negative = np.concatenate([negative, drawn[drawn[:, 3] < 0]])
    else:
        raise meshes.UnusableMesh(f"its walls are too thin: {len(negative)} points inside were found of {half}")
    positive, negative = rng.permutation(positive[:half]), rng.permutation(negative[:half])
    return ShapeSamples(positive, negative, held_out, uniform, sample_surface(surface, SURFACE, rng))


def split_rows(name: str, positive: np.ndarray, negative: np.ndarray, points: int, seed: int) -> ShapeSamples:
    """Samples of a shape that is given by rows of x, y, z, distance alone, as in DeepSDF's files.

    Up to a quarter of the rows of each sign are held out. There are no points uniform in the cube and none on the
    surface, so `uniform` holds further held-out rows, with the file's own distribution, by halves outside and inside,
    and `surface` the fiftieth of all rows that is nearest to the surface. Where rows are too few, they repeat.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])

    def draw(rows, count):
        return rng.choice(rows, count, replace=len(rows) < count)

    train, held_out, uniform = [], [], []
    for rows in (positive, negative):
        rows = rng.permutation(rows)
        tested = min(len(rows) // 4, (HELD_OUT + UNIFORM) // 2)
        cut = round(tested * HELD_OUT / (HELD_OUT + UNIFORM))
        held_out.append(draw(rows[:cut], HELD_OUT // 2))
        uniform.append(draw(rows[cut:tested], UNIFORM // 2))
        train.append(draw(rows[tested:], points // 2))
    rows = np.concatenate([positive, negative])
    nearest = rows[np.argsort(np.abs(rows[:, 3]))[: max(1, len(rows) // 50)]]
    held_out, uniform = (rng.permutation(np.concatenate(parts)) for parts in (held_out, uniform))
    return ShapeSamples(train[0], train[1], held_out, uniform, draw(nearest, SURFACE)[:, :3])


def _chairs(parameters: Float[np.ndarray, "count k"], seed: int, points: int) -> NamedSamples:
    build, distance = jax.jit(chairs.build), jax.jit(chairs.distance_to)

    def solid(row: Float[Array, "k"]) -> tuple[trimesh.Trimesh, Distance]:
        chair = build(row)
        return chairs.surface_mesh(chair), lambda x: np.asarray(distance(chair, jnp.asarray(x)))

    for i, row in enumerate(parameters):
        name = f"chair-{i:05d}"
        yield name, _kept(name, sha256(row), lambda row=row: solid(jnp.asarray(row)), points, seed)


def _meshes(folder: Path, paths: list[Path], seed: int, points: int) -> NamedSamples:
    def solid(path: Path) -> tuple[trimesh.Trimesh, Distance]:
        mesh = meshes.load_mesh(path)
        return mesh, lambda x: meshes.signed_distance(mesh, x)

    for path in paths:
        name = str(path.relative_to(folder))
        try:
            yield name, _kept(name, sha256(path.read_bytes()), lambda path=path: solid(path), points, seed)
        except (meshes.UnusableMesh, OSError) as error:
            logging.warning("mesh %s left out: %s", name, error)


def _kept(
    name: str, source: str, solid: Callable[[], tuple[trimesh.Trimesh, Distance]], points: int, seed: int
) -> ShapeSamples:
    """Samples of a solid, which is made only where none are kept; `source` is a checksum of what describes it."""
    made_of = (VERSION, name, source, seed, points, HELD_OUT, UNIFORM, SURFACE)
    return ShapeSamples(**cached(made_of, lambda: sample_solid(name, *solid(), points, seed)._asdict()))


def _deepsdf(folder: Path, paths: list[Path], seed: int, points: int) -> NamedSamples:
    for path in paths:
        name = str(path.relative_to(folder))
        try:
            yield name, split_rows(name, *deepsdf.read(path), points, seed)
        except InputError as error:
            logging.warning("left out: %s", error)


def _find(dataset: str) -> tuple[Path, list[Path]]:
    """The folder and its mesh or DeepSDF files, sorted by name."""
    folder = Path(dataset).expanduser()
    kinds = f"give 'chairs', or a folder of meshes ({' '.join(meshes.SUFFIXES)}) or of DeepSDF files (.npz)"
    if not folder.is_dir():
        raise InputError(f"{dataset}: no such folder; {kinds}")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    solids = [path for path in files if path.suffix.lower() in meshes.SUFFIXES]
    tables = [path for path in files if path.suffix.lower() == ".npz"]
    if bool(solids) == bool(tables):
        content = "both meshes and .npz files" if solids else "neither a mesh nor a .npz file"
        raise InputError(f"{dataset}: {content} in it; {kinds}")
    return folder, solids or tables
