"""From nothing to a report: train a zoo if there is none, embed it, evaluate what comes out.

python train.py                     the preset `digits`
python train.py PRESET [FLAGS]      another preset; --help after it lists its flags
"""

import time

from netspace_jax.signals import catch_signals

BEGAN = time.time()
catch_signals()

from netspace_jax import cli  # noqa: E402  (clock and signals come before the imports that take seconds)

if __name__ == "__main__":
    cli.train(began=BEGAN, program="train.py")
