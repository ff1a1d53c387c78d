"""Generated against directly trained networks for each architecture of a run, and the architecture that is read from embeddings.

    python eval/architectures.py RUN
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.evaluate("architectures", sys.argv[1:])
