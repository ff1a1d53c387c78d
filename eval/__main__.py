"""One figure, table or file of a finished run.

python eval                         list what there is
python eval NAME RUN [FLAGS]        make one
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the repository need not be installed

from netspace_jax.signals import catch_signals

catch_signals()

from netspace_jax import cli  # noqa: E402  (signals come before the imports that take seconds)

if __name__ == "__main__":
    cli.evaluate(program="python eval")
