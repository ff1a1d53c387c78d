"""Tables of members: what is written comes back, and what is no table is named."""

import numpy as np
import pytest

from netspace_jax.errors import InputError
from netspace_jax.zoo.table import COLUMNS, Members, by_index, read_table, summary_of, table
from tests.disk import assert_refused

MEMBERS = Members(
    {
        "architecture": ["siren64", "siren64"],
        "index": [3, 4],
        "item": ['chair "a", left', ""],
        "split": ["train", "test"],
        "status": ["finite", "diverged"],
        "seed": [7, 7],
        "initialisation": ["own", "shared"],
        "steps": [40, 0],
        "learning_rate": [1e-4, 1e-4],
        "loss": [0.125, float("inf")],
        "score_validation": [-31.5, 0.0],
        "score_test": [0.25, float("nan")],
        "chunk": [0, 1],
        "row": [1, 0],
        "checksum": ["00ff00ff", "12345678"],
    }
)


def test_members_come_back(tmp_path):
    (tmp_path / "members.csv").write_text(table(MEMBERS))
    assert read_table(tmp_path / "members.csv") == MEMBERS


def test_members_have_columns_rows_and_cells():
    assert len(MEMBERS) == 2 and MEMBERS.steps.tolist() == [40, 0] and MEMBERS.checksum[1] == "12345678"
    assert MEMBERS[0].item == 'chair "a", left' and MEMBERS[-1].index == 4 and [row.chunk for row in MEMBERS] == [0, 1]
    assert MEMBERS[MEMBERS.split == "test"].index.tolist() == [4] and len(MEMBERS[:1]) == 1
    turned = MEMBERS[np.array([1, 0])]
    assert Members.joined([turned, MEMBERS]).index.tolist() == [4, 3, 3, 4]
    assert turned != MEMBERS and by_index(turned) == MEMBERS
    with pytest.raises(AttributeError, match="no column 'mass'"):
        MEMBERS.mass


def test_what_is_not_known_of_a_network_is_none(tmp_path):
    """As of how an imported network was trained."""
    members = Members({name: MEMBERS.columns[name] for name in COLUMNS if name not in ("seed", "steps", "loss")})
    (tmp_path / "members.csv").write_text(table(members))
    read = read_table(tmp_path / "members.csv")
    assert (read[0].seed, read[1].steps, read[0].loss) == (None, None, None) and read == members


def test_columns_that_a_domain_adds_are_kept(tmp_path):
    members = Members({**MEMBERS.columns, "mass": [0.5, 1.5], "falls": [3, 0]})
    (tmp_path / "members.csv").write_text(table(members))
    read = read_table(tmp_path / "members.csv")
    assert read.mass.tolist() == [0.5, 1.5] and read[0].falls == 3
    assert read[read.mass > 1].index.tolist() == [4]


def test_a_summary_takes_scores_of_any_range():
    scores = np.array([-120.0, 35.5, 9.0])
    columns = {"index": range(3), "status": ["finite"] * 3, "split": ["train", "test", "teacher"], "score_test": scores}
    summary = summary_of(Members(columns), "train longer")
    assert (summary["score_min"], summary["score_mean"], summary["score_max"]) == (-120.0, -42.25, 35.5)
    with pytest.raises(InputError, match="every network of the zoo diverged: train longer"):
        summary_of(Members({**columns, "status": ["diverged"] * 3}), "train longer")


@pytest.mark.parametrize("spoil", [lambda text: text.replace("siren64,4", "siren64,four"), lambda text: text[:-20]])
def test_a_row_that_is_none_is_named(tmp_path, spoil):
    path = tmp_path / "members.csv"
    path.write_text(spoil(table(MEMBERS)))
    assert_refused(lambda: read_table(path), path, tmp_path)


def test_a_missing_table_is_named(tmp_path):
    assert_refused(lambda: read_table(tmp_path / "members.csv"), tmp_path / "members.csv")
