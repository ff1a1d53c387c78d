"""From a member of each architecture to a network of each other architecture, as asked for.

    python eval/search_architectures.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("search_architectures", sys.argv[1:])
