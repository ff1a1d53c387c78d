"""Train a zoo, or look at one.

python zoo.py PRESET [FLAGS]        train the zoo of a preset, or go on with it
python zoo.py show DIR              print what is in a zoo
"""

from netspace_jax import cli

if __name__ == "__main__":
    cli.zoo(program="zoo.py")
