"""Train a zoo, or look at one.

python zoo.py PRESET [FLAGS]        train the zoo of a preset, or go on with it
python zoo.py import FOLDER [FLAGS] make a zoo of networks that exist
python zoo.py show DIR              print what is in a zoo
python zoo.py export DIR FILE       write its networks and their table as one safetensors file
"""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while importing just ends; the command catches it later

from netspace_jax import cli  # noqa: E402  (the signal comes before the imports)

if __name__ == "__main__":
    cli.zoo(program="zoo.py")
