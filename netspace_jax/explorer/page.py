"""explore.html: the space as a map, in one file that decodes networks and runs them in the browser."""

import dataclasses
import functools
import html
import json
import math
from collections.abc import Mapping
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
from annotated_types import Interval

from netspace_jax.behaviour import as_supervised
from netspace_jax.domain import domain
from netspace_jax.errors import InputError
from netspace_jax.explorer.packing import EXACT, TooLarge, pack
from netspace_jax.explorer.points import Points, map_points, principal_plane
from netspace_jax.explorer.programs import Programs
from netspace_jax.explorer.search import search_step
from netspace_jax.explorer.tasks import PAIRS, adapts, add_task_programs, task_arrays
from netspace_jax.explorer.view import View
from netspace_jax.files import packaged, write_text
from netspace_jax.metrics.outputs import outputs_on
from netspace_jax.report.page import STYLE, filled
from netspace_jax.rules import MOST
from netspace_jax.runs import Run
from netspace_jax.space import Space
from netspace_jax.space.batched import generate_many

_PACKAGE, _SCRIPTS = "netspace_jax.explorer", ("programs.js", "packing.js", "page.js", "tasks.js", "map.js")
_TABLE = 40  # characters that say what an array is
_STEPS = 120  # of a search in the page
_CHECKED, _CHECKED_INPUTS = 4, 8  # networks whose outputs the page compares with Python's, and inputs of each


@dataclasses.dataclass(frozen=True)
class ExploreOptions:
    """How large the explorer may be."""

    megabytes: Annotated[float, Interval(gt=0, le=MOST)] = 10.0
    """Size of the file at most: to fit, parameters of the decoder are rounded, the largest architectures left out."""


def explore(run: Run, options: ExploreOptions) -> list[str]:
    """The space as a map in one HTML file, networks decoded and run in the browser."""
    view_of = domain(run.config.domain).view
    path = run.path / "explore.html"
    text, bits = page(run, View() if view_of is None else view_of(run), options)
    write_text(path, text)
    precision = "as they are" if bits == EXACT else f"rounded to {bits} bits of their column's largest"
    return [f"explorer: {path}, {len(text.encode()) / 1e6:.1f} MB, parameters of the decoder {precision}"]


def page(run: Run, view: View, options: ExploreOptions = ExploreOptions()) -> tuple[str, int]:
    """The file's text, and the bits to which parameters of the decoder are rounded so that it fits (32: not at all).

    Raises:
      InputError: a network holds a primitive that pages do not know, or not even the smallest architecture fits.
    """
    architectures, points = run.space.architectures, map_points(run, view)
    kept = sorted(run.trained_ids, key=lambda i: architectures[i].size)
    while kept:
        try:
            return _page(run, view, points, sorted(kept), int(options.megabytes * 1e6))
        except TooLarge:  # the largest architecture does not fit
            kept.pop()
    if adapts(run.space, view):  # a page without new tasks needs no encoder
        return page(run, dataclasses.replace(view, tasks=None), options)
    smallest = min(architecture.size for architecture in architectures)
    raise InputError(f"a decoder of networks of {smallest} parameters does not fit into {options.megabytes:g} MB")


def _page(run: Run, view: View, points: list[Points], kept: list[int], limit: int) -> tuple[str, int]:
    """The page with the decoder of some architectures."""
    programs = _programs(run.space, view, kept)
    embeddings = np.concatenate([part.embeddings for part in points]).astype(np.float16)
    axes, mean, shares = principal_plane(embeddings)
    arrays = {"z": embeddings, "axes": axes, "mean": mean} | _arrays(run.space, view, points, kept)
    data = _data(run, view, points) | {
        "kept": kept,
        "left": [
            f"{run.space.names[i]} ({run.space.architectures[i].size:,} parameters)"
            for i in run.trained_ids
            if i not in kept
        ],
        "megabytes": limit / 1e6,
        "explained": shares,
        "places": {name: programs.hold(np.asarray(array)) for name, array in arrays.items()},
        "programs": programs.programs,
    }
    room = limit - len(_filled(run, view, data, "").encode()) - _TABLE * len(programs.arrays)
    packed, bits = pack(programs.arrays, room)
    data |= {"bits": bits, "packed": {"table": packed.table, "size": packed.size}}
    return _filled(run, view, data, packed.text), bits


def _programs(space: Space, view: View, kept: list[int]) -> Programs:
    """What the page computes: decode, run, score, classify, and one step of a search."""
    programs, decoder = Programs(), space.cut(max(space.architectures[i].size for i in kept))
    z = jnp.zeros(space.embedding_size)
    for i in kept:
        architecture = space.architectures[i]
        programs.add(f"generate/{i}", functools.partial(decoder.generate, architecture_id=i), z)
        for batch in {1, view.batch}:
            inputs = jnp.zeros((batch, *architecture.input_shape), architecture.input_dtype)
            programs.add(f"apply/{i}/{batch}", architecture.apply, jnp.zeros(architecture.size), inputs)
        if view.loss is not None and view.aims is not None:
            step, aim = search_step(decoder, space.statistics, i, view), jnp.asarray(view.aims[0])
            programs.add(f"improve/{i}", step, z, z, z, jnp.zeros((), jnp.int32), aim)
    if view.examples is not None:
        inputs, targets = view.examples
        outputs = jnp.zeros((len(inputs), space.behaviour.outputs))
        programs.add("score", lambda outputs: as_supervised(space.behaviour).score(outputs, targets), outputs)
    if len(space.architectures) > 1:
        programs.add("classify", decoder.classify, z)
    if adapts(space, view):
        add_task_programs(programs, space, decoder, kept)
    return programs


def _arrays(space: Space, view: View, points: list[Points], kept: list[int]) -> dict[str, Any]:
    """What the page holds beside parameters and embeddings, by the names that its script uses."""
    probes = space.constants.probes
    if probes is None:  # of spaces whose networks have each inputs of their own
        probes = view.loss_inputs if view.examples is None else view.examples.inputs
    inputs = np.asarray(probes if view.loss_inputs is None else view.loss_inputs)[:_CHECKED_INPUTS]
    first = points[0]
    outputs = [
        outputs_on(space.architectures[i], generate_many(space, i, z.astype(np.float16).astype(np.float32)), inputs)[0]
        for i, z in zip(first.architecture_ids.tolist(), first.embeddings[:_CHECKED, None], strict=False)
        if i in kept
    ]
    arrays = {
        "centre": np.asarray(space.statistics.mean, np.float32),
        "spread": np.asarray(space.statistics.deviation, np.float32),
        "checkInputs": inputs,
        "checkOutputs": np.stack(outputs) if outputs else np.zeros((0, 1), np.float32),
        "probes": np.asarray(probes),
    }
    if view.examples is not None:
        arrays["examples"] = np.asarray(view.examples.inputs)
    if view.aims is not None:
        arrays["aims"] = np.asarray(view.aims, np.float32)[: len(first.embeddings)]
    if view.tasks is not None and adapts(space, view):
        arrays |= task_arrays(space, view.tasks, kept)
    return arrays | dict(view.arrays)


def _data(run: Run, view: View, points: list[Points]) -> dict[str, Any]:
    """What the page is told as JSON, whichever architectures it keeps."""
    scores = np.concatenate([part.scores for part in points]).round(4)
    return {
        "title": run.config.name,
        "metric": run.metric.title,
        "question": view.question,
        "architectures": [
            {
                "name": architecture.name,
                "size": architecture.size,
                "shape": architecture.input_shape,
                "inputs": math.prod(architecture.input_shape),
                "outputs": run.space.behaviour.outputs,
            }
            for architecture in run.space.architectures
        ],
        "batch": view.batch,
        "steps": _STEPS,
        "kinds": [{"name": part.kind, "count": len(part.embeddings)} for part in points],
        "score": [float(score) if np.isfinite(score) else None for score in scores],
        "architecture": np.concatenate([part.architecture_ids for part in points]).tolist(),
        "name": [name for part in points for name in part.names],
        "label": [label for part in points for label in part.labels],
        "about": dict(view.about),
        "scored": view.examples is not None,
        "tasks": {"names": list(view.tasks.names), "pairs": PAIRS} if view.tasks and adapts(run.space, view) else None,
    }


def _filled(run: Run, view: View, data: Mapping[str, Any], packed: str) -> str:
    return filled(
        packaged(_PACKAGE, "page.html"),
        TITLE=html.escape(f"The space of {run.config.name}"),
        STYLE=STYLE,
        DATA=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
        PACKED=packed,
        SCRIPTS="\n".join(packaged(_PACKAGE, name) for name in _SCRIPTS),
        VIEW=view.script,
    )
