"""From nothing to a report: `python train.py` as a whole process, zoo included, in an empty folder.

python benchmarks/whole.py [PRESET] [FLAGS OF train.py …]
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import json  # noqa: E402
import resource  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

from netspace_jax.ops.devices import prepare  # noqa: E402

prepare()  # for the line that says what the machine is

from benchmarks.timing import report  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.errors import InputError  # noqa: E402

OUT = Path("benchmarks/results")


def main(arguments: list[str], out: Path = OUT) -> None:
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        done = subprocess.run([sys.executable, str(ROOT / "train.py"), *arguments, "--out", "run"], cwd=place)
        if done.returncode or not (Path(place) / "run" / "metrics.json").exists():
            raise InputError(f"train.py ended with status {done.returncode} and without figures")
        seconds = time.perf_counter() - began
        metrics = json.loads((Path(place) / "run" / "metrics.json").read_text())
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    rows = [
        ("whole process, by the clock", f"{seconds:.0f} s"),
        ("training the zoo", f"{metrics['zoo/seconds']:.0f} s"),
        ("training NetSpace", f"{metrics['seconds/netspace']:.0f} s"),
        (
            "all else: start, data, evaluation, report",
            f"{seconds - metrics['zoo/seconds'] - metrics['seconds/netspace']:.0f} s",
        ),
        ("most memory", f"{megabytes:,.0f} MB"),
        ("networks", f"{metrics['zoo/members']:,}"),
    ]
    record = {"seconds": seconds, "megabytes": megabytes, "metrics": metrics}
    report(
        "From nothing to a report",
        " ".join(["python benchmarks/whole.py", *arguments]),
        ("what", "figure"),
        rows,
        record,
        out,
    )


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
