"""How often JAX compiles."""

import contextlib
from collections.abc import Iterator

import jax


@contextlib.contextmanager
def nothing_compiles() -> Iterator[None]:
    """Within, no program may be compiled: each was before, for arguments of these shapes."""
    compiled = []

    def listen(event: str, seconds: float, **named: str) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(named.get("fun_name", "a program"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert not compiled, f"compiled anew: {', '.join(compiled)}"
