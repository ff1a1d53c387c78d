"""Tables of members: what is written comes back, and what is no table is named."""

import pytest

from netspace_jax.files import location
from netspace_jax.zoo.table import Member, read_summary, read_table, table
from tests.disk import assert_refused

MEMBERS = [
    Member("siren64", 3, 'chair "a", left', "train", "finite", 7, "own", 40, 1e-4, 0.125, 0.5, 0.25, 0, 1, "00ff00ff"),
    Member("siren64", 4, "", "test", "diverged", 7, "shared", 0, 1e-4, float("inf"), 0.0, 0.0, 1, 0, "12345678"),
]


def test_members_come_back(tmp_path):
    (tmp_path / "members.csv").write_text(table(MEMBERS))
    assert read_table(tmp_path / "members.csv") == tuple(MEMBERS)


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
