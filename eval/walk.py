"""Interpolation between two shapes in the latent space, against interpolation of their weights, with a 3-D viewer.

    python eval/walk.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("walk", sys.argv[1:])
