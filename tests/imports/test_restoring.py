"""I13: what we defused in a file comes back as it was; in a foreign file nothing is touched."""

import csv
import io

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from services.imports.domain import error_file
from services.imports.domain.mapping import own_columns
from services.imports.domain.matching import suggest
from services.imports.domain.reading import LINE, ROW, Records
from services.imports.domain.sniffing import ERROR_COLUMNS, sniff
from services.imports.domain.target import Target
from shared.bulk import Refusal
from shared.cells import MARK, defuse, defuse_frame, restore
from tests.imports.owner import TARGET

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")
CELL = st.text(st.sampled_from("=+-@＝'\",;|\t\n 05ab"), max_size=8) | st.text(LETTERS, max_size=12)
ROWS = st.lists(st.tuples(CELL, CELL).filter(lambda row: "".join(row).strip()), min_size=1, max_size=6)


def csv_of(rows, *, lineterminator="\r\n", delimiter=","):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=lineterminator, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode()


def read(data, columns, delimiter=","):
    records = Records(io.BytesIO(data), encoding="utf-8", delimiter=delimiter, columns=columns)
    rows = [row for batch in records for row in batch.frame.drop(ROW, LINE).rows()]
    return [row for row in rows if "".join(row).strip()]


@settings(max_examples=300)
@given(ROWS, st.sampled_from(",;\t"))
def test_any_text_when_exported_and_read_again_is_the_same(rows, delimiter):
    frame = pl.DataFrame({"a": [row[0] for row in rows], "b": [row[1] for row in rows], MARK: ["3"] * len(rows)})
    out = io.BytesIO()
    defuse_frame(frame).write_csv(out, separator=delimiter, line_terminator="\r\n")
    assert read(out.getvalue(), ["a", "b", MARK], delimiter) == [(*row, "3") for row in rows]


@settings(max_examples=300)
@given(ROWS)
def test_foreign_file_when_read_is_as_it_is(rows):
    """Apostrophes before signs too: without our mark they are the file's own."""
    data = csv_of([["a", "b"], *rows, ["'=1", "'+x"]])
    assert read(data, ["a", "b"]) == [*rows, ("'=1", "'+x")]


@settings(max_examples=200)
@given(ROWS, st.booleans())
def test_any_text_when_refused_comes_back_as_it_was(rows, ours):
    """Whether the file that was refused was foreign or an export; no cell of the error file is a formula."""
    columns = ["a", "b", MARK] if ours else ["a", "b"]
    given = [[defuse(cell) for cell in row] + ["3"] for row in rows] if ours else rows
    data = csv_of([columns, *given])
    records = Records(io.BytesIO(data), encoding="utf-8", delimiter=",", columns=columns)
    out = io.BytesIO()
    refusals = [Refusal(number, number + 1, None, "invalid", "=No.") for number in range(1, len(rows) + 1)]
    error_file.write(records, iter(refusals), out, encoding="utf-8")
    header = [*columns, *ERROR_COLUMNS]
    written = list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))
    assert written[0] == header
    assert all(defuse(restore(cell)) == cell for row in written for cell in row)
    assert [row[-1] for row in written[1:]] == ["'=No."] * len(rows)
    assert [row[:2] for row in read(out.getvalue(), header)] == rows
    assert not ours or {row[2] for row in read(out.getvalue(), header)} == {"3"}  # the versions that the rows show


def test_header_when_it_is_a_formula_is_defused_and_restored():
    columns = ["=cmd", "name"]
    records = Records(io.BytesIO(b"=cmd,name\n1,A\n"), encoding="utf-8", delimiter=",", columns=columns)
    out = io.BytesIO()
    error_file.write(records, iter([Refusal(1, 2, None, "bad", "Bad.")]), out, encoding="utf-8")
    assert out.getvalue().startswith(b"'=cmd,name,")
    again = sniff(out.getvalue())
    assert again.header == [*columns, *ERROR_COLUMNS]


def test_export_when_uploaded_is_known_and_its_own_columns_are_no_data():
    found = sniff(f"Code,Name,_status,{MARK}\r\n1,'=A,active,3\r\n".encode())
    assert found.sample_rows == [["1", "=A", "active", "3"]]
    assert own_columns(found.header) == ["_status", MARK]
    matches = suggest(found.header, Target.from_json(TARGET))
    assert [match.how for match in matches] == ["exact", "exact", "own", "own"]
    assert own_columns(["Code", "_status"]) == []  # a foreign file may call its columns as it likes
    assert sniff(b"Code,Name\r\n1,'=A\r\n").sample_rows == [["1", "'=A"]]
