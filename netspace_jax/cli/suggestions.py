"""Words that a command does not know, and what was probably meant."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from netspace_jax.domain import presets
from netspace_jax.errors import InputError
from netspace_jax.evaluations import all_evaluations

_ZOO_VERBS = ("import", "show", "export")


def check_preset(name: str, verbs: Iterable[str] = ()) -> None:
    """Refuse what is no preset.

    Args:
      verbs: words that the command takes in a preset's place.

    Raises:
      InputError: it is none, and the message has what was probably meant.
    """
    makers = presets()
    if name in makers:
        return
    if (Path(name) / "config.json").exists():
        raise InputError(f"{name} is {_kind(Path(name))}, and a preset comes first: {_use_of(Path(name))}")
    if name in _ZOO_VERBS:
        raise InputError(f"{name!r} is no preset; networks are had by `zoo.py {name}`")
    if name in all_evaluations():
        raise InputError(f"{name!r} is no preset but an evaluation of a finished run: `python eval {name} RUN`")
    words = [*verbs, *makers]
    near = _near(name, words, 0.6) or _near(name, words, 0.4)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(makers)}"
    raise InputError(f"unknown preset {name!r}; {hint}")


def unknown_evaluation(name: str, others: list[str]) -> InputError:
    """An error that says what was probably meant by the name of an evaluation that there is not."""
    known = all_evaluations()
    if (Path(name) / "config.json").exists():
        after = next((word for word in others if word in known), "NAME")
        return InputError(f"{name} is {_kind(Path(name))}, and a name comes first: python eval {after} {name}")
    if name in presets():
        return InputError(f"{name!r} is a preset, not an evaluation: `python train.py {name}` trains it")
    if name in ("list", "help"):
        return InputError(f"unknown evaluation {name!r}; `python eval` alone lists what there is")
    near = _near(name, known, 0.6)
    if near:
        return InputError(f"unknown evaluation {name!r}; did you mean {' or '.join(near)}?")
    return InputError(
        f"unknown evaluation {name!r}; there are {', '.join(known)}, and those that a file of yours registers "
        f"(--modules FILE.py)"
    )


def _near(word: str, words: Iterable[str], cutoff: float) -> list[str]:
    return difflib.get_close_matches(word, list(words), n=3, cutoff=cutoff)


def _kind(place: Path) -> str:
    return "a zoo" if (place / "members.csv").exists() else "a run"


def _use_of(place: Path) -> str:
    if _kind(place) == "a zoo":
        return f"`zoo.py show {place}` prints what is in it, `train.py PRESET --zoo {place}` learns a space of it"
    return f"`python eval NAME {place}` makes something of it, `train.py PRESET --out {place}` goes on with it"
