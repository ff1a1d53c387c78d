"""From nothing to a report: train a zoo if there is none, embed it, evaluate what comes out.

python train.py                     the preset `digits`
python train.py PRESET [FLAGS]      another preset; --help after it lists its flags
"""

import time

BEGAN = time.time()

from netspace_jax import cli  # noqa: E402  (the clock starts before the imports)

if __name__ == "__main__":
    cli.train(began=BEGAN, program="train.py")
