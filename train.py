"""From nothing to a report: train a zoo if there is none, embed it, evaluate what comes out.

python train.py                     the preset `digits`
python train.py PRESET [FLAGS]      another preset; --help after it lists its flags
"""

import signal
import time

BEGAN = time.time()
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while importing just ends; the command catches it later

from netspace_jax import cli  # noqa: E402  (clock and signal come before the imports)

if __name__ == "__main__":
    cli.train(began=BEGAN, program="train.py")
