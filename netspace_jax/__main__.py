"""`python -m netspace_jax` is `netspace`."""

from netspace_jax.cli import main

if __name__ == "__main__":
    main()
