"""Accuracy along the embedding line and along the weight line between two networks of a run.

    python eval/interpolate.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("interpolate", sys.argv[1:])
