"""Are a run's generated networks new? Distances to the nearest training network, beside what takes no generator.

    python eval/memorised.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("memorised", sys.argv[1:])
