"""Timing of contenders side by side: each warmed first, then in turns, so that a machine's drift meets all alike."""

import dataclasses
import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import jax
import jax.numpy as jnp

Run = Callable[[], None]


@dataclasses.dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Attributes:
      prepare: makes all that is needed and returns the function that does the work once and waits for it.
      units: how much work that is, in the units that the table is about.
    """

    name: str
    prepare: Callable[[], Run]
    units: float


@dataclasses.dataclass(frozen=True)
class Timing:
    """One contender: seconds a unit (median over turns), seconds until it was warm, or why it has none."""

    name: str
    seconds: float | None
    warm_seconds: float | None
    turns: tuple[float, ...] = ()
    failure: str = ""

    def per_second(self) -> str:
        """Units a second, or the reason why there are none."""
        return self.failure or f"{1 / self.seconds:,.4g}"


def alternate(contenders: Sequence[Contender], turns: int) -> list[Timing]:
    """Warm all, then let each do its work once in every turn.

    A contender that another project provides may not work on a machine (a missing compiler, an operation without a
    batching rule): its row then says so.
    """
    ready: dict[str, Run] = {}
    warm, failures = {}, {}
    for contender in contenders:
        began = time.perf_counter()
        try:
            ready[contender.name] = contender.prepare()
            ready[contender.name]()
        except Unavailable as error:
            failures[contender.name] = str(error)
            ready.pop(contender.name, None)
        warm[contender.name] = time.perf_counter() - began
    seconds: dict[str, list[float]] = {name: [] for name in ready}
    for _ in range(turns):
        for contender in contenders:
            if contender.name in ready:
                began = time.perf_counter()
                ready[contender.name]()
                seconds[contender.name].append((time.perf_counter() - began) / contender.units)
    return [
        Timing(c.name, statistics.median(seconds[c.name]), warm[c.name], tuple(seconds[c.name]))
        if c.name in ready
        else Timing(c.name, None, None, failure=failures[c.name])
        for c in contenders
    ]


class Unavailable(Exception):
    """A contender cannot run here; the message says why."""


def machine() -> str:
    """The processor or accelerator, and the versions that matter."""
    devices = jax.devices()
    kind = devices[0].device_kind if devices[0].platform != "cpu" else _processor()
    versions = [f"Python {platform.python_version()}", f"jax {jax.__version__}"]
    try:
        import torch

        versions.append(f"PyTorch {torch.__version__} with {torch.get_num_threads()} threads")
    except ImportError:
        versions.append("no PyTorch")
    return f"{len(devices)} × {kind}; {', '.join(versions)}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return f"core of {names[0]}" if names else platform.processor() or platform.machine()


def matmul_rate(size: int = 2048, turns: int = 5) -> float:
    """Operations a second of a large float32 matrix product on all devices: what no training here can pass."""
    count = len(jax.devices())
    mesh = jax.make_mesh((count,), ("device",), axis_types=(jax.sharding.AxisType.Auto,))
    spread = jax.NamedSharding(mesh, jax.P("device"))
    a = jax.device_put(jnp.ones((count, size, size), jnp.float32), spread)
    product = jax.jit(lambda a: a @ a, out_shardings=spread)
    times = alternate(
        [Contender("matmul", lambda: lambda: jax.block_until_ready(product(a)), count * 2.0 * size**3)], turns
    )
    return 1 / times[0].seconds


def report(
    title: str, command: str, header: Sequence[str], rows: Sequence[Sequence[str]], record: dict, out: Path
) -> None:
    """Print a table in Markdown with its command, machine and date, and write the numbers as JSON."""
    lines = [
        f"### {title}",
        "",
        f"`{command}`, {machine()}, {date.today().isoformat()}",
        "",
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    print("\n".join(lines), flush=True)
    out.mkdir(parents=True, exist_ok=True)
    name = title.lower().replace(" ", "-").replace(",", "")
    written = {"title": title, "command": command, "machine": machine(), "date": date.today().isoformat(), **record}
    (out / f"{name}.json").write_text(json.dumps(written, indent=1) + "\n")


def as_record(timings: Sequence[Timing]) -> list[dict]:
    """Timings as JSON takes them."""
    return [dataclasses.asdict(timing) for timing in timings]
