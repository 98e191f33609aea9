"""The quick check of columns accepts nothing that the schema would not, and changes no value."""

from typing import Any

import marshmallow as ma
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.fastcheck import Column, load_rows


class Word(ma.fields.String):
    """Upper case; digits are refused."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if any(sign.isdigit() for sign in value):
            raise ma.ValidationError("Has a digit.")
        return value.upper()


def load_word(_: Word, cells: pl.Series) -> Column:
    return Column(cells.str.to_uppercase(), cells.str.contains("^[a-zA-Z]*$"))


def load_plain(_: ma.fields.String, cells: pl.Series) -> Column:
    return Column(cells, cells.is_not_null())


class Row(ma.Schema):
    word = Word(allow_none=True, validate=ma.validate.Length(min=1, max=5))
    kind = ma.fields.String(allow_none=True, validate=ma.validate.OneOf(["a", "b"]))
    must = ma.fields.String(validate=ma.validate.Length(equal=2))


LOADERS = {Word: load_word, ma.fields.String: load_plain}
CELL = st.one_of(st.none(), st.sampled_from(["", "a", "b", "ab", "abcdef", "a1", "ß", "é", "12", " "]))


def frame(**columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).with_row_index("_row")


@settings(max_examples=300)
@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=12))
def test_load_rows_when_compared_with_the_schema_agrees_row_by_row(cells: list[tuple[str | None, ...]]) -> None:
    names = ("word", "kind", "must")
    loaded = load_rows(Row(), frame(**{name: [row[at] for row in cells] for at, name in enumerate(names)}), LOADERS)
    rows = {row.pop("_row"): row for row in loaded.rows.iter_rows(named=True)}
    assert list(rows) == sorted(rows)
    for place, row in enumerate(cells):
        cell = dict(zip(names, row, strict=True))
        faults = Row().validate(cell)
        assert loaded.faults.get(place, {}) == faults
        assert rows.get(place) == (None if faults else Row().load(cell))


def test_load_rows_when_all_is_plain_does_not_ask_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("asked")

    monkeypatch.setattr(Row, "load", refuse)
    loaded = load_rows(Row(), frame(word=["abc", None], kind=["a", None], must=["xy", "ab"]), LOADERS)
    assert loaded.rows["word"].to_list() == ["ABC", None]


def test_load_rows_when_a_field_has_no_loader_refuses() -> None:
    class Counted(Row):
        count = ma.fields.Integer(allow_none=True)

    with pytest.raises(TypeError, match="loader"):
        load_rows(Counted(), frame(must=["ab"]), LOADERS)


def test_load_rows_when_the_schema_checks_whole_rows_refuses_it() -> None:
    class Whole(Row):
        @ma.validates_schema
        def check(self, data: Any, **kwargs: Any) -> None: ...

    with pytest.raises(TypeError, match="hooks"):
        load_rows(Whole(), frame(must=["ab"]), LOADERS)


def test_load_rows_when_a_required_column_is_missing_refuses() -> None:
    class Needs(Row):
        code = ma.fields.String(required=True)

    with pytest.raises(TypeError, match="code"):
        load_rows(Needs(), frame(must=["ab"]), LOADERS)


def test_load_rows_when_other_columns_stand_by_leaves_them() -> None:
    table = frame(must=["ab", "c", "de"]).with_columns(pl.Series("line", [2, 3, 4]))
    assert load_rows(Row(), table, LOADERS).rows["line"].to_list() == [2, 4]
