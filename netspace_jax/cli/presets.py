"""What train says before it begins and when it has ended: presets and flags that people use, and what came out."""

import inspect
import re

from etils import epath

from netspace_jax.domain import presets
from netspace_jax.files import read_json

_MINUTES = re.compile(r"([\d.]+)\s+minutes\s+on")
_FLAGS = """  --out DIR              where the run goes (default: runs/PRESET)
  --dataset DATA         other data: the name of a set, a file or a folder
  --zoo DIR              a zoo that exists, in place of training one
  --zoo.members N        how many networks are trained
  --netspace.steps N     how long the space is trained
  --netspace.seed N      another draw of all that is random in the space (--zoo.seed: in the zoo)
  --modules FILE.py      architectures or domains of your own
  --again, --fresh       make the report again; begin the run anew"""
_FIRST = ("refined/agreement_test", "refined/gap_test", "reconstruct/agreement_test", "reconstruct/gap_test")
_SHOWN = 5


def list_presets(program: str) -> str:
    """The presets, a line each with minutes, and the flags that people use."""
    makers = presets()
    width = max(map(len, makers))
    lines = []
    for name, make in makers.items():
        text = inspect.getdoc(make) or ""
        minutes = _MINUTES.search(text)
        lines.append(f"  {name:{width}}  {minutes[1] if minutes else '–':>5}  {text.partition(chr(10))[0]}")
    return "\n".join(
        [
            f"usage: {program} [PRESET] [FLAGS]   (without a preset: {next(iter(makers))})",
            "",
            f"presets, with minutes on two CPU cores where measured ({program} PRESET --help says more):",
            *lines,
            "",
            "flags that people use:",
            _FLAGS,
            "",
            f"all flags of a preset: {program} PRESET --help",
        ]
    )


def outcome(report: epath.Path, shown: epath.PathLike, program: str) -> str:
    """The last lines of a run: figures, report, explorer, and what to do next.

    Args:
      report: where the report is, and `shown` the same as seen from here.
    """
    metrics, directory = read_json(report.parent / "metrics.json"), epath.Path(shown).parent
    measured = [name for name, value in metrics.items() if value is not None and "seconds" not in name]
    names = [*(name for name in _FIRST if name in measured), *(name for name in measured if name not in _FIRST)]
    lines = [f"{name} {metrics[name]:.4g}" for name in names[: _SHOWN - 1]]
    lines.append(f"minutes {metrics['seconds/total'] / 60:.1f}")
    lines.append(f"report: {shown}")
    if (report.parent / "explore.html").exists():
        lines.append(f"explorer: {directory / 'explore.html'}")
    evaluate = "python eval" if program.endswith(".py") else "netspace eval"
    lines.append(f'next: {evaluate} (what else can be made of a run), or in Python netspace_jax.load("{directory}")')
    return "\n".join(lines)
