"""Train a zoo, or look at one.

python zoo.py                       print this
python zoo.py PRESET [FLAGS]        train the zoo of a preset, or go on with it
python zoo.py import FOLDER [FLAGS] make a zoo of networks that exist
python zoo.py show DIR              print what is in a zoo
python zoo.py export DIR FILE       write its networks and their table as one safetensors file
"""

from netspace_jax.signals import catch_signals

catch_signals()

from netspace_jax import cli  # noqa: E402  (signals come before the imports that take seconds)

if __name__ == "__main__":
    cli.zoo(program="zoo.py")
