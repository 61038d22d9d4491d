"""A table in a notebook and in a terminal."""

import numpy as np
import pytest

from visualizers.table import Table


def test_numbers_and_words_stand_under_their_columns():
    table = Table([[1, 0.123456], ["two", np.float64(1e-12)]], ["first", "second"], ["a", "b"])
    assert table._repr_markdown_().splitlines() == [
        "|  | a | b |",
        "|---|---:|---:|",
        "| first | 1 | 0.123 |",
        "| second | two | 1e-12 |",
    ]
    assert repr(table).splitlines()[2] == "second  two  1e-12"


def test_a_row_without_a_name_is_refused():
    with pytest.raises(ValueError, match="1 names for 2 rows"):
        Table([[1], [2]], ["first"], ["a"])
