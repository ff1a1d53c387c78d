"""Every field says in its type what it may be."""

import ast
import dataclasses
import inspect
import math
import re

import pytest

from netspace_jax import evaluations
from netspace_jax.cli.commands import EvalFlags, JobFlags, TrainFlags
from netspace_jax.cli.importing import ImportFlags
from netspace_jax.config import Hosts, NetSpaceConfig, RefineConfig, SearchConfig, ZooConfig
from netspace_jax.domain import domains
from netspace_jax.errors import InputError
from netspace_jax.importing.examine import ImportOptions
from netspace_jax.rules import MOST, check_fields, faults, rebuild

OPTIONS = {option for each in evaluations.all_evaluations().values() if (option := each.options)}
CLASSES = [kind for each in domains() for kind in (each.zoo_config, each.netspace_config)]
COMMANDS = [JobFlags, TrainFlags, EvalFlags, ImportFlags]
CLASSES += [RefineConfig, SearchConfig, ImportOptions, *sorted(OPTIONS, key=str)]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_defaults_keep_to_the_rules_and_whole_numbers_have_a_bound(kind):
    """So that a new field cannot forget it."""
    check_fields(kind(), "")
    for name, default in vars(kind()).items():
        first = default[0] if isinstance(default, tuple) and default else default
        if type(first) is int:
            high = (2**40,) * len(default) if isinstance(default, tuple) else 2**40
            assert [field for field, _ in faults(dataclasses.replace(kind(), **{name: high}))][:1] == [name]


@pytest.mark.parametrize("kind", [*CLASSES, Hosts, *COMMANDS], ids=lambda kind: kind.__name__)
def test_every_flag_has_a_text(kind):
    (body,) = ast.parse(inspect.getsource(kind)).body
    for field, after in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            assert isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant), ast.unparse(field)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("embedding", 0, "must be at least 1, not 0"),
        ("embedding", 4.0, "must be a whole number, not 4.0"),
        ("prep", (64, 0), "must be at least 1, not 64 0"),
        ("prep", (64,), "not 64"),
        ("correct_share", 1.0, "must be less than 1, not 1.0"),
        ("encoder", "mlp", "must be 'probe', 'set' or 'conv', not mlp"),
        ("seed", 10**400, "not a number of many digits"),
        ("train_architectures", ("a", 3), "must be a valid string"),
    ],
)
def test_a_fault_names_the_flag_and_what_it_has_to_be(name, value, fault):
    with pytest.raises(InputError, match=f"--netspace.{name.replace('_', '-')} .*{re.escape(fault)}"):
        check_fields(dataclasses.replace(NetSpaceConfig(), **{name: value}), "netspace")


@pytest.mark.parametrize(
    ("value", "fits"), [(0, True), (0.5, True), (128, True), (128.0, True), (1.5, False), (-1, False)]
)
def test_a_share_is_below_one_or_a_whole_number(value, fits):
    assert bool(list(faults(ZooConfig(test=value)))) != fits


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
