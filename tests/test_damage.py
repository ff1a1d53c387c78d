"""Damage by seed (tests/damage.py), some dozens of cases; thousands: `python -m tests.fuzz --cases 5000 --seed 1`."""

import gc

import pytest

from tests import damage
from tests.disk import orbax_fails


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    place = tmp_path_factory.mktemp("pristine")
    damage.prepare(place)
    return place


@orbax_fails
@pytest.mark.filterwarnings("ignore")
def test_what_is_damaged_is_refused_in_one_line_or_read_right(pristine):
    known = {}
    outcomes = [damage.case(seed, pristine, known) for seed in range(60)]
    gc.collect()
    assert {outcome.split(": ")[1] for outcome in outcomes} == {"refused", "right"}
