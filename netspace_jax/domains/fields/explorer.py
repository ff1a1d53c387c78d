"""How networks that hold fields are shown in the explorer: the picture, the curve, or the surface, turned."""

from collections.abc import Sequence

import numpy as np

from netspace_jax.dataset import Split
from netspace_jax.domains.fields.dataset import FieldData, PictureTruth
from netspace_jax.domains.fields.images import pixel_centres
from netspace_jax.domains.fields.members import items_of
from netspace_jax.explorer.view import View
from netspace_jax.files import packaged
from netspace_jax.metrics.outputs import outputs_on
from netspace_jax.runs import Run

_FINER = 4  # coordinates along each side for one pixel, where a picture is asked between its pixels
_INSTANTS = 400
_AIMED = 256  # points of a shape that a search in the page fits
_POINTS = 4096  # of a grid that a network runs on at a time
QUESTIONS = {
    "shapes": "Each network holds one shape: walk from one to another, and turn what lies between.",
    "pictures": "Each network holds one picture: move over the map and watch it change.",
    "signals": "Each network holds one signal: move over the map and watch it change.",
}


def view(run: Run[FieldData]) -> View:
    """The coordinates at which a page asks networks, by the kind of field."""
    data, truth, kind = run.dataset, run.dataset.truth, run.config.zoo.kind  # type: ignore[attr-defined]
    about: dict[str, object] = {"kind": kind, "channels": data.behaviour.channels}
    arrays: dict[str, np.ndarray] = {}
    batch = _POINTS
    fitted = np.random.default_rng(0).uniform(-1, 1, (_AIMED, 3))
    if isinstance(truth, PictureTruth):
        height, width = truth.size
        fine = pixel_centres(_FINER * height, _FINER * width)
        about |= {"size": truth.size, "finer": _FINER}
        arrays = {"points": pixel_centres(height, width), "fine": fine}
        batch = height * width
        fitted = arrays["points"]
    elif kind == "signals":
        arrays = {"points": np.linspace(-1, 1, _INSTANTS, dtype=np.float32)[:, None]}
        batch = _INSTANTS
        fitted = arrays["points"][::4]
    classes = truth.classes
    fitted = np.asarray(fitted, np.float32)

    def labels(architecture_id: int, split: Split) -> Sequence[str]:
        del architecture_id
        return [str(int(value)) for value in np.asarray(classes)[items_of(run, split)]]

    return View(
        script=packaged("netspace_jax.domains.fields", "explorer.js"),
        question=QUESTIONS[kind],
        batch=batch,
        arrays={name: np.asarray(array, np.float32) for name, array in arrays.items()},
        about=about,
        labels=None if classes is None else labels,
        loss=data.behaviour.imitation_loss,
        loss_inputs=fitted,
        aims=np.asarray(outputs_on(run.space.architectures[0], run.networks(0, "test").parameters, fitted)),
    )
