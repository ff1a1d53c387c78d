"""Accuracy and predicted architecture in 100 steps from a network of the first architecture to one of the last.

    python eval/across.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("across", sys.argv[1:])
