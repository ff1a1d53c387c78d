"""The domain of networks that hold fields: shapes, pictures and signals."""

from collections.abc import Callable
from typing import Any

from netspace_jax.domain import Domain, Evaluation
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


def _section(
    module: str, name: str, applies: Callable[[Any], bool], summary: str, *, in_report: bool = True, leads: bool = False
) -> Evaluation:
    """A section by a function of its name."""
    return Evaluation(name, Lazy(f"{_HERE}.{module}:{name}"), summary, in_report, applies, leads)


DOMAIN = Domain(
    name="fields",
    zoo_config=FieldZooConfig,
    netspace_config=FieldNetSpaceConfig,
    load=Lazy(f"{_HERE}.loading:load"),
    presets=PRESETS,
    behaviours=(f"{_HERE}.behaviour",),
    evaluations=(
        _section("shapes", "shapes", _SHAPES, "How near are the generated shapes?", leads=True),
        _section("shapes", "interpolate_shapes", _SHAPES, "What lies between two shapes?"),
        _section("completion", "completion", _SHAPES, "Can a shape be found from a part of its points?"),
        _section("mesh_export", "meshes", _SHAPES, "Meshes of test shapes as .ply, .obj or .glb", in_report=False),
        _section("pictures", "pictures", _PICTURES, "How good are pictures that the space never saw?", leads=True),
        _section("reading", "reading", has_classes, "What does a network show, from its embedding alone?"),
        _section("retrieval", "retrieval", has_pictures_of_classes, "Which pictures lie beside each other?"),
        _section("pictures", "walk", _PICTURES, "What lies between two pictures?"),
        _section("pictures", "samples", _PICTURES, "What comes out at random?"),
        _section("pictures", "super_resolution", _PICTURES, "What is between the pixels?"),
        _section("compression", "compression", _PICTURES, "How small is a picture as an embedding?"),
        _section("signals", "signals", _SIGNALS, "How good are signals that the space never saw?", leads=True),
        _section("signals", "readout", has_numbers, "Can the numbers of a signal be read from an embedding?"),
        _section("gaps", "gaps", has_one_grid, "Can a gap in a signal be filled?"),
    ),
    behaviour_of=Lazy(f"{_HERE}.loading:behaviour_of"),
    check=check,
    view=Lazy(f"{_HERE}.explorer:view"),
)
