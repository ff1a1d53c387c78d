"""Generated networks as a start for another task, against members and random starts.

    python eval/start.py RUN [--dataset OTHER_IMAGES]
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("start", sys.argv[1:], commands.StartEvaluation)
