"""The domain of networks that hold fields: shapes, pictures and signals."""

from collections.abc import Callable
from typing import Any

from netspace_jax.domain import Domain, section
from netspace_jax.domains.fields.config import FieldNetSpaceConfig, FieldZooConfig, check
from netspace_jax.domains.fields.presets import PRESETS
from netspace_jax.lazy import Lazy

_HERE = "netspace_jax.domains.fields"


def of_kind(kind: str) -> Callable[[Any], bool]:
    """A test for runs whose networks hold fields of a kind."""
    return lambda run: run.config.zoo.kind == kind


def has_classes(run: Any) -> bool:
    """True for runs whose fields are of two classes or more."""
    classes = getattr(run.dataset.truth, "classes", None)
    return classes is not None and len({*classes.tolist()}) > 1


def has_numbers(run: Any) -> bool:
    """True for runs whose fields have numbers, other than a class, that stand for them."""
    return getattr(run.dataset.truth, "names", ()) not in ((), ("class",))


def has_one_grid(run: Any) -> bool:
    """True for runs whose signals are all known at the same instants."""
    return of_kind("signals")(run) and run.dataset.one_grid


def has_pictures_of_classes(run: Any) -> bool:
    """True for runs whose pictures are of two classes or more."""
    return of_kind("pictures")(run) and has_classes(run)


_SHAPES, _PICTURES, _SIGNALS = of_kind("shapes"), of_kind("pictures"), of_kind("signals")


DOMAIN = Domain(
    name="fields",
    zoo_config=FieldZooConfig,
    netspace_config=FieldNetSpaceConfig,
    load=Lazy(f"{_HERE}.loading:load"),
    presets=PRESETS,
    behaviours=(f"{_HERE}.behaviour",),
    evaluations=(
        section(f"{_HERE}.shapes:shapes", "How near are the generated shapes?", _SHAPES, leads=True),
        section(f"{_HERE}.shapes:interpolate_shapes", "What lies between two shapes?", _SHAPES),
        section(f"{_HERE}.completion:completion", "Can a shape be found from a part of its points?", _SHAPES),
        section(f"{_HERE}.mesh_export:meshes", "Meshes of test shapes as .ply, .obj or .glb", _SHAPES, in_report=False),
        section(f"{_HERE}.pictures:pictures", "How good are pictures that the space never saw?", _PICTURES, leads=True),
        section(f"{_HERE}.reading:reading", "What does a network show, from its embedding alone?", has_classes),
        section(f"{_HERE}.retrieval:retrieval", "Which pictures lie beside each other?", has_pictures_of_classes),
        section(f"{_HERE}.pictures:walk", "What lies between two pictures?", _PICTURES),
        section(f"{_HERE}.pictures:samples", "What comes out at random?", _PICTURES),
        section(f"{_HERE}.pictures:super_resolution", "What is between the pixels?", _PICTURES),
        section(f"{_HERE}.compression:compression", "How small is a picture as an embedding?", _PICTURES),
        section(f"{_HERE}.signals:signals", "How good are signals that the space never saw?", _SIGNALS, leads=True),
        section(f"{_HERE}.signals:readout", "Can the numbers of a signal be read from an embedding?", has_numbers),
        section(f"{_HERE}.gaps:gaps", "Can a gap in a signal be filled?", has_one_grid),
    ),
    behaviour_of=Lazy(f"{_HERE}.loading:behaviour_of"),
    check=check,
    view=Lazy(f"{_HERE}.explorer:view"),
)
