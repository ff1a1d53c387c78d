"""Test shapes and what was generated from them, as mesh files (.ply, .obj or .glb).

    python eval/meshes.py RUN --format glb --out DIR
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from netspace_jax import commands  # noqa: E402  (the repository need not be installed)

if __name__ == "__main__":
    commands.export_meshes(sys.argv[1:])
