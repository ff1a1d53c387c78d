"""Progress bars, shown by the first of several processes."""

import contextlib
import sys
from collections.abc import Iterator

from tqdm import tqdm

from netspace_jax.jobs import Callbacks
from netspace_jax.ops.devices import is_first
from netspace_jax.signals import bar_shown


class _Bars:
    """One bar at a time: it appears once there is something to show, and the one before then stays as it ended.

    A bar's clock starts after its first step, which has compiled the program: the time left is not the compiler's.
    """

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._name = ""

    def show(self, name: str, unit: str, done: int, total: int) -> tqdm:
        """The bar of a stage, with `done` more of `total` done."""
        if name != self._name:
            self.close()
            self._name = name
            self._bar = tqdm(
                total=total,
                initial=done,
                desc=name,
                unit=unit,
                unit_scale=total > 100_000,
                dynamic_ncols=True,
                smoothing=0.05,
                disable=not is_first(),
            )
            bar_shown.set()
        elif self._bar is not None:
            self._bar.update(done)
        assert self._bar is not None
        return self._bar

    def zoo(self, done: int, total: int, loss: float) -> None:
        """A zoo in training."""
        bar = self.show("zoo", " network·steps", done, total)
        if loss == loss:
            bar.set_postfix(loss=f"{loss:.3g}", refresh=False)

    def netspace(self, step: int, steps: int, loss: float) -> None:
        """NetSpace in training."""
        done = step - (self._bar.n if self._bar is not None and self._name == "NetSpace" else 0)
        self.show("NetSpace", " steps", done, steps).set_postfix(loss=f"{loss:.3g}", refresh=False)

    def section(self, name: str, total: int) -> None:
        """A section of the report that begins."""
        bar = self.show("report", " sections", 0 if self._name != "report" else 1, total)
        bar.set_postfix_str(name, refresh=False)

    def close(self) -> None:
        """Leave the bar as it is; a report's last section is done."""
        if self._bar is not None:
            if self._name == "report":
                self._bar.update(self._bar.total - self._bar.n)
                self._bar.set_postfix_str("", refresh=False)
            self._bar.close()
            bar_shown.clear()


@contextlib.contextmanager
def bars() -> Iterator[Callbacks]:
    """Callbacks that show a bar for the zoo, one for NetSpace's training, and one for the sections of the report."""
    shown = _Bars()
    try:
        yield Callbacks(shown.zoo, shown.netspace, shown.section, lambda who: print(f"{who}: waiting", file=sys.stderr))
    finally:
        shown.close()
