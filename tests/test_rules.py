"""Every field says what it may be, and one reader checks all of them."""

import ast
import dataclasses
import inspect
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspace_jax import evaluations
from netspace_jax.cli.commands import EvalFlags, JobFlags, TrainFlags
from netspace_jax.cli.importing import ImportFlags
from netspace_jax.config import Hosts, NetSpaceConfig, RefineConfig, SearchConfig, rebuild
from netspace_jax.domain import domains
from netspace_jax.errors import InputError
from netspace_jax.importing.examine import ImportOptions
from netspace_jax.rules import MOST, Range, check_fields, is_bounded

OPTIONS = {option for each in evaluations.all_evaluations().values() if (option := each.options)}
CLASSES = [kind for each in domains() for kind in (each.zoo_config, each.netspace_config)]
COMMANDS = [JobFlags, TrainFlags, EvalFlags, ImportFlags]
CLASSES += [RefineConfig, SearchConfig, ImportOptions, *sorted(OPTIONS, key=str)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_field_of_numbers_has_a_rule(kind):
    """So that a new field cannot forget it; and defaults keep to the rules."""
    assert [field.name for field in dataclasses.fields(kind) if not is_bounded(kind, field.name)] == []
    check_fields(kind(), "")


@pytest.mark.parametrize("kind", [*CLASSES, Hosts, *COMMANDS], ids=lambda kind: kind.__name__)
def test_every_flag_has_a_text(kind):
    (body,) = ast.parse(inspect.getsource(kind)).body
    for field, after in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant), ast.unparse(field)


@given(st.floats() | st.integers(), st.floats(-5, 5), st.floats(-5, 5), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_a_range_has_what_lies_in_it(value, low, high, open_low, open_high):
    inside = (low < value or (low == value and not open_low)) and (value < high or (value == high and not open_high))
    assert (Range(low, high, open_low, open_high).fault(value) == "") == inside


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, "3", None, True])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(InputError, match="--netspace.noise must be"):
        check_fields(dataclasses.replace(NetSpaceConfig(), noise=value), "netspace")


@pytest.mark.parametrize(
    "values",
    [{"encoder": "mlp"}, {"prep": [64]}, {"prep": [64, 64, 64]}, {"embedding": -1}, {"steps": MOST + 1}, {"skip": 0}],
)
def test_what_json_holds_is_checked_by_the_same_rules(values):
    with pytest.raises(TypeError, match=next(iter(values))):
        rebuild(NetSpaceConfig, values)
