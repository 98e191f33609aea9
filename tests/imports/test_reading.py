"""Any CSV (I3): every row comes in but the wrong ones, which are told with their line."""

import csv
import io
import string

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.imports.domain.careful import WHITE
from services.imports.domain.reading import Batch, Records
from services.imports.domain.sniffing import sniff
from tests.imports.nasty.files import COLUMNS, READ, Nasty, around, record


class SlowRecords(Records):
    """Takes every block the careful way."""

    def _quick(self, block: str) -> Batch | None:
        return None


def read(data: bytes, reader: type[Records] = Records, **options):
    """Return (good rows with number and line, faults, records)."""
    records = reader(io.BytesIO(data), **options)
    rows, faults = [], []
    for batch in records:
        rows += batch.frame.rows()
        faults += batch.faults
    return rows, faults, records


def plainly(data: bytes, **options):
    return read(data, encoding="utf-8", delimiter=",", **{"columns": COLUMNS, **options})


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
@pytest.mark.parametrize("block", [1 << 20, 97])
def test_every_other_row_comes_in_when_one_is_nasty(case: Nasty, block: int):
    sniffed = sniff(case.data[: 1 << 20], encoding=case.declared)
    assert sniffed.encoding == (case.declared or case.encoding)
    assert sniffed.header == COLUMNS
    block = max(block, len(case.data) // 100)
    rows, faults, records = read(
        case.data, encoding=sniffed.encoding, delimiter=sniffed.delimiter, columns=sniffed.header, block=block
    )
    assert len(rows) == case.good
    assert [(fault.row, fault.line, fault.code) for fault in faults] == case.faults
    assert records.rows == len(rows) + len(faults)
    assert all(fault.message.endswith((".", '. Write two ("") for one.')) for fault in faults)
    numbers = sorted([row[0] for row in rows] + [fault.row for fault in faults])
    assert numbers == list(range(1, records.rows + 1))


def test_lines_are_one_piece_where_cells_have_several():
    """polars 2.1 panics over text that is made of a column whose first chunk is empty."""
    data = b'Number,Name\n1,"A\nB"\n2,C\n3,D\n'
    [batch] = Records(io.BytesIO(data), encoding="utf-8", delimiter=",", columns=["Number", "Name"])
    later = batch.frame.filter(pl.col("_row") > 1)
    assert later.select(pl.format("line {}", "_line")).to_series().to_list() == ["line 4", "line 5"]


def test_cells_of_a_quoted_row_keep_their_line_ends():
    case = next(case for case in READ if case.name == "quoted line ends")
    rows, _, _ = plainly(case.data)
    assert rows[5][3] == "Multi\nline\r\nname"
    assert rows[5][13] == 'one\n\ntwo "x"'
    assert [row[1] for row in rows] == [2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16]


def test_fault_names_the_column_and_keeps_the_cells():
    _, (fault,), _ = plainly(around(record(6, city="Ba\0th").encode()))
    assert (fault.column, fault.code) == ("city", "nul_byte")
    assert fault.cells is not None
    assert fault.cells[6] == "Ba\0th"
    assert fault.message == 'In column "city" a NUL character stands.'


def test_sixty_thousand_faults_are_all_told():
    good = [record(number) for number in range(5)]
    bad = [f'C{number},"open' if number % 3 else f"C{number},short" for number in range(60_000)]
    data = "\n".join([",".join(COLUMNS), *bad, *good]).encode() + b"\n"
    rows, faults, records = plainly(data)
    assert len(rows) == 5
    assert len(faults) == 60_000
    assert [fault.line for fault in faults] == list(range(2, 60_002))
    assert records.rows == 60_005


def test_open_quotes_on_every_line_take_no_longer_than_one_pass(monkeypatch):
    lines = [f'C{number},"open' for number in range(3_000)]
    read_lines = 0
    from services.imports.domain import careful

    original = careful._Feed.__next__

    def counted(self):
        nonlocal read_lines
        read_lines += 1
        return original(self)

    monkeypatch.setattr(careful._Feed, "__next__", counted)
    _, faults, _ = plainly("\n".join(["code,name", *lines]).encode(), columns=["code", "name"])
    assert len(faults) > 1
    assert read_lines < 5 * len(lines)


def test_no_header_means_that_the_first_line_is_a_row():
    rows, faults, _ = plainly(b"C1,Acme\nC2,Bolt\n", columns=["Column 1", "Column 2"], has_header=False)
    assert rows == [(1, 1, "C1", "Acme"), (2, 2, "C2", "Bolt")]
    assert not faults


def test_separator_line_and_blank_lines_before_the_header_are_passed_over():
    rows, _, _ = read(b"sep=;\r\n\r\na;b\r\n1;2\r\n", encoding="utf-8", delimiter=";", columns=["a", "b"])
    assert rows == [(1, 4, "1", "2")]


def test_memory_stays_flat_when_a_line_is_endless():
    class Endless(io.RawIOBase):
        left = 40

        def read(self, size=-1):
            self.left -= 1
            return b"x" * size if self.left > 0 else b"\n1,2\n" if self.left == 0 else b""

    records = Records(Endless(), encoding="utf-8", delimiter=",", columns=["a", "b"], has_header=False)
    largest = max(len(fault.raw) for batch in records for fault in batch.faults)
    assert largest <= 100_000
    assert records.rows == 2


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
LATIN = st.text(st.sampled_from(string.printable.replace("\r", "") + "éüß€"), max_size=12)


@st.composite
def tables(draw):
    """A table as csv.writer writes it: (rows, bytes, options, quoting)."""
    width = draw(st.integers(1, 5))
    encoding = draw(st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "cp1252", "gb18030"]))
    cell = LATIN if encoding == "cp1252" else CELL
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=12))
    delimiter = draw(st.sampled_from(",;\t|"))
    end = draw(st.sampled_from(["\r\n", "\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    if quoting == csv.QUOTE_MINIMAL and end != "\r\n":  # csv.writer leaves the other line end unquoted there
        rows = [[text.replace("\r", " ").replace("\n", " ") for text in row] for row in rows]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow([f"column {number}" for number in range(width)])
    lines = []
    for row in rows:
        so_far = text.getvalue()
        lines.append(1 + so_far.count("\n") + so_far.count("\r") - so_far.count("\r\n"))
        writer.writerow(row)
    options = {
        "encoding": encoding,
        "delimiter": delimiter,
        "columns": [f"column {number}" for number in range(width)],
        "block": draw(st.sampled_from([1 << 20, 5, 17, 64])),
    }
    return rows, lines, text.getvalue().encode(encoding), options


@settings(max_examples=150)
@given(tables())
def test_what_a_csv_writer_wrote_comes_back(table):
    rows, lines, data, options = table
    found, faults, records = read(data, **options)
    assert not faults
    expected = [(line, *row) for row, line in zip(rows, lines, strict=True) if "".join(row).strip(WHITE)]
    assert [row[1:] for row in found] == expected
    assert [row[0] for row in found] == list(range(1, len(expected) + 1))
    assert records.blank == len(rows) - len(expected)


WILD = st.text(st.sampled_from('ab,,,"" \n\n\r\0é'), max_size=60)


@settings(max_examples=250)
@given(st.lists(WILD, max_size=4).map("\n".join), st.integers(1, 3), st.sampled_from([3, 7, 20, 1 << 20]))
def test_quick_and_careful_reading_agree_on_anything(text, width, block):
    options = {"encoding": "utf-8", "delimiter": ",", "columns": [str(n) for n in range(width)], "has_header": False}
    quick_rows, quick_faults, quick = read(text.encode(), **options)
    slow_rows, slow_faults, slow = read(text.encode(), SlowRecords, **options)
    assert (quick_rows, quick_faults, quick.rows, quick.blank) == (slow_rows, slow_faults, slow.rows, slow.blank)
    assert quick.rows == len(quick_rows) + len(quick_faults)
    small_rows, small_faults, _ = read(text.encode(), block=block, **options)
    assert (small_rows, small_faults) == (quick_rows, quick_faults)


def test_frames_are_typed_also_when_a_block_has_no_good_row():
    records = Records(io.BytesIO(b"a,b\nonly one\n"), encoding="utf-8", delimiter=",", columns=["a", "b"])
    (batch,) = list(records)
    assert batch.frame.schema == {"_row": pl.UInt32, "_line": pl.UInt32, "0": pl.String, "1": pl.String}
