"""A preset over several seeds, as one file of results: command, machine, figures with their intervals.

    python benchmarks/evidence.py digits --seeds 0 1 2 3 4
    python benchmarks/evidence.py render            write the tables of README and docs from what lies in results/

Each seed is a run of its own, of train.py, and goes on where it was if interrupted. The file is written after
each seed; `--add` puts seeds to those that it holds, which were measured with the same settings at another time.
"""

import dataclasses
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import netspace_jax  # noqa: E402  (the repository's own, from wherever the command runs)
from benchmarks import tables  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.digest import digest  # noqa: E402
from netspace_jax.errors import InputError  # noqa: E402
from netspace_jax.evaluations import all_evaluations, make  # noqa: E402
from netspace_jax.report import Section  # noqa: E402
from netspace_jax.report.fidelity import FidelityOptions, fidelity  # noqa: E402

RESULTS = ROOT / "results"
PACKAGES = ("jax", "flax", "optax", "numpy")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of this command."""

    preset: tyro.conf.Positional[str]
    """Preset to measure, or `render`."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Seeds of zoo and NetSpace."""
    zoo_seed: Annotated[int | None, tyro.conf.arg(prefix_name=False)] = None
    """Seed of one zoo that all runs share; by default the zoo of each is of its own seed."""
    runs: Path = Path("runs/evidence")
    """Where the runs go."""
    zoos: str = "zoos"
    """Where the zoos go."""
    flags: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(prefix_name=False)] = ()
    """A further flag of train.py, as one word: `--flags=--dataset=FILE.npz`; again for each one more."""
    quiet: bool = True
    """Whether nothing else ran on the machine; if not, the tables give no minutes."""
    distil_times: int = 0
    """Distillation without a space also takes so many times the steps of refinement; 0 for the report's own alone."""
    beside: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(prefix_name=False)] = ()
    """An evaluation that no report waits for, whose figures count as well, as `adaptation_baselines`; again for each
    one more."""
    name: str = ""
    """Name of the file of results; by default the preset's."""
    add: bool = False
    """Whether the seeds are added to those of the file of results, in place of writing it anew."""


def measure(args: Arguments) -> Path:
    """Run the preset for every seed, and write what came of it."""
    netspace_jax.preset(args.preset)  # before anything is written: it refuses one that is unknown
    if not args.seeds or len(set(args.seeds)) < len(args.seeds):
        raise InputError("--seeds takes one seed or more, none of them twice")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{args.name or args.preset}.json"
    earlier = read_earlier(path) if args.add and path.exists() else None
    if earlier is not None:
        check_added(args, earlier)
    runs = []
    for seed in args.seeds:
        out = args.runs / f"{args.name or args.preset}-{seed}"
        zoo_seed = seed if args.zoo_seed is None else args.zoo_seed
        seeded = ("--zoo.seed", str(zoo_seed), "--netspace.seed", str(seed), "--out", str(out), "--zoos", args.zoos)
        command = [sys.executable, str(ROOT / "train.py"), args.preset, *args.flags, *seeded]
        status = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode
        if status:
            raise InputError(f"train.py ended with status {status} on seed {seed}")
        runs.append(json.loads((out / "metrics.json").read_text()) | distilled(args, out) | evaluated(args, out))
        path.write_text(json.dumps(summary(args, runs, earlier), indent=1) + "\n")
    return path


def settings(args: Arguments) -> dict:
    """What the seeds of one file have in common: what the preset says today, and the flags."""
    known = netspace_jax.preset(args.preset)
    parts = "-".join(digest(part) for part in (known.zoo, known.netspace, known.refine))
    return {"preset": parts, "flags": list(args.flags), "zoo_seed": args.zoo_seed}


def read_earlier(path: Path) -> dict:
    """What a file of results holds."""
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is no JSON ({error}): measure all seeds again, without --add") from error
    if not isinstance(found, dict) or not found.keys() >= {"seeds", "figures", "settings"}:
        raise InputError(f"{path} lacks seeds, figures or settings: measure all again, without --add")
    return found


def check_added(args: Arguments, earlier: dict) -> None:
    """Refuse, before anything is run, seeds that cannot be added to what a file of results holds."""
    before, now = earlier["settings"], settings(args)
    for name in now:
        if before.get(name) != now[name]:
            differs = f"{name.replace('_', ' ')} {before.get(name)}, now {now[name]}"
            raise SystemExit(
                f"error: the file of results was measured with other settings ({differs}): measure all seeds again, "
                "without --add, or choose another --name"
            )
    twice = sorted(set(args.seeds) & set(earlier["seeds"]))
    if twice:
        raise SystemExit(f"error: the file of results has seed {twice[0]} already: give others")
    if len(earlier["seeds"]) > 1 and any("values" not in figure for figure in earlier["figures"].values()):
        raise SystemExit("error: the file of results has no figures of single seeds: measure all again, without --add")


def distilled(args: Arguments, out: Path) -> dict[str, float]:
    """Figures of the longer distillation that a run is compared with."""
    if not args.distil_times:
        return {}
    run = netspace_jax.open_run(out, args.zoos)
    metrics = fidelity(run, FidelityOptions((args.distil_times,))).metrics
    return {name: value for name, value in metrics.items() if name.startswith("baseline/distilled")}


def evaluated(args: Arguments, out: Path) -> dict[str, float]:
    """Figures of evaluations that no report waits for."""
    if not args.beside:
        return {}
    run, known, metrics = netspace_jax.open_run(out, args.zoos), all_evaluations(), {}
    for name in args.beside:
        if name not in known:
            raise InputError(f"--beside {name}: there is no such evaluation; `python eval` lists all")
        section = make(known[name], run)
        metrics |= section.metrics if isinstance(section, Section) else {}
    return metrics


def summary(args: Arguments, runs: list[dict[str, float | None]], earlier: dict | None = None) -> dict:
    """What a file of results holds: each figure's mean, standard deviation, min and max over seeds.

    Args:
      args: the flags, of which the first `len(runs)` seeds have been run.
      runs: the figures of each of these seeds.
      earlier: what the file holds of other seeds. Where one of both ran quietly, seconds are of the quiet ones alone.
    """
    part = {
        "seeds": list(args.seeds[: len(runs)]),
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "machine": machine(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "quiet": args.quiet,
    }
    parts = [part] if earlier is None else [*_parts(earlier), part]
    quiet = {seed: part["quiet"] for part in parts for seed in part["seeds"]}
    measured = [*([] if earlier is None else earlier["seeds"]), *part["seeds"]]
    seeds = sorted(measured)
    known = {} if earlier is None else {name: _values(found) for name, found in earlier["figures"].items()}
    absent = [None] * (len(seeds) - len(runs))
    figures = {}
    for name in sorted(known.keys() | runs[0].keys()):
        found = (*known.get(name, absent), *(run.get(name) for run in runs))
        values = dict(zip(measured, found, strict=True))
        if "seconds" in name and any(quiet.values()):
            values = {seed: value if quiet[seed] else None for seed, value in values.items()}
        figures[name] = _figure([values[seed] for seed in seeds])
    options = f" --distil-times {args.distil_times}" if args.distil_times else ""
    options += "" if args.zoo_seed is None else f" --zoo-seed {args.zoo_seed}"
    flags = options + "".join(f" --flags={flag}" for flag in args.flags)
    return {
        "command": f"python benchmarks/evidence.py {args.preset} --seeds {' '.join(map(str, seeds))}{flags}",
        "settings": settings(args),
        **part,
        "seeds": seeds,
        "quiet": any(quiet.values()),
        **({"parts": parts} if len(parts) > 1 else {}),
        "figures": figures,
    }


def _parts(earlier: dict) -> list[dict]:
    """Which seeds were measured when, where and at which commit."""
    return earlier.get("parts") or [
        {key: earlier[key] for key in ("seeds", "date", "commit", "machine", "versions", "quiet")}
    ]


def _values(found: dict) -> list[float | None]:
    """A figure of each seed."""
    return found.get("values") or [found["mean"]]


def _figure(values: list[float | None]) -> dict:
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return {"mean": None, "std": None, "min": None, "max": None, "seeds": 0, "values": values}
    spread = float(known.std(ddof=1)) if len(known) > 1 else None
    return {
        "mean": float(known.mean()),
        "std": spread,
        "min": float(known.min()),
        "max": float(known.max()),
        "seeds": len(known),
        "values": values,
    }


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def machine() -> str:
    """What the figures were measured on."""
    return f"{os.cpu_count()} CPU cores ({_processor()}), Python {platform.python_version()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def main() -> None:
    """Measure, or render."""
    args = tyro.cli(Arguments, description=(__doc__ or "").partition("\n")[0])
    if args.preset == "render":
        for path in tables.write():
            print(f"written: {path}")
        return
    print(f"results: {measure(args)}")


if __name__ == "__main__":
    with one_line_errors():
        main()
