"""Columns of a table as numbers for networks."""

import numpy as np
import pandas
import pytest

from netspace_jax.domains.tables.encoding import fit_encoding
from netspace_jax.errors import InputError

TABLE = pandas.DataFrame({
    "price": [1.0, 3.0, 5.0, np.nan, 100.0],
    "colour": ["red", "blue", None, "red", "blue"],
    "sold": [True, False, True, True, False],
})  # fmt: skip
TRAINING = np.array([True, True, True, True, False])


def encoding(table=TABLE, training=TRAINING):
    return fit_encoding(table, list(table.columns), training, "rows.csv")


def test_numbers_categories_and_what_is_missing():
    made = encoding()
    assert made.columns == ("price", "price", "colour", "colour", "colour", "sold")
    assert made.kinds == ("number", "missing", "category", "category", "missing", "number")
    assert made.categories == ("", "", "blue", "red", "", "")
    rows = made.encode(TABLE)
    spread = np.std([1, 3, 5])
    # The median of training rows, 3, stands where a price is missing; the fifth row had no say.
    np.testing.assert_allclose(rows[:, 0], (np.array([1, 3, 5, 3, 100]) - 3) / spread, rtol=1e-6)
    np.testing.assert_array_equal(rows[:, 1], [0, 0, 0, 1, 0])
    np.testing.assert_array_equal(rows[:, 2:5], [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_a_column_without_spread_is_not_divided_by_nothing():
    rows = encoding(pandas.DataFrame({"one": [2.0] * 5})).encode(pandas.DataFrame({"one": [2.0, 3.0]}))
    np.testing.assert_array_equal(rows, [[0.0], [1.0]])


def test_a_category_that_nobody_knows_is_none_of_those_known():
    rows = encoding().encode(TABLE.assign(colour="green"))
    assert not rows[:, 2:5].any()


def test_whole_numbers_that_were_read_as_floats_are_the_same_categories():
    made = fit_encoding(pandas.DataFrame({"shop": ["1", "2"]}), ["shop"], np.ones(2, bool), "rows.csv")
    np.testing.assert_array_equal(made.encode(pandas.DataFrame({"shop": [2.0, 1.0]})), [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (TABLE.drop(columns="price"), "no column 'price'; there are colour, sold"),
        (TABLE.rename(columns={"price": "prices"}), "no column 'price'; did you mean 'prices'?"),
        (TABLE.assign(price="dear"), "column 'price' holds numbers, and 'dear' is none"),
    ],
)
def test_rows_that_do_not_fit_are_named(rows, said):
    with pytest.raises(InputError, match=said.replace("?", r"\?")):
        encoding().encode(rows)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([None] * 100, "column 'odd' has no value at all"),
        ([f"name {number}" for number in range(100)], "column 'odd' has 100 different texts, as 'name 0'"),
        ([np.inf] * 100, "column 'odd' has a value that is not finite"),
    ],
)
def test_columns_of_no_use_are_named(column, said):
    table = pandas.DataFrame({"odd": column})
    with pytest.raises(InputError, match=f"rows.csv: {said}"):
        fit_encoding(table, ["odd"], np.ones(100, bool), "rows.csv")
