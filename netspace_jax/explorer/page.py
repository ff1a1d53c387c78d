"""explore.html: the space as a map, in one file that decodes networks and runs them in the browser."""

import dataclasses
import functools
import html
import json
import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.decomposition import PCA

from netspace_jax.behaviour import as_supervised, one_task
from netspace_jax.config import SearchConfig
from netspace_jax.domain import domain
from netspace_jax.errors import InputError
from netspace_jax.explorer import packing
from netspace_jax.explorer.programs import Programs
from netspace_jax.explorer.view import View
from netspace_jax.files import packaged, write_text
from netspace_jax.latent import EmbeddingStatistics
from netspace_jax.metrics.outputs import outputs_on, scores_of
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.report.page import STYLE, filled
from netspace_jax.rules import MOST, Range
from netspace_jax.runs import Run
from netspace_jax.space.batched import classify_many, embed_many, generate_many
from netspace_jax.space.netspace import NetSpace

_PACKAGE, _SCRIPTS = "netspace_jax.explorer", ("programs.js", "packing.js", "page.js", "map.js")
_TABLE = 40  # characters that say what an array is
_POINTS, _POINT_VALUES = 480, 700_000  # points on the map, and values of their embeddings, at most
_STEPS = 120  # of a search in the page
_CHECKED = 4  # networks whose outputs the page compares with Python's


@dataclasses.dataclass(frozen=True)
class ExploreOptions:
    """How large the explorer may be."""

    megabytes: Annotated[float, Range(0, MOST, open_low=True)] = 10.0
    """Size of the file at most: to fit, parameters of the decoder are rounded, the largest architectures left out."""


class _Point(NamedTuple):
    """A kind of points on the map: embeddings, scores (not finite where there are none), architectures, labels."""

    name: str
    z: np.ndarray
    score: np.ndarray
    architecture: np.ndarray
    label: list[str]


def explore(run: Run, options: ExploreOptions) -> list[str]:
    """The space as a map in one HTML file, networks decoded and run in the browser."""
    view_of = domain(run.config.domain).view
    path = run.path / "explore.html"
    text, bits = page(run, View() if view_of is None else view_of(run), options)
    write_text(path, text)
    how = "as they are" if bits == packing.EXACT else f"rounded to {bits} bits of their column's largest"
    return [f"explorer: {path}, {len(text.encode()) / 1e6:.1f} MB, parameters of the decoder {how}"]


def page(run: Run, view: View, options: ExploreOptions = ExploreOptions()) -> tuple[str, int]:
    """The file's text, and the bits to which parameters of the decoder are rounded so that it fits (32: not at all).

    Raises:
      InputError: a network holds a primitive that pages do not know, or not even the smallest architecture fits.
    """
    space, kept = run.space, sorted(run.trained_ids, key=lambda i: run.space.architectures[i].size)
    while kept:
        try:
            return _page(run, view, tuple(sorted(kept)), int(options.megabytes * 1e6))
        except packing.TooLarge:  # the largest architecture does not fit
            kept.pop()
    smallest = min(architecture.size for architecture in space.architectures)
    raise InputError(f"a decoder of networks of {smallest} parameters does not fit into {options.megabytes:g} MB")


def _page(run: Run, view: View, kept: tuple[int, ...], limit: int) -> tuple[str, int]:
    space = run.space
    small = space.cut(max(space.architectures[which].size for which in kept))
    points = _points(run, view)
    z = np.concatenate([kind.z for kind in points]).astype(np.float16)
    plane = PCA(2, random_state=0).fit(z.astype(np.float32)) if z.shape[1] > 1 else None
    statistics = space.statistics
    programs = Programs()
    for which in kept:
        _add_programs(programs, small, statistics, which, view)
    if len(space.architectures) > 1:
        programs.add("classify", small.classify, jnp.zeros(space.embedding_size))
    axes = np.zeros((2, z.shape[1]), np.float32) if plane is None else np.asarray(plane.components_, np.float32)
    checked = z[:_CHECKED].astype(np.float32)
    ids = np.concatenate([kind.architecture for kind in points])
    inputs = np.asarray(view.loss_inputs if view.loss_inputs is not None else space.constants.probes)[:8]
    expected = [
        outputs_on(space.architectures[int(which)], generate_many(space, int(which), row[None]), inputs)[0]
        for row, which in zip(checked, ids[: len(checked)].tolist(), strict=True)
        if which in kept
    ]
    arrays = {
        "z": z,
        "axes": axes,
        "mean": np.zeros(z.shape[1], np.float32) if plane is None else np.asarray(plane.mean_, np.float32),
        "centre": np.asarray(statistics.mean, np.float32),
        "spread": np.asarray(statistics.deviation, np.float32),
        "checkInputs": inputs,
        "checkOutputs": np.stack(expected) if expected else np.zeros((0, 1), np.float32),
        "probes": np.asarray(space.constants.probes),
        **({} if view.examples is None else {"examples": np.asarray(view.examples.inputs)}),
        **({} if view.aims is None else {"aims": np.asarray(view.aims, np.float32)[: len(points[0].z)]}),
        **view.arrays,
    }
    places = {name: programs.hold(np.asarray(array)) for name, array in arrays.items()}
    names = space.names
    data: dict[str, Any] = {
        "title": run.config.name,
        "metric": run.metric.title,
        "question": view.question,
        "architectures": [
            {
                "name": architecture.name,
                "size": architecture.size,
                "shape": architecture.input_shape,
                "inputs": math.prod(architecture.input_shape),
                "outputs": space.behaviour.outputs,
            }
            for architecture in space.architectures
        ],
        "kept": kept,
        "left": [f"{names[i]} ({space.architectures[i].size:,} parameters)" for i in run.trained_ids if i not in kept],
        "megabytes": limit / 1e6,
        "batch": view.batch,
        "steps": _STEPS,
        "explained": [] if plane is None else [float(share) for share in plane.explained_variance_ratio_],
        "kinds": [{"name": kind.name, "count": len(kind.z)} for kind in points],
        "score": [float(x) if np.isfinite(x) else None for kind in points for x in np.round(kind.score, 4)],
        "architecture": ids.tolist(),
        "label": [label for kind in points for label in kind.label],
        "programs": programs.programs,
        "places": places,
        "about": dict(view.about),
        "scored": view.examples is not None,
    }
    fixed = _filled(run, view, data, "")
    found, bits = packing.pack(programs.arrays, limit - len(fixed.encode()) - _TABLE * len(programs.arrays))
    return _filled(
        run, view, {**data, "bits": bits, "packed": {"table": found.table, "size": found.size}}, found.text
    ), bits


def _filled(run: Run, view: View, data: Mapping[str, Any], text: str) -> str:
    return filled(
        packaged(_PACKAGE, "page.html"),
        TITLE=html.escape(f"The space of {run.config.name}"),
        STYLE=STYLE,
        DATA=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        PACKED=text,
        SCRIPTS="\n".join(packaged(_PACKAGE, name) for name in _SCRIPTS),
        VIEW=view.script,
    )


def _add_programs(programs: Programs, space: NetSpace, statistics: EmbeddingStatistics, which: int, view: View) -> None:
    """What the page does with one architecture: decode, run, score, and one step of a search."""
    architecture = space.architectures[which]
    z, flat = jnp.zeros(statistics.mean.shape), jnp.zeros(architecture.size)
    programs.add(f"generate/{which}", functools.partial(space.generate, architecture_id=which), z)
    for batch in {1, view.batch}:
        programs.add(f"apply/{which}/{batch}", architecture.apply, flat, jnp.zeros((batch, *architecture.input_shape)))
    if view.examples is not None:
        inputs, targets = view.examples
        outputs = jnp.zeros((len(inputs), space.behaviour.outputs))
        programs.add("score", lambda outputs: as_supervised(space.behaviour).score(outputs, targets), outputs)
    if view.loss is not None and view.aims is not None:
        step, aim = search_step(space, statistics, which, view), jnp.asarray(view.aims[0])
        programs.add(f"improve/{which}", step, z, z, z, jnp.zeros((), jnp.int32), aim)


def search_step(space: NetSpace, statistics: EmbeddingStatistics, which: int, view: View) -> Callable[..., Any]:
    """One step of a search on fixed inputs: standardised embedding, Adam's two means and its count, to the same.

    What is aimed at is given last; the loss comes last. The rate stays what a search begins with.
    """
    config, architecture = SearchConfig(), space.architectures[which]
    adam = optax.scale_by_adam()
    inputs, loss_of_outputs = jnp.asarray(view.loss_inputs), view.loss
    assert loss_of_outputs is not None

    def loss_of(u, aim):
        outputs = architecture.apply(space.generate(statistics.restore(u), which), inputs)
        loss = loss_of_outputs(aim, outputs) + config.trust * jnp.square(u).mean()
        if len(space.architectures) > 1:
            loss -= jax.nn.log_softmax(space.classify(statistics.restore(u)))[which]
        return loss

    def step(u, first, second, count, aim):
        loss, gradient = jax.value_and_grad(loss_of)(u, aim)
        state = optax.ScaleByAdamState(count=count, mu=first, nu=second)
        change, after = adam.update(gradient, state)
        mean: Any = after  # the same state, whose type optax does not say
        return u - config.learning_rate * cast(jax.Array, change), mean.mu, mean.nu, mean.count, loss

    return step


def _points(run: Run, view: View) -> list[_Point]:
    """Members that trained the space and members that it never saw, networks generated from these, and drawn ones."""
    space, ids = run.space, run.trained_ids
    each = max(min(_POINTS, _POINT_VALUES // space.embedding_size) // (4 * len(ids)), 2)
    none = [""] * each
    test, train, again, drawn = [], [], [], []
    for which in ids:
        found = run.reconstruction(which, "test")
        rows = slice(0, 2 * each)
        labels = list(view.labels(which, "test"))[rows] if view.labels else none * 2
        test.append((found.embedding[rows], found.score[rows], which, labels))
        members = run.networks(which, "train").members
        known = np.asarray(space.embeddings[space.names[which]])
        chosen = np.linspace(0, len(known) - 1, min(each, len(known))).astype(int)
        known_labels = view.labels(which, "train") if view.labels else [""] * len(known)
        labels = [known_labels[i] for i in chosen]
        train.append((known[chosen], np.array([members[i].score_test for i in chosen]), which, labels))
        rows = slice(0, each // 2)
        z = np.asarray(embed_many(space, which, found.generated[rows]))
        again.append((z, found.generated_score[rows], which, test[-1][3][rows]))
    z = np.asarray(space.density().sample(key_of(0, Purpose.SAMPLE), each // 2 * len(ids)))
    read = np.asarray(classify_many(space, z))
    for which in np.unique(read):
        own = z[read == which]
        scores = np.full(len(own), np.nan)
        if one_task(run.dataset):
            scores = scores_of(run.dataset, space.architectures[which], generate_many(space, int(which), own))
        drawn.append((own, scores, int(which), none))
    names = ("never seen by the space", "trained the space", "generated, embedded again", "drawn at random")
    return [_joined(name, rows) for name, rows in zip(names, (test, train, again, drawn), strict=True)]


def _joined(name: str, rows: list[tuple[np.ndarray, np.ndarray, int, list[str]]]) -> _Point:
    z, score = (np.concatenate([np.asarray(row[i]) for row in rows]) for i in (0, 1))
    architecture = np.concatenate([np.full(len(row[0]), row[2]) for row in rows])
    labels = [label for row in rows for label in (list(row[3]) + [""] * len(row[0]))[: len(row[0])]]
    return _Point(name, z, score, architecture, labels)
