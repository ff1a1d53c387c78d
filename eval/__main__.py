"""One figure, table or file of a finished run.

python eval                         list what there is
python eval NAME RUN [FLAGS]        make one
"""

import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the repository need not be installed

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while importing just ends; the command catches it later

from netspace_jax import cli  # noqa: E402  (path and signal come before the imports)

if __name__ == "__main__":
    cli.evaluate(program="python eval")
