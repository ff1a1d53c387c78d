"""`python -m netspace_jax` is `netspace`."""

from netspace_jax.signals import catch_signals


def main() -> None:
    """`netspace train|zoo|eval`, from the first import on."""
    catch_signals()
    from netspace_jax import cli  # takes seconds, in which a signal may come

    cli.main()


if __name__ == "__main__":
    main()
