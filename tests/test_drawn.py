"""Configurations drawn from all fields, valid and not: refused in one line, or trained to a report.

More of them: NETSPACE_DRAWS=200 pytest tests/test_drawn.py, of which each that is accepted then trains.
"""

import dataclasses
import math
import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netspace_jax import jobs
from netspace_jax.config import RefineConfig
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig
from tests.damage import SIZES, _command, _inside

DRAWS = int(os.environ.get("NETSPACE_DRAWS", "0"))
WHOLE = st.sampled_from([-1, 0, 1, 2, 3, 4, 8, 16, 10**12, 10**30])
NUMBER = st.sampled_from([-1, 0, 0.05, 0.5, 1, 2.5, 1e9, 1e30, math.nan, math.inf, -math.inf])
# Where the data comes from and which networks there are is not drawn.
KEPT = {"dataset", "data_dir", "architectures", "teacher", "train_architectures"}


def values(hint):
    """Words of the command line for a field of a type."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return values(parts[0])
    if origin is Literal:
        return st.sampled_from([[word] for word in (*parts, "nonsense")])
    if origin is tuple:
        return st.lists(values(parts[0]), max_size=3).map(lambda words: [one for each in words for one in each])
    if hint is bool:
        return st.sampled_from([[], ["no"]])
    return (WHOLE if hint is int else NUMBER).map(lambda value: [str(value)])


FIELDS = st.sampled_from(
    [
        (group, field.name, get_type_hints(kind, include_extras=True)[field.name])
        for group, kind in (("zoo", ImageZooConfig), ("netspace", ImageNetSpaceConfig), ("refine", RefineConfig))
        for field in dataclasses.fields(kind)
        if field.name not in KEPT
    ]
)


@st.composite
def flags(draw):
    """Flags of a tiny run of which one or two fields are drawn."""
    given_ = {f"--{part}.{name}": str(size).split() for part, sizes in SIZES.items() for name, size in sizes.items()}
    for group, name, hint in draw(st.lists(FIELDS, min_size=1, max_size=2, unique_by=lambda field: field[:2])):
        words, flag = draw(values(hint)), f"--{group}.{name.replace('_', '-')}"
        if words == ["no"]:
            flag, words = f"--{group}.no-{name.replace('_', '-')}", []
        given_[flag] = words
    return [word for flag, words in given_.items() for word in (flag, *words)]


@given(flags())
@settings(
    max_examples=DRAWS or 7,
    deadline=None,
    derandomize=not DRAWS,
    suppress_health_check=list(HealthCheck),
)
def test_it_is_refused_in_one_line_or_trains_to_its_report(words):
    with tempfile.TemporaryDirectory() as place, _inside(Path(place)), pytest.MonkeyPatch.context() as patch:
        if not DRAWS:

            def accepted(*arguments):
                raise OSError(28, "accepted")

            patch.setattr(jobs, "_zoo", accepted)
        status, _, error = _command(("train", *words, "--out", "runs/drawn"))
        assert "Traceback" not in error and error.count("error: ") <= 1, (words, error)
        report = Path("runs/drawn/report.html")
        if status == 0:
            assert report.exists()
        elif "accepted" in error:
            assert not DRAWS and not (Path("runs/drawn/config.json")).exists()
        else:
            assert status == 2 and not report.exists(), (words, error)
            assert error.strip(), words  # tyro says in a box what does not parse
