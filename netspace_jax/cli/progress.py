"""Progress bars, shown by the first of several processes."""

import contextlib
from collections.abc import Iterator

from tqdm import tqdm

from netspace_jax.jobs import Watch
from netspace_jax.ops.devices import is_first


class _Bar:
    """A bar that appears once there is something to show, and whose clock starts after the first step has compiled."""

    def __init__(self, description: str, unit: str):
        self._options = {"desc": description, "unit": unit, "dynamic_ncols": True, "smoothing": 0.05}
        self._bar: tqdm | None = None

    def advance(self, done: int, total: int, loss: float) -> None:
        """`done` more of `total`."""
        if self._bar is None:
            large = total > 100_000
            self._bar = tqdm(total=total, initial=done, disable=not is_first(), unit_scale=large, **self._options)
        else:
            self._bar.update(done)
        if loss == loss:
            self._bar.set_postfix(loss=f"{loss:.3g}", refresh=False)

    @property
    def done(self) -> int:
        """How far it is."""
        return self._bar.n if self._bar is not None else 0

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


@contextlib.contextmanager
def bars() -> Iterator[Watch]:
    """A watch that shows a bar for the zoo, one for NetSpace's training, and one for the sections of the report."""
    zoo = _Bar("zoo", " network·steps")
    netspace = _Bar("NetSpace", " steps")
    report = _Bar("report", " sections")

    def on_step(step: int, steps: int, loss: float) -> None:
        netspace.advance(step - netspace.done, steps, loss)

    def on_section(name: str, total: int) -> None:
        del name
        report.advance(1, total, float("nan"))

    try:
        yield Watch(zoo.advance, on_step, on_section)
    finally:
        for bar in (zoo, netspace, report):
            bar.close()
