"""Chunks from rows: repeated keys, order, and that it comes out the same each time (product rows I6, I11)."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import generate
from services.imports.domain import decoding
from services.imports.domain.reading import Records
from services.imports.domain.seen_keys import SeenKeys
from services.imports.domain.staging import MappedRows, chunk_file, halves, places_of, stage_rows
from services.imports.domain.target import TargetKey
from shared.bulk import Refusal
from shared.keys import code_key

CODE = TargetKey("code", "code", "code", "Code")
EMAIL = TargetKey("email", "email", "email", "E-mail", ("contact_email",))


def batch(first, codes, refusals=(), **columns):
    frame = pl.DataFrame(
        {
            "_row": pl.Series(range(first, first + len(codes)), dtype=pl.UInt32),
            "_line": pl.Series(range(first + 1, first + 1 + len(codes)), dtype=pl.UInt32),
            "code": pl.Series(codes, dtype=pl.String),
            **{name: pl.Series(cells, dtype=pl.String) for name, cells in columns.items()},
        }
    )
    return MappedRows(frame, list(refusals), first * 10)


def test_chunks_are_sorted_by_key_with_those_without_at_the_end():
    stages = list(stage_rows([batch(1, ["b", None, "A", "c", ""])], CODE, 10))
    assert stages[0].frame["code"].to_list() == ["A", "b", "c", None, ""]
    assert stages[0].frame.columns == ["_row", "_line", "code"]


def test_a_repeated_key_names_the_first_line_in_any_spelling():
    stages = list(stage_rows([batch(1, ["X1", "x2", "x1 "]), batch(4, ["X2", "\u00a0x1", "x3"])], CODE, 2))
    refused = [refusal for stage in stages for refusal in stage.refusals]
    assert [(one.row, one.line, one.code) for one in refused] == [
        (3, 4, "duplicate_in_file"),
        (4, 5, "duplicate_in_file"),
        (5, 6, "duplicate_in_file"),
    ]
    assert [one.message.rpartition(", ")[2] for one in refused] == ["on line 2.", "on line 3.", "on line 2."]
    assert sum(stage.frame.height for stage in stages if stage.frame is not None) == 3
    assert (stages[-1].rows, stages[-1].failed) == (6, 3)


def test_a_large_file_as_firms_export_them_is_staged_whole(tmp_path):
    generate.write(5_000, tmp_path / "customers.csv")
    with (tmp_path / "customers.csv").open("rb") as file:
        records = Records(file, encoding="utf-8", delimiter=",", columns=generate.HEADER)
        found = [MappedRows(read.frame.rename({"0": "code"}), [], 0) for read in records]
    stages = list(stage_rows(found, CODE, 10_000))
    assert stages[-1].rows == 5_000
    assert {one.code for stage in stages for one in stage.refusals} == {"duplicate_in_file"}


def test_a_repeated_key_that_comes_again_in_the_error_file_is_refused_until_somebody_decides():
    [first] = stage_rows([batch(1, ["x1", "x1", "X1", "x1"])], CODE, 10)
    why = [one.message for one in first.refusals]
    told = pl.Series([why[0], f"E-mail is wrong. {why[1]}", "", why[2], None])
    [stage] = stage_rows([replace(batch(1, ["x1", "X1", "x1", "X2", "x1"]), told=told)], CODE, 10)
    assert [(one.row, one.code) for one in stage.refusals] == [(row, "duplicate_in_file") for row in (1, 2, 5)]
    assert ["empty _message" in one.message for one in stage.refusals] == [True, True, False]
    assert stage.frame["code"].to_list() == ["x1", "X2"]
    [again] = stage_rows([replace(batch(1, ["x1"]), told=pl.Series([stage.refusals[0].message]))], CODE, 10)
    assert [one.row for one in again.refusals] == [1]


@pytest.mark.parametrize("encoding", decoding.ENCODINGS)
def test_a_repeated_key_is_known_again_whatever_the_error_file_is_written_in(encoding):
    [first] = stage_rows([batch(1, ["x1", "x1"])], CODE, 10)
    told = pl.Series([decoding.encode(first.refusals[0].message, encoding).decode(encoding)])
    [stage] = stage_rows([replace(batch(1, ["x1"]), told=told)], CODE, 10)
    assert [one.code for one in stage.refusals] == ["duplicate_in_file"]


def test_a_key_may_stand_in_another_column():
    mails = {"email": ["a@b.c", None, None], "contact_email": ["x@y.z", "A@B.c", None]}
    stages = list(stage_rows([batch(1, ["1", "2", "3"], **mails)], EMAIL, 10))
    assert [(one.row, one.column) for one in stages[0].refusals] == [(2, "email")]
    assert stages[0].frame["code"].to_list() == ["1", "3"]


def test_a_file_without_the_key_is_cut_as_it_is():
    stages = list(stage_rows([batch(1, ["b", "b", "a"])], EMAIL, 2))
    assert [stage.frame["code"].to_list() for stage in stages] == [["b", "b"], ["a"]]


def test_refusals_alone_make_stages_too():
    bad = [Refusal(row, row + 1, None, "ragged", "") for row in range(1, 12_001)]
    parts = [batch(0, [], bad[:6_000]), batch(0, [], bad[6_000:])]
    stages = list(stage_rows(parts, CODE, 10))
    assert [(stage.no, stage.frame, stage.rows, stage.failed) for stage in stages] == [
        (None, None, 6_000, 6_000),
        (None, None, 12_000, 12_000),
    ]


def test_nothing_gives_nothing():
    assert list(stage_rows([], CODE, 10)) == []


codes = st.lists(st.one_of(st.none(), st.text("aAbB1 \u00a0", max_size=3)), max_size=60)


@given(codes, st.integers(1, 20), st.integers(1, 20))
def test_stages_hold_each_row_once_and_each_key_in_one_place(cells, chunk_rows, batch_rows):
    def batches():
        for start in range(0, len(cells), batch_rows):
            yield batch(start + 1, cells[start : start + batch_rows])

    stages = list(stage_rows(batches(), CODE, chunk_rows))
    kept = [row for stage in stages if stage.frame is not None for row in stage.frame["_row"].to_list()]
    refused = [refusal.row for stage in stages for refusal in stage.refusals]
    assert sorted(kept + refused) == list(range(1, len(cells) + 1))
    keys = [code_key(cells[row - 1] or "") for row in kept]
    assert len([key for key in keys if key]) == len({key for key in keys if key})
    again = list(stage_rows(batches(), CODE, chunk_rows))
    assert [stage.no for stage in again] == [stage.no for stage in stages]
    for one, other in zip(stages, again, strict=True):
        assert one.refusals == other.refusals
        assert (one.frame is None) == (other.frame is None)
        if one.frame is not None:
            assert chunk_file(one.frame) == chunk_file(other.frame)
            assert one.frame.height <= chunk_rows


def test_keys_are_remembered_over_many_batches():
    seen = SeenKeys()
    for start in range(0, 20_000, 500):
        keys = pl.Series([f"k{number}" for number in range(start, start + 500)])
        assert seen.first_lines(keys).null_count() == 500
        seen.add(keys, pl.Series(range(start, start + 500)))
    found = seen.first_lines(pl.Series(["k0", "k7", "k19999", "k20000", "K7"]))
    assert found.to_list() == [0, 7, 19_999, None, None]


def test_halves_of_a_chunk_keep_every_row():
    frame = batch(1, ["a", "b", "c"]).frame
    first, second = halves(chunk_file(frame))
    assert (first["code"].to_list(), second["code"].to_list()) == (["a", "b"], ["c"])
    only, nothing = halves(chunk_file(second))
    assert (only.height, nothing.height, places_of(only)) == (1, 0, [(3, 4)])
