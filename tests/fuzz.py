"""Thousands of cases of damage (tests/damage.py), and kills (tests/kills.py), with counts of how they ended.

python -m tests.fuzz --cases 5000 --seed 100000 --processes 2
python -m tests.fuzz --kills 200 --together 4 --seed 7
python -m tests.fuzz --at-once 10
python -m tests.fuzz --moved
"""

import argparse
import collections
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import kills
from tests.damage import case, prepare

BLOCK = 250  # cases of one process


def main():
    """Many cases, in processes that are replaced now and then; or what tests/kills.py does."""
    parser = argparse.ArgumentParser()
    for name, default in (("cases", 0), ("kills", 0), ("together", 2), ("seed", 0), ("processes", 1), ("from_", -1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--place", default="")
    parser.add_argument("--at-once", type=int, default=0, help="times that 2, 4 and 8 processes start together")
    parser.add_argument("--moved", action="store_true", help="a run moves from two devices to one and back")
    options = parser.parse_args()
    if options.kills:
        kills.kills(options.kills, options.together, options.seed)
        return
    if options.at_once:
        kills.at_once((2, 4, 8), options.at_once)
        return
    if options.moved:
        kills.moved()
        return

    if options.from_ >= 0:  # one of the processes below
        known = {}
        for seed in range(options.from_, options.from_ + options.cases):
            try:
                print(case(seed, Path(options.place), known), flush=True)
            except AssertionError as broken:
                print(f"BROKEN {str(broken)!r}", flush=True)
        return
    with tempfile.TemporaryDirectory() as place:
        prepare(place)
        begins = list(range(options.seed, options.seed + options.cases, BLOCK))
        counts, running = collections.Counter(), []
        while begins or running:
            while begins and len(running) < options.processes:
                begin = begins.pop(0)
                number = min(BLOCK, options.seed + options.cases - begin)
                words = ["--from_", str(begin), "--cases", str(number), "--place", place]
                command = [sys.executable, "-m", "tests.fuzz", *words]
                running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
            first = running.pop(0)
            lines = first.communicate()[0].splitlines()
            if first.returncode:
                print(f"{first.args[4:6]} ended with {first.returncode} after {len(lines)} cases", flush=True)
            for line in lines:
                counts["BROKEN" if line.startswith("BROKEN") else line] += 1
                if line.startswith("BROKEN"):
                    print(line, flush=True)
        for outcome, count in sorted(counts.items()):
            print(f"{count:6} {outcome}")
        print(f"{sum(counts.values()):6} cases of {options.cases}")
    sys.exit(1 if counts["BROKEN"] or sum(counts.values()) != options.cases else 0)


if __name__ == "__main__":
    main()
