"""The type checker that signatures are checked with while testing."""

import beartype


def functions(function):
    """beartype for functions and methods, and not for constructors.

    Annotations of a pytree's fields say what ONE network has. JAX builds the same around batched leaves, abstract
    shapes and placeholders whenever it is vmapped, traced or taken apart.
    """
    return function if function.__name__ == "__init__" else beartype.beartype(function)
