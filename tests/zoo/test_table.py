"""Tables of members: what is written comes back, and what is no table is named."""

import numpy as np
import pytest

from netspace_jax.files import location
from netspace_jax.zoo.table import Member, Members, read_summary, read_table, rows_by, table
from tests.disk import assert_refused

MEMBERS = [
    Member("siren64", 3, 'chair "a", left', "train", "finite", 7, "own", 40, 1e-4, 0.125, 0.5, 0.25, 0, 1, "00ff00ff"),
    Member("siren64", 4, "", "test", "diverged", 7, "shared", 0, 1e-4, float("inf"), 0.0, 0.0, 1, 0, "12345678"),
]


def test_members_come_back(tmp_path):
    (tmp_path / "members.csv").write_text(table(MEMBERS))
    assert read_table(tmp_path / "members.csv") == MEMBERS


def test_columns_are_the_rows():
    members = Members.of(MEMBERS)
    assert len(members) == 2 and list(members) == MEMBERS and members[1] == MEMBERS[1] and members[-1] == MEMBERS[-1]
    assert members == MEMBERS and members[:1] == MEMBERS[:1] and Members.of(members) is members
    assert members.column("steps").tolist() == [40, 0] and members.column("item").tolist() == ['chair "a", left', ""]
    assert members.where(split="train").tolist() == [True, False]
    assert members.where(split="train", chunk=1).tolist() == [False, False]
    turned = members[np.array([1, 0])]
    assert list(turned) == MEMBERS[::-1] and list(Members.joined([turned, members])) == MEMBERS[::-1] + MEMBERS


def test_rows_by_value_keep_their_order():
    found = [(value, rows.tolist()) for value, rows in rows_by(np.array([3, 1, 3, 1, 2]))]
    assert found == [(1, [1, 3]), (2, [4]), (3, [0, 2])]


@pytest.mark.parametrize("spoil", [lambda text: text.replace("siren64,4", "siren64,four"), lambda text: text[:-20]])
def test_a_row_that_is_none_is_named(tmp_path, spoil):
    path = tmp_path / "members.csv"
    path.write_text(spoil(table(MEMBERS)))
    assert_refused(lambda: read_table(path), path, tmp_path)


def test_a_missing_table_is_named(tmp_path):
    assert_refused(lambda: read_table(tmp_path / "members.csv"), tmp_path / "members.csv")


@pytest.mark.parametrize("text", ["[]", "{}", '{"seconds": "long"}', "{"])
def test_a_summary_without_its_numbers_is_named(tmp_path, text):
    (tmp_path / "zoo.json").write_text(text)
    assert_refused(lambda: read_summary(location(tmp_path), ("seconds",)), tmp_path / "zoo.json")
