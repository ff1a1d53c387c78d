"""Search in the latent space against what else the same gradient steps could have bought.

    python eval/search.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("search", sys.argv[1:])
