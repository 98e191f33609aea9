"""Files that are wrong in every way that people's files are; each with what must come of it.

Rows 1 to 5 and 7 to 11 of each are right; row 6 stands between them and is the nasty one, unless said otherwise.
"""

from dataclasses import dataclass, field

HEADER = "code,name,kind,email,phone,street,city,postal_code,country,tags,associate_code,notes"
COLUMNS = HEADER.split(",")
GOOD = 10


def record(number: int, **cells: str) -> str:
    values = {
        "code": f"C{number:05d}", "name": f"Name {number}", "kind": "company", "email": f"a{number}@example.com",
        "phone": "+1 555", "street": "Main 1", "city": "Bath", "postal_code": "01000", "country": "US", "tags": "",
        "associate_code": "A001", "notes": "",
    }  # fmt: skip
    return ",".join({**values, **cells}.values())


def around(nasty: bytes, end: bytes = b"\n") -> bytes:
    """The nasty row as row 6 (line 7) of a file whose other ten rows are right."""
    before = [HEADER, *(record(number) for number in range(1, 6))]
    after = [record(number) for number in range(7, 12)]
    lines = [*(line.encode() for line in before), nasty, *(line.encode() for line in after)]
    return end.join(lines) + end


@dataclass(frozen=True)
class Nasty:
    """A file, how many of its rows are good, and (row, line, code) of those that are not."""

    name: str
    data: bytes
    good: int = GOOD
    faults: list[tuple[int, int, str]] = field(default_factory=list)
    encoding: str = "utf-8"
    declared: str | None = None


@dataclass(frozen=True)
class Refused:
    """A file that can't be taken at all: the code, and words that its sentence has."""

    name: str
    data: bytes
    code: str
    words: str


REFUSED = [
    Refused("empty file", b"", "file_empty", "empty"),
    Refused("only a byte order mark", b"\xef\xbb\xbf", "file_empty", "empty"),
    Refused("only blank lines", b"\r\n  \r\n\r\n", "file_empty", "empty"),
    Refused("header only", HEADER.encode() + b"\r\n", "no_rows", "only its header"),
    Refused("header and blank lines", HEADER.encode() + b"\n\n,,,,,,,,,,,\n", "no_rows", "only its header"),
    Refused("zip", b"PK\x03\x04\x14\x00\x00\x00customers.csv", "zip_file", "Unpack"),
    Refused("xlsx", b"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml", "excel_file", "Save it as CSV"),
    Refused("xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200), "binary_file", "Save it as CSV"),
    Refused("pdf", b"%PDF-1.7\n%\xe2\xe3", "binary_file", "PDF"),
    Refused("binary", bytes(range(256)) * 40, "binary_file", "not a text file"),
    Refused("a log-in page", b"\n<!DOCTYPE html>\n<html>", "markup_file", "web page"),
    Refused("json", b'[\n{"name": "Acme"}]', "markup_file", "JSON"),
    Refused("501 columns", b"x," * 500 + b"\n" + b"," * 500, "too_many_columns", "501"),
]

OPEN_QUOTE = b'C00006,"Name 6,company,a6@example.com,+1 555,Main 1,Bath,01000,US,,A001,'
QUOTED_NEWLINES = record(6, name='"Multi\nline\r\nname"', notes='"one\n\ntwo ""x"""').encode()

READ = [
    Nasty("too few cells", around(b"C00006,Short,company,a@b.com,+1,Main 1,Bath,1000"), faults=[(6, 7, "too_few_cells")]),
    Nasty("too many cells", around(record(6).encode() + b"x,one,two"), faults=[(6, 7, "too_many_cells")]),
    Nasty("a delimiter too many", around(record(6).encode() + b","), good=11),
    Nasty("quoted line ends", around(QUOTED_NEWLINES), good=11),
    Nasty("NUL byte", around(record(6, name="Na\0me").encode()), faults=[(6, 7, "nul_byte")]),
    Nasty("stray quote", around(record(6, name='Foo "Bar" 5"').encode()), good=11),
    Nasty("text behind a quote", around(record(6, name='"abc"def').encode()), faults=[(6, 7, "stray_quote")]),
    Nasty("open quote", around(OPEN_QUOTE), faults=[(6, 7, "open_quote")]),
    Nasty("open quote in the last cell", around(record(6, notes='"never closed').encode()), faults=[(6, 7, "open_quote")]),
    Nasty(
        "open quote, quotes behind it",
        around(OPEN_QUOTE + b"\n" + record(20, name='"x, y"').encode() + b"\n" + record(21, notes='"z"').encode()),
        good=12,
        faults=[(6, 7, "open_quote")],
    ),
    Nasty("open quote in the last row", around(b"") + OPEN_QUOTE, faults=[(11, 13, "open_quote")]),
    Nasty("blank lines", around(b"\n   \n,,,,,,,,,,,\n") + b"\n\n"),
    Nasty("carriage return in a cell", around(record(6, name="a\rb").encode()), faults=[(6, 7, "lone_carriage_return")]),
    Nasty("mixed line ends", around(record(6).encode() + b"\r\n" + record(61).encode() + b"\r" + record(62).encode()), good=13),
    Nasty("old Mac line ends", around(record(6).encode(), end=b"\r"), good=11),
    Nasty("1 MB cell", around(record(6, notes="x" * 1_000_000).encode()), faults=[(6, 7, "cell_too_large")]),
    Nasty("3 MB line", around(record(6, notes="x" * 3_000_000).encode()), faults=[(6, 7, "line_too_long")]),
    Nasty("cell of 200,000 lines", around(record(6, notes='"' + "x" * 99 + "\n" * 200_000 + '"').encode()), faults=[(6, 7, "open_quote"), (7, 200007, "open_quote")]),
    Nasty("UTF-8 with BOM", b"\xef\xbb\xbf" + around(record(6, name="Łukasz 🙂").encode()), good=11),
    Nasty("UTF-16", around(record(6, name="Łukasz 🙂").encode()).decode().encode("utf-16"), good=11, encoding="utf-16-le"),
    Nasty("UTF-16 without BOM", around(record(6, name="Łukasz").encode()).decode().encode("utf-16-be"), good=11, encoding="utf-16-be"),
    Nasty("Windows-1252", around(record(6, name="Café Müller €").encode("cp1252")), good=11, encoding="cp1252"),
    Nasty("wrong encoding declared", around(record(6, name="Café").encode("cp1252")), faults=[(6, 7, "bad_encoding")], declared="utf-8"),
    Nasty("a bad byte among good ones", around((record(6, name="Ærø Škoda ñandú Ünï") + "\n").encode() + record(61, name="x").encode() + b"\xff"),
          good=11, faults=[(7, 8, "bad_encoding")]),
    Nasty("UTF-16 cut short", around(record(6).encode()).decode().encode("utf-16-le")[:-1], good=10, faults=[(11, 12, "bad_encoding")], encoding="utf-16-le"),
    Nasty("right to left, emoji, 500 letters, HTML", around(record(6, name='שלום 👩‍👩‍👧 <b onclick="x">' + "W" * 500).encode()), good=11),
]  # fmt: skip
