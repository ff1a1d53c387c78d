"""A run that is finished already, which the same command need not make again."""

import dataclasses
import json

from etils import epath

from netspace_jax.config import RunConfig
from netspace_jax.evaluations import FAILED
from netspace_jax.files import location
from netspace_jax.jobs import NO_EXPLORER, load_data
from netspace_jax.runs.description import read_description
from netspace_jax.zoo import zoo_name


def finished_report(config: RunConfig, out: epath.PathLike, explorer: bool = True) -> epath.Path | None:
    """The report of a run that lacks nothing of what this configuration makes; None where there is something to make.

    Args:
      explorer: whether the run is to have an explorer, where it can.
    """
    place = location(out)
    report, described = place / "report.html", place / "config.json"
    if not all(path.is_file() for path in (described, report, place / "metrics.json", place / "space" / "space.json")):
        return None
    text = report.read_text()
    lacks_explorer = explorer and not (place / "explore.html").exists() and NO_EXPLORER not in text
    # A description is written when a run is begun or gone on with, its report in the end.
    if lacks_explorer or FAILED in text or report.stat().mtime < described.stat().mtime:
        return None
    loaded = load_data(config)
    config = dataclasses.replace(config, zoo=loaded.config)
    name = config.zoo_folder or zoo_name(config.zoo, loaded.dataset)
    wanted = json.loads(json.dumps({**dataclasses.asdict(config), "zoo_folder": name}))
    return report if wanted == read_description(out) else None
