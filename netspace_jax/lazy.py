"""Functions named by their place, so that a list of names costs no imports."""

import dataclasses
import pkgutil
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Lazy:
    """A function that is imported when it is first called.

    Attributes:
      place: where it is, as `module:function`.
    """

    place: str

    @property
    def function(self) -> Callable[..., Any]:
        """The function itself."""
        return pkgutil.resolve_name(self.place)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        """Import and call it."""
        return self.function(*arguments, **settings)
