"""A run's metrics.jsonl: one line for each step that is logged, of which a reader needs none."""

import json

from etils import epath

from netspace_jax.files import location


def read_log(path: epath.PathLike) -> list[dict[str, int | float]]:
    """Lines of a run's metrics.jsonl; those that cannot be read are left out, and of a lost log there are none."""
    return [json.loads(line) for line in lines_of(location(path)) if step_of(line) < float("inf")]


def lines_of(run: epath.Path) -> list[str]:
    """Lines as they are; what is no text in them is shown as such."""
    log = run / "metrics.jsonl"
    if not log.exists() or log.is_dir():
        return []
    return log.read_bytes().decode(errors="replace").splitlines()


def step_of(line: str) -> float:
    """Step that a line is of; infinity of one that cannot be read."""
    try:
        values = json.loads(line)
        numbers = all(isinstance(value, int | float) for value in values.values())
        return float(values["step"]) if numbers else float("inf")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return float("inf")
