"""How often JAX compiles."""

import contextlib
from collections.abc import Iterator

import jax


@contextlib.contextmanager
def nothing_compiles(name: str = "") -> Iterator[None]:
    """Within, no program, or none with a name like this, may be compiled: each was before, for these shapes."""
    compiled = []

    def listen(event: str, seconds: float, **named: str) -> None:
        if event.endswith("backend_compile_duration") and name in named["fun_name"]:
            compiled.append(named["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert not compiled, f"compiled anew: {', '.join(compiled)}"
