"""Damage by seed (tests/damage.py), some dozens of cases; thousands: `python -m tests.fuzz --cases 5000 --seed 1`."""

import gc

import pytest

from tests import damage
from tests.commands import brief_sections
from tests.disk import orbax_fails


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A place to damage copies of, whose reports have few sections, here and when they are made again."""
    place = tmp_path_factory.mktemp("pristine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netspace_jax.jobs.sections", brief_sections)
        damage.prepare(place)
        yield place


@pytest.mark.parametrize("cases", [12, pytest.param(60, marks=pytest.mark.long)])
@orbax_fails
@pytest.mark.filterwarnings("ignore")
def test_what_is_damaged_is_refused_in_one_line_or_read_right(pristine, cases):
    known = {}
    outcomes = [damage.case(seed, pristine, known) for seed in range(cases)]
    gc.collect()
    assert {outcome.split(": ")[1] for outcome in outcomes} == {"refused", "right"}
