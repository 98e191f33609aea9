"""A10: the rule books of rows of associates and assignments; the columns' quick way agrees with them."""

import marshmallow as ma
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.associates.bulk.rows import ASSIGNMENT_ROW, ASSOCIATE_ROW
from shared.fastcheck import load_rows
from shared.importing.columns import LOADERS
from shared.keys import clean

YEAR = st.one_of(st.integers(0, 3), st.integers(1990, 2030), st.integers(9_997, 10_001))
NUMBERS = st.tuples(YEAR, st.integers(0, 13), st.integers(0, 32), st.booleans())
DAY = NUMBERS.map(lambda one: f"{one[0]:04}-{one[1]:02}-{one[2]:02}" if one[3] else f"{one[2]}.{one[1]}.{one[0]}")
CELL = st.one_of(
    st.none(),
    DAY,
    st.dates().map(str),
    st.sampled_from(["yes", "No", "dealer", "Replace", "manages", "add", "DE", "a;b", "a@b.co", "x" * 65, "é\0"]),
    st.text(max_size=12),
)
FIELDS = [(rules, name) for rules in (ASSOCIATE_ROW, ASSIGNMENT_ROW) for name in rules.fields]


def agrees(rules: ma.Schema, name: str, cell: str | None) -> None:
    loaded = load_rows(rules, pl.Series(name, [cell, None], dtype=pl.String).to_frame(), LOADERS)
    faults = rules.validate({name: cell})
    assert loaded.faults == ({0: faults} if faults else {})
    if not faults:
        assert loaded.rows[name].to_list() == [rules.load({name: cell})[name], None]


@settings(max_examples=300)
@given(st.sampled_from(FIELDS), CELL)
def test_columns_when_compared_with_the_schema_agree_cell_by_cell(field: tuple[ma.Schema, str], text: str) -> None:
    agrees(*field, None if text is None else clean(text) or None)


@settings(max_examples=200)
@given(DAY)
def test_days_when_compared_with_the_schema_agree_cell_by_cell(text: str) -> None:
    agrees(ASSIGNMENT_ROW, "begun_on", text)


@pytest.mark.parametrize("text", ["0000-05-05", "0001-01-01", "9999-12-31", "2023-02-29", "2024-02-29"])
def test_days_when_at_the_edges_agree(text: str) -> None:
    agrees(ASSIGNMENT_ROW, "begun_on", text)
