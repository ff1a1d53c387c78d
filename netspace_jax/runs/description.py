"""What a run is, as config.json in its directory says, and whether another may go on there."""

import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from etils import epath

from netspace_jax.digest import NOT_IN_DIGEST
from netspace_jax.errors import InputError
from netspace_jax.files import (
    BESIDE,
    canonical_json,
    checksum,
    location,
    read_json,
    refuse_directory,
    write_text,
)

FILE = "config.json"


def check_directory(
    path: epath.PathLike,
    description: Mapping[str, Any],
    fresh: bool = False,
    defaults: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Refuse a directory that is no place for this run; the arguments are those of `RunDirectory`. Nothing is written.

    Raises:
      InputError: it belongs to another configuration (naming the fields that differ) or is something else.
    """
    place = location(path)
    if (place / FILE).exists():
        old = read_description(path)  # Only a run is deleted, never what else may hold a file of that name.
        new, known = json.loads(json.dumps(description)), json.loads(json.dumps(defaults or {}))
        different = [] if fresh else differences(old, new, known)
        if different:
            raise InputError(
                f"{path} belongs to another configuration ({'; '.join(different)}): "
                f"choose another --out, or --fresh to start anew"
            )
        for name in () if fresh else ("metrics.json", "report.html", "explore.html"):
            refuse_directory(place / name)
    elif place.exists() and any(found.name not in BESIDE for found in place.iterdir()):
        raise InputError(f"{path} is not empty and not a run: choose another --out")


def write_description(path: epath.PathLike, description: Mapping[str, Any]) -> None:
    """Write what the run in a directory is, with a checksum of it."""
    facts = json.loads(json.dumps(description))
    text = json.dumps({**facts, "checksum": checksum(canonical_json(facts))}, indent=1)
    write_text(location(path) / FILE, text)


def read_description(path: epath.PathLike) -> dict[str, Any]:
    """What the run in a directory is, as JSON holds it.

    Raises:
      InputError: there is none, or it is not one.
    """
    written = location(path) / FILE
    if not written.exists():
        raise InputError(f"{path} holds no run: {written.name} is missing there")
    values = read_json(written)
    if not isinstance(values, dict) or not all(isinstance(values.get(part), dict) for part in ("zoo", "netspace")):
        raise InputError(f"{written} is not the configuration of a run")
    said = values.pop("checksum", None)
    if said is not None and said != checksum(canonical_json(values)):
        raise InputError(f"{written} is damaged: its values are not those that were written: bring it back from a copy")
    return values


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], defaults: Mapping[str, Mapping[str, Any]] | None = None
) -> list[str]:
    """Fields in which two runs differ, as `zoo.steps 400 → 500`; what changes no network does not count.

    Args:
      defaults: of each part's fields, for fields that are newer than the old run.
    """
    defaults, ignored = defaults or {}, {("zoo", name) for name in NOT_IN_DIGEST}
    found = []
    for part in ("zoo", "netspace"):
        for name in {**old[part], **new[part]}:
            a, b = old[part].get(name), new[part].get(name)
            if name not in old[part]:  # it came later, and had its default then
                a = defaults.get(part, {}).get(name, b)
            if a != b and (part, name) not in ignored:
                found.append(f"{part}.{name} {_shown(a)} → {_shown(b)}")
    if not found and not _same_zoo(str(old.get("zoo_folder")), str(new.get("zoo_folder"))):
        found.append(f"the data changed: its zoo was {old.get('zoo_folder')} and is {new.get('zoo_folder')}")
    return found


def _same_zoo(old: str, new: str) -> bool:
    """Whether two folders hold one zoo: a name that the package gave says all of it, whatever the path before it."""
    named = PurePath(old).name == PurePath(new).name
    return old == new or (named and not (PurePath(old).is_absolute() and PurePath(new).is_absolute()))


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
