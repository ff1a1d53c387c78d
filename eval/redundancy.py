"""Gap and agreement against the size of the embedding and the number of networks.

    python eval/redundancy.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("redundancy", sys.argv[1:])
