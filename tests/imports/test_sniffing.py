"""Any CSV (I3): encoding, delimiter and header are found, shown and overridable; what is no CSV is refused."""

import codecs
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.imports.domain.decoding import ENCODINGS, canonical
from services.imports.domain.mapping import own_columns, told
from services.imports.domain.reading import Records
from services.imports.domain.sniffing import ERROR_COLUMNS, MAX_COLUMNS, column_names, sniff, sniff_file
from services.imports.errors import FileRefused
from tests.imports.nasty.files import READ, REFUSED, Nasty, Refused


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_is_no_csv_is_refused_with_a_sentence(case: Refused):
    with pytest.raises(FileRefused) as refused:
        sniff(case.data)
    assert refused.value.code == case.code
    assert case.words in refused.value.sentence
    assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_sample_has_the_good_rows(case: Nasty):
    sniffed = sniff(case.data, encoding=case.declared)
    assert sniffed.delimiter == ","
    assert sniffed.has_header
    assert [row[0] for row in sniffed.sample_rows[:5]] == ["C00001", "C00002", "C00003", "C00004", "C00005"]
    assert all(len(row) == len(sniffed.header) for row in sniffed.sample_rows)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp850"]
)
def test_encoding_is_found(encoding: str):
    text = "Name;Ort\r\nMüller;Köln\r\nGroßmann;Düsseldorf\r\nÉcole;Orléans\r\n"
    sniffed = sniff(text.encode(encoding))
    assert sniffed.sample_rows == [["Müller", "Köln"], ["Großmann", "Düsseldorf"], ["École", "Orléans"]]
    assert sniffed.bom == (encoding in ("utf-8-sig", "utf-16", "utf-32"))
    assert bool(sniffed.warnings) == encoding.startswith("cp")


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
@pytest.mark.parametrize("header", [b"code,name\n", b""])
def test_byte_order_mark_of_an_encoding_that_was_not_chosen_is_no_text(mark: bytes, header: bytes):
    data = mark + header + "1,Müller\n2,Gruß\n".encode("cp1252")
    sniffed = sniff(data, encoding="cp1252", has_header=bool(header))
    assert (sniffed.encoding, sniffed.bom, len(sniffed.header)) == ("cp1252", False, 2)
    assert sniffed.header[0] == ("code" if header else "Column 1")
    records = Records(
        io.BytesIO(data), encoding="cp1252", delimiter=",", columns=sniffed.header, has_header=bool(header), block=1
    )
    rows = [list(row[2:]) for batch in records for row in batch.frame.rows()]
    assert rows == sniffed.sample_rows == [["1", "Müller"], ["2", "Gruß"]]


def test_scripts_that_are_not_latin_are_found():
    text = "имя,город\n" + "Александр Сергеевич Пушкин,Санкт-Петербург\n" * 10
    assert sniff(text.encode("cp1251")).encoding == "cp1251"
    assert sniff(text.encode("utf-16-le")).encoding == "utf-16-le"
    assert sniff(text.encode()).encoding == "utf-8"


def test_encoding_is_found_when_it_shows_only_behind_the_first_megabyte():
    plain = b"name,city\n" + b"Smith,Bath\n" * 200_000
    assert sniff_file(io.BytesIO(plain)).encoding == "utf-8"
    assert sniff_file(io.BytesIO(plain + "Müller,Köln\n".encode("cp1252"))).encoding == "cp1252"
    assert sniff_file(io.BytesIO(plain + "Müller,Köln\n".encode())).encoding == "utf-8"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_among_others_in_the_cells(delimiter: str):
    rows = [["Name", "City, region", "Sum"], ["Acme", "Bath; Avon", "1,50"], ["Bolt | Nut", "Ely, Cambs", "2,75"]]
    lines = [delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in rows]
    sniffed = sniff("\n".join(lines).encode())
    assert sniffed.delimiter == delimiter
    assert [sniffed.header, *sniffed.sample_rows] == rows


def test_one_column_is_fine():
    assert sniff(b"email\na@b.example\nc@d.example\n").header == ["email"]


def test_separator_line_of_excel_is_heeded():
    sniffed = sniff(b"sep=;\r\na,b;c\r\n1;2\r\n")
    assert (sniffed.delimiter, sniffed.header, sniffed.sample_rows) == (";", ["a,b", "c"], [["1", "2"]])


def test_choices_are_heeded():
    data = "Name;Ort, Land\nMüller;Köln, D\n".encode("cp1252")
    sniffed = sniff(data, encoding="ISO-8859-15", delimiter=",", has_header=False)
    assert (sniffed.encoding, sniffed.delimiter, sniffed.header) == ("iso8859-15", ",", ["Column 1", "Column 2"])
    assert sniffed.sample_rows == [["Name;Ort", " Land"], ["Müller;Köln", " D"]]


@pytest.mark.parametrize(
    ("options", "code"), [({"encoding": "klingon"}, "unknown_encoding"), ({"delimiter": "x"}, "unknown_delimiter")]
)
def test_unknown_choices_are_refused(options: dict, code: str):
    with pytest.raises(FileRefused) as refused:
        sniff(b"a,b\n1,2\n", **options)
    assert refused.value.code == code


def test_wrong_choice_of_encoding_that_leaves_no_row_says_so():
    with pytest.raises(FileRefused, match="Choose another encoding"):
        sniff(b"name,city\nAcme,Bath\n", encoding="utf-16-le")


@pytest.mark.parametrize(
    "data",
    [
        b"C001,Acme,info@acme.example\nC002,Bolt,b@bolt.example\n",
        b"C001,Acme\nC002,Bolt\nC003,Cog\n",
        b"Acme,+44 20 7946 0018,2024-05-01\nBolt,+44 20 7946 0019,2024-06-01\n",
    ],
)
def test_first_row_of_data_is_not_taken_for_a_header(data: bytes):
    sniffed = sniff(data)
    assert not sniffed.has_header
    assert sniffed.header[0] == "Column 1"
    assert len(sniffed.sample_rows) == data.count(b"\n")
    assert "looks like data" in sniffed.warnings[0]
    assert sniff(data, has_header=True).header[1] in ("Acme", "+44 20 7946 0018")


@pytest.mark.parametrize(
    "data", [b"Index,Year\n1,2020\n2,2021\n", b"Name,Phone 1\nAcme,555 100\nBolt,555 200\n", b"a,b\nx,y\n"]
)
def test_header_is_taken_for_one(data: bytes):
    assert sniff(data).has_header


def test_column_names_are_made_unique():
    names, notes = column_names(["Email", "email ", "", "  First\n Name", "E\0mail"])
    assert names == ["Email", "email (2)", "Column 3", "First Name", "Email (3)"]
    assert len(notes) == 3


def test_long_column_names_are_shortened_to_what_an_attribute_may_be_called():
    """Guard: each row would be refused over such a name."""
    long = "How content are you with us, all in all " * 4
    names, notes = column_names([long, f"{long} (again)", "\x02Code"])
    assert names == [long[:100].rstrip(), f"{long[:96]} (2)", "Code"]
    assert max(map(len, names)) == 100
    assert notes[0] == "The name of column 1 is very long; only its first 100 characters are used."


def test_two_hundred_columns_are_fine():
    header = ",".join(f"column {number}" for number in range(200))
    assert len(sniff(f"{header}\n{',' * 198}x,y\n".encode()).header) == 200


def test_header_with_an_open_quote_is_one_line():
    sniffed = sniff(b'"code,name\nC1,Acme\nC2,Bolt\n')
    assert sniffed.sample_rows == [["C1", "Acme"], ["C2", "Bolt"]]


def test_every_encoding_on_offer_works_under_its_name():
    for name in ENCODINGS:
        assert canonical(name) == name
        assert sniff("name,city\nAcme,Bath\n".encode(name), encoding=name).sample_rows == [["Acme", "Bath"]]
    assert canonical("Windows-1252") == "cp1252"
    assert canonical("iso-8859-1") == "latin-1"
    assert canonical("UTF8") == "utf-8"


PIECES = st.sampled_from(
    [
        b"code,name\n",
        b"1,A\n",
        b'"',
        b"\0",
        b"\r",
        b";",
        b"\t",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe9",
        b"\x81",
        b"caf\xc3\xa9,",
        b"a@b.example",
        b"sep=;\n",
        b"\n\n",
    ]
)


@settings(max_examples=200)
@given(st.one_of(st.lists(PIECES, max_size=12).map(b"".join), st.binary(max_size=200)))
def test_any_bytes_are_read_or_refused(data: bytes):
    try:
        sniffed = sniff(data)
    except FileRefused:
        return
    assert len(set(sniffed.header)) == len(sniffed.header)
    records = Records(
        io.BytesIO(data),
        encoding=sniffed.encoding,
        delimiter=sniffed.delimiter,
        columns=sniffed.header,
        has_header=sniffed.has_header,
    )
    batches = list(records)
    assert records.rows == sum(batch.frame.height + len(batch.faults) for batch in batches) > 0
    rows = [list(row[2:]) for batch in batches for row in batch.frame.rows()]
    assert sniffed.sample_rows == rows[:100]
    for text in (*sniffed.header, *sniffed.warnings, *(cell for row in sniffed.sample_rows for cell in row)):
        assert "\0" not in text
        text.encode()


def test_file_of_refused_rows_is_known_with_a_column_added_behind_and_as_wide_as_its_file():
    wide = [f"c{number}" for number in range(MAX_COLUMNS)]
    header = [*wide, *ERROR_COLUMNS]
    form = sniff(f"{','.join(header)}\n{','.join('x' for _ in header)}\n".encode())
    assert own_columns(form.header) == list(ERROR_COLUMNS)
    more = sniff(b"code,_line,_column,_code,_message,Seen by\n'=1,2,,x,y,z\n")
    assert own_columns(more.header) == list(ERROR_COLUMNS)
    assert more.sample_rows[0][0] == "=1"
    frame = pl.DataFrame({str(at): [cell] for at, cell in enumerate(more.sample_rows[0])})
    assert told(frame, more.header).to_list() == ["y"]
