"""The error file (I9): every refused row as it was, with why; it goes in again without mapping."""

import codecs
import io

import pytest
from hypothesis import given, settings

from services.imports.domain import error_file
from services.imports.domain.careful import WHITE
from services.imports.domain.mapping import header_hash
from services.imports.domain.reading import Records
from services.imports.domain.sniffing import ERROR_COLUMNS, sniff
from shared.bulk import Refusal
from tests.imports.nasty.files import COLUMNS, READ, Nasty
from tests.imports.test_reading import read, tables


def written(data: bytes, refusals: list[Refusal], *, encoding="utf-8", bom=False, column_of=None, **options) -> bytes:
    records = Records(io.BytesIO(data), encoding=encoding, **options)
    out = io.BytesIO()
    count = error_file.write(records, iter(refusals), out, encoding=encoding, bom=bom, column_of=column_of)
    assert count == len({refusal.row for refusal in refusals})
    return out.getvalue()


def refusal(row: int, line: int | None = None, code="bad", column=None, message="Wrong."):
    return Refusal(row, line or row + 1, column, code, message)


PLAIN = {"delimiter": ",", "columns": ["code", "name"]}


def test_refused_rows_stand_there_as_they_were_with_the_reason():
    data = b'code,name\r\n001,"Acme, ""Inc"""\r\n002,Bolt\r\n003, Cog \r\n'
    assert written(data, [refusal(1, column="name_field"), refusal(3)], column_of={"name_field": "name"}, **PLAIN) == (
        b"code,name,_line,_column,_code,_message\r\n"
        b'001,"Acme, ""Inc""",2,name,bad,Wrong.\r\n'
        b"003, Cog ,4,,bad,Wrong.\r\n"
    )


def test_column_that_reading_named_is_not_taken_for_a_field():
    data = b"code,name\n1,N\0\n"
    out = written(data, [refusal(1, code="nul_byte", column="name")], column_of={"name": "code"}, **PLAIN)
    assert b",2,name,nul_byte," in out


def test_column_that_is_kept_is_named_even_where_a_field_is_called_like_it():
    out = written(b"code,name\n1,N\n", [refusal(1, column="attributes.name")], column_of={"name": "code"}, **PLAIN)
    assert b",2,name,bad," in out


def test_several_reasons_of_a_row_share_its_line():
    refusals = [refusal(1, code="bad_email", message="No e-mail."), refusal(1, code="too_long", message="Too long.")]
    assert b"1,a,2,,bad_email too_long,No e-mail. Too long.\r\n" in written(b"code,name\n1,a\n", refusals, **PLAIN)


@pytest.mark.parametrize("case", [case for case in READ if case.faults], ids=lambda case: case.name)
def test_records_that_could_not_be_read_stand_in_the_first_cell(case: Nasty):
    sniffed = sniff(case.data, encoding=case.declared)
    options = {"delimiter": ",", "columns": COLUMNS}
    refusals = [refusal(row, line, code) for row, line, code in case.faults]
    data = written(case.data, refusals, encoding=sniffed.encoding, bom=sniffed.bom, **options)
    again = sniff(data, encoding=sniffed.encoding)
    assert again.header == [*COLUMNS, *ERROR_COLUMNS]
    rows, faults, _ = read(data, encoding=sniffed.encoding, delimiter=",", columns=again.header)
    back = rows or [(fault.row, fault.line, *(fault.cells or [fault.raw])) for fault in faults]
    assert len(rows) + len(faults) == len(case.faults)
    assert "C00006" in back[0][2] or case.name.startswith(
        ("cell of", "UTF-16 cut", "a bad byte", "open quote in the last")
    )


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-8"])
def test_encoding_delimiter_and_byte_order_mark_are_those_of_the_file(encoding: str):
    data = "code;name\r\n1;Café\r\n".encode(encoding)
    out = written(
        data, [refusal(1)], encoding=encoding, bom=encoding != "cp1252", delimiter=";", columns=["code", "name"]
    )
    again = sniff(out)
    assert (again.encoding, again.delimiter, again.bom) == (encoding, ";", encoding != "cp1252")
    assert again.sample_rows == [["1", "Café", "2", "", "bad", "Wrong."]]


def test_byte_order_mark_that_is_none_of_the_encoding_is_not_written():
    """Guard: jobs of before were noted so, where another encoding was chosen by hand."""
    data = codecs.BOM_UTF8 + "code,name\n1,Müller\n".encode("cp1252")
    made = written(data, [refusal(1)], encoding="cp1252", bom=True, **PLAIN)
    assert made.startswith("code,name,_line,_column,_code,_message\r\n1,Müller,".encode("cp1252"))


def test_reasons_that_the_encoding_cannot_write_become_question_marks():
    out = written(b"code,name\n1,a\n", [refusal(1, message="“Łódź” is wrong.")], encoding="cp1252", **PLAIN)
    assert "“?ódz” is wrong.".encode("cp1252", "replace") in out or "“?ód?” is wrong.".encode("cp1252") in out


def test_bytes_that_were_not_valid_come_out_as_they_were():
    assert b"1,Caf\xe9,2" in written(b"code,name\n1,Caf\xe9\n", [refusal(1)], **PLAIN)


def test_second_error_file_has_the_reasons_once():
    first = written(b"code,name\n1,a\n2,b\n", [refusal(1), refusal(2)], **PLAIN)
    header = sniff(first).header
    assert header_hash(header) == header_hash(["code", "name"])
    second = written(first, [refusal(2, code="worse")], delimiter=",", columns=header)
    assert second == b"code,name,_line,_column,_code,_message\r\n2,b,3,,worse,Wrong.\r\n"


def test_file_without_header_gets_one():
    data = b"1,a\n2,b\n"
    records = Records(
        io.BytesIO(data), encoding="utf-8", delimiter=",", columns=["Column 1", "Column 2"], has_header=False
    )
    out = io.BytesIO()
    error_file.write(records, [refusal(2, line=2)], out, encoding="utf-8")
    again = sniff(out.getvalue())
    assert again.has_header
    assert header_hash(again.header) == header_hash(["Column 1", "Column 2"])
    assert again.sample_rows == [["2", "b", "2", "", "bad", "Wrong."]]


@settings(max_examples=60)
@given(tables())
def test_every_row_comes_back_when_all_are_refused(table):
    rows, _, data, options = table
    rows = [row for row in rows if "".join(row).strip(WHITE)]
    refusals = [refusal(number) for number in range(1, len(rows) + 1)]
    back, faults, _ = read(
        written(data, refusals, **options), **{**options, "columns": [*options["columns"], *ERROR_COLUMNS]}
    )
    assert not faults
    assert [list(row[2:-4]) for row in back] == rows
