"""What an accelerator does with all of this, against PyTorch on the same card; 40 minutes at most.

    python benchmarks/accelerator.py [--minutes 40] [--parts parity zoos netspace jobs paper]

Each part that is finished is in results/accelerator-CARD.json, and the same command goes on after it; `--fresh` begins
anew. On a machine without an accelerator it runs as well, compiled for a core or, by
`--lowering accelerator`, as for a card.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import dataclasses  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import shlex  # noqa: E402
import subprocess  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402

import tyro  # noqa: E402

from netspace_jax.ops.devices import prepare  # noqa: E402

prepare()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks import netspace, zoo  # noqa: E402
from benchmarks.rivals import Data, torch_compiled, torch_sequential, torch_vmapped  # noqa: E402
from benchmarks.timing import Contender, alternate, as_record, machine, matmul_rate, report  # noqa: E402
from netspace_jax import architectures  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.config import Lowering  # noqa: E402
from netspace_jax.domain import preset  # noqa: E402
from netspace_jax.ops.platform import lowering  # noqa: E402
from netspace_jax.runs.log import read_log  # noqa: E402

ALL = ("lenetlike", "vanilla_cnn", "resnet8", "resnet32", "siren")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of this benchmark."""

    minutes: float = 40.0
    """Time for all parts; what does not begin in it is left out, and said to be."""
    parts: tuple[str, ...] = ("parity", "zoos", "netspace", "jobs", "paper")
    """What to measure, in this order."""
    architectures: tuple[str, ...] = ALL
    """Architectures of zoos."""
    networks: tuple[int, ...] = (64, 512, 4096)
    """Sizes of zoos."""
    rival_networks: int = 64
    """Most networks that PyTorch trains at once; its rate hardly changes with more."""
    batch: int = 128
    """Images of a step."""
    steps: int = 8
    """Training steps of a turn."""
    jobs: tuple[str, ...] = ("digits", "chairs", "pictures")
    """Presets that run as whole jobs."""
    job_flags: str = ""
    """More flags of every job, as `--job-flags="--zoo.members=64"`."""
    paper_flags: str = "--dataset=cifar10"
    """Flags of cifar10-single, which goes on from its checkpoint at each start."""
    lowering: Lowering = "auto"
    """Compile for a CPU or an accelerator; auto for what the devices are."""
    fresh: bool = False
    """Begin anew."""
    out: Path = Path("results")
    """Where the JSON goes, and the runs."""


def parity(args: Arguments, left: Callable[[], float]) -> Iterator[dict]:
    """The largest difference of outputs and gradients from a core's at float32, as a share of the largest value."""
    del left
    for name in args.architectures:
        shape = (3,) if name == "siren" else (32, 32, 3)
        built = architectures.build(name, shape, 1 if name == "siren" else 10)
        flats = jax.vmap(lambda key, built=built: built.finish(built.init(key)))(jax.random.split(jax.random.key(0), 4))
        x = jax.random.normal(jax.random.key(1), (16, *shape))

        def both(flat, x, built=built):
            return built.apply(flat, x), jax.grad(lambda own: jnp.square(built.apply(own, x)).mean())(flat)

        def worst(ours, wanted):
            pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(wanted), strict=True)
            return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)

        cpu = jax.devices("cpu")[0]
        with jax.default_device(cpu), lowering("cpu"):
            here = jax.device_put((flats, x), cpu)
            wanted = jax.tree.map(np.asarray, jax.jit(jax.vmap(both, (0, None)))(*here))
        row: dict[str, str | float] = {"architecture": name}
        for precision in ("float32", "tensorfloat32", "bfloat16"):
            with jax.default_matmul_precision(precision):
                found = jax.tree.map(np.asarray, jax.jit(jax.vmap(both, (0, None)))(flats, x))
            row[precision] = worst(found, wanted)
        yield row


def zoos(args: Arguments, left: Callable[[], float]) -> Iterator[dict]:
    """Networks·steps a second, share of the card's products and of its memory's speed, and PyTorch's ways."""
    data, rate, bandwidth = Data.make(), matmul_rate(), memory_rate()
    for name in args.architectures:
        for networks in args.networks:
            if left() <= 0:
                return
            memory: dict = {}
            few = min(networks, args.rival_networks)
            rival = (name, data, few, args.steps, args.batch)
            mine = (name, data, networks, args.steps, args.batch, memory)
            contenders = [Contender("ours", lambda mine=mine: zoo.ours(*mine), networks * args.steps)]
            if networks == args.networks[0]:  # PyTorch's rate for a network does not depend on how many follow
                contenders += [
                    Contender("loop", lambda rival=rival: torch_sequential(*rival), few * args.steps),
                    Contender("torch.func.vmap", lambda rival=rival: torch_vmapped(*rival), few * args.steps),
                    Contender("torch.compile", lambda rival=rival: torch_compiled(*rival), few * args.steps),
                ]
            try:
                found = alternate(contenders, 3)
            except jax.errors.JaxRuntimeError as error:  # a card's memory ends somewhere; the table shows where
                yield {"architecture": name, "networks": networks, "failure": str(error).partition("\n")[0]}
                continue
            seconds = found[0].seconds or float("nan")
            moved = memory.get("bytes", 0) / args.steps / networks
            yield {
                "architecture": name,
                "networks": networks,
                "per_second": 1 / seconds,
                "share_of_operations": zoo.operations(name, args.batch) / seconds / rate,
                "share_of_bytes": moved / seconds / bandwidth,
                "timings": as_record(found),
                **memory,
            }


def memory_rate(size: int = 2**26) -> float:
    """Bytes a second of a copy that reads and writes an array of `size` floats."""
    x = jnp.ones(size, jnp.float32)
    add = jax.jit(lambda x: x + 1)
    found = alternate([Contender("copy", lambda: lambda: jax.block_until_ready(add(x)), 8.0 * size)], 5)
    return 1 / (found[0].seconds or float("nan"))


def netspaces(args: Arguments, left: Callable[[], float]) -> Iterator[dict]:
    """A step of NetSpace at the paper's size with the paper's autoencoder and with ours, against the paper's way."""
    config = preset("cifar10-single")
    own = netspace.Arguments(batch=args.batch, steps=1)
    config = dataclasses.replace(config, netspace=dataclasses.replace(config.netspace, batch=args.batch))
    if left() <= 0:
        return
    count = config.netspace.networks
    found = alternate(
        [
            Contender("ours", lambda: netspace.ours(config, own), 1),
            Contender("ours, own autoencoder", lambda: netspace.ours(netspace.own(config, own.hidden), own), 1),
            Contender("paper's way", lambda: netspace.reference(False, config.netspace, own), 1),
        ],
        3,
    )
    for timing in found:
        yield {"way": timing.name, "networks": count, "seconds": timing.seconds, "failure": timing.failure}


def whole_jobs(args: Arguments, left: Callable[[], float]) -> Iterator[dict]:
    """Presets from nothing to a report, with the figures of their reports."""
    for name in args.jobs:
        if left() <= 0:
            return
        run = args.out / "accelerator-runs" / name
        flags = [
            name,
            "--out",
            str(run),
            "--zoos",
            str(run.parent / "zoos"),
            f"--lowering={args.lowering}",
            *shlex.split(args.job_flags),
        ]
        seconds, status = command(flags, left())
        written = run / "metrics.json"
        yield {
            "preset": name,
            "seconds": seconds,
            "status": status,
            "metrics": json.loads(written.read_text()) if written.exists() else {},
        }


def paper(args: Arguments, left: Callable[[], float]) -> Iterator[dict]:
    """cifar10-single as far as the time goes, from where it stands on, and what the whole takes at these rates."""
    runs = args.out / "accelerator-runs"
    flags = ["cifar10-single", "--out", str(runs / "cifar10-single"), "--zoos", str(runs / "zoos")]
    whole, before, began = preset("cifar10-single"), _progress(runs), time.time()
    seconds, status = command([*flags, f"--lowering={args.lowering}", *shlex.split(args.paper_flags)], left())
    after = _progress(runs)
    finished = next((path.stat().st_mtime for path in (runs / "zoos").rglob("cifar10*/members.csv")), time.time())
    of_zoo = min(max(finished - began, 0), seconds)

    def hours(spent: float, done: int, total: int) -> float | None:
        return spent / 3600 * total / done if done else None

    yield {
        "seconds": seconds,
        "status": status,
        "zoo_networks_finished": after[0],
        "netspace_steps": after[1],
        "netspace_steps_in_all": whole.netspace.steps,
        "hours_of_zoo_extrapolated": hours(of_zoo, after[0] - before[0], sum(whole.zoo.members)),
        "hours_of_netspace_extrapolated": hours(seconds - of_zoo, after[1] - before[1], whole.netspace.steps),
    }


def _progress(runs: Path) -> tuple[int, int]:
    """Networks of the zoo and steps of the space that are done."""
    tables = (runs / "zoos").rglob("cifar10*/chunks/*.csv")
    steps = [line.get("step", 0) for line in read_log(runs / "cifar10-single")]
    return sum(len(table.read_text().splitlines()) - 1 for table in tables), int(max(steps, default=0))


def command(flags: list[str], seconds: float) -> tuple[float, str]:
    """Run train.py for so long at most; seconds it took, and how it ended."""
    began = time.perf_counter()
    try:
        done = subprocess.run([sys.executable, str(ROOT / "train.py"), *flags], timeout=max(seconds, 1))
        status = f"status {done.returncode}"
    except subprocess.TimeoutExpired:
        status = "time was up"
    return time.perf_counter() - began, status


PARTS = {"parity": parity, "zoos": zoos, "netspace": netspaces, "jobs": whole_jobs, "paper": paper}


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/accelerator.py")
    began = time.perf_counter()

    def left() -> float:
        return 60 * args.minutes - (time.perf_counter() - began)

    card = re.sub(r"\W+", "-", jax.devices()[0].device_kind).strip("-").lower()
    title = f"Accelerator {card}"
    path = args.out / f"accelerator-{card}.json"
    found = json.loads(path.read_text())["parts"] if path.exists() and not args.fresh else {}
    for name in args.parts:
        if name in found and found[name]["finished"]:
            continue
        with lowering(args.lowering):
            rows = list(PARTS[name](args, left))
        found[name] = {"finished": left() > 0, "machine": machine(), "rows": rows}
        cells = [tuple(_cell(value) for value in row.values() if not isinstance(value, (list, dict))) for row in rows]
        header = [key for key, value in rows[0].items() if not isinstance(value, (list, dict))] if rows else ["nothing"]
        print(f"\n{name}" + ("" if found[name]["finished"] else " (time was up)"))
        report(
            title, " ".join(["python benchmarks/accelerator.py", *arguments]), header, cells, {"parts": found}, args.out
        )


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
