"""What figures say, in words: sentences that conclude something are computed, and know every outcome."""

import numpy as np
from jaxtyping import Float

from netspace_jax.metrics.interval import mean_interval

FEWEST = 10
"""Networks from which on an interval of their mean is told."""


def interval(values: Float[np.ndarray, "n"], digits: int = 3, percent: bool = False) -> str:
    """The 95 % interval of a mean, without a line break within; too few where it would be of fewer than ten."""
    if len(values) < FEWEST:
        return f"too\u00a0few:\u00a0{len(values)}"
    low, high = mean_interval(values)
    kind = "%" if percent else "f"
    return f"{low:.{digits}{kind}}\u2060–\u2060{high:.{digits}{kind}}"


def difference(
    values: Float[np.ndarray, "n"],
    others: Float[np.ndarray, "n"],
    *,
    digits: int = 3,
    more: str = "higher",
    less: str = "lower",
    unit: str = "",
) -> str:
    """How values differ from others of the same networks on average, with the 95 % interval of the difference.

    The interval is of the bootstrap over networks; where it holds 0, no difference is claimed.
    """
    apart = np.asarray(values, np.float64) - np.asarray(others, np.float64)
    if not apart.any():
        return "the same for each"
    if len(apart) < FEWEST:
        return f"different by {apart.mean():+.{digits}f}{unit} on average, of too few ({len(apart)}) for an interval"
    low, high = mean_interval(apart)
    if low <= 0 <= high:
        return f"no different within the 95 % interval ({low:+.{digits}f} to {high:+.{digits}f}{unit})"
    word = more if low > 0 else less
    least, most = sorted((abs(low), abs(high)))
    return f"{word} by {abs(apart.mean()):.{digits}f}{unit} (95 % interval {least:.{digits}f} to {most:.{digits}f})"


def relation(
    value: float, other: float, *, digits: int = 3, more: str = "higher", less: str = "lower", unit: str = ""
) -> str:
    """How one figure differs from another, where there is no interval: by as many digits as are shown of them."""
    apart = round(value, digits) - round(other, digits)
    if not np.isfinite(apart):
        return "not comparable: one of them is undefined"
    if abs(apart) < 0.5 * 10**-digits:
        return "the same"
    return f"{more if apart > 0 else less} by {abs(apart):.{digits}f}{unit}"


def number(value: float, digits: int = 3) -> str:
    """A figure; a dash where it is undefined."""
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"


def listed(parts: list[str]) -> str:
    """Parts of a sentence in a row: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
