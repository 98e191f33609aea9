"""Find out how a CSV file is written from its first megabyte: encoding, delimiter, header."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import BinaryIO

from services.imports.domain import encoding_guess
from services.imports.domain.careful import CarefulReader
from services.imports.domain.decoding import ENCODINGS, bom_of, canonical, decoder, label_of, mark_of
from services.imports.domain.header import SEPARATOR_HINT, first_record, hint_length
from services.imports.errors import FileRefused
from shared.attribute_columns import attribute_of
from shared.cells import is_ours, restore

HEAD = 1 << 20  # bytes that are looked at
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
MAX_COLUMNS = 500
MAX_NAME = 100  # characters of a column's name; as many as that of an attribute may have
SAMPLE_ROWS = 100
SAMPLE_LINES = 2_000
SAMPLE_CELL = 500  # characters; a sample is to be looked at
ERROR_COLUMNS = ("_line", "_column", "_code", "_message")  # what `error_file` adds; no data when it comes back

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "This is a PDF. Export the list itself as CSV, then import that."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook (.xls). Save it as CSV in Excel, then import that."),
    (b"\x1f\x8b", "This file is compressed (gzip). Unpack it, then import the CSV file inside."),
    (b"7z\xbc\xaf", "This is a 7-Zip archive. Unpack it, then import the CSV file inside."),
    (b"Rar!", "This is a RAR archive. Unpack it, then import the CSV file inside."),
    (b"\x89PNG", "This is a picture, not a CSV file."),
    (b"\xff\xd8\xff", "This is a picture, not a CSV file."),
    (b"SQLite format 3", "This is a database file, not a CSV file."),
)
MARKUP = re.compile(rb"\s*(<\?xml|<!doctype\s|<html|<table|\[\s*\{|\{\s*\")", re.IGNORECASE)
CONTROL = re.compile("[\0-\x08\x0e-\x1b\x7f]")  # but for what counts as white space
TYPED = (
    re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+$"),
    re.compile(r"(https?://|www\.)\S+$", re.IGNORECASE),
    re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?$"),
    re.compile(r"[-+(]?\d[\d ().,/-]*(x\d+)?$"),
    re.compile(r"[A-Za-z]{1,5}[-_]?\d{2,}$"),
)


NO_HEADER = "The first row looks like data, so the columns were numbered. If it holds the names of the columns, say so."
NO_ROWS = "This file has only its header row, so there is nothing to import."
NO_ROWS_LEFT = "this file has a header row only. Choose another encoding."


@dataclass(frozen=True)
class Sniffed:
    """How a file is written. `header` holds unique names; `sample_rows` the first good records."""

    encoding: str
    bom: bool
    delimiter: str
    header: list[str]
    has_header: bool
    sample_rows: list[list[str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def sniff(
    head: bytes, *, encoding: str | None = None, delimiter: str | None = None, has_header: bool | None = None
) -> Sniffed:
    """Return how the file that begins with `head` (its first megabyte) is written; what is given is not guessed.

    Raises FileRefused, with a sentence for a person, for what is no CSV file or has nothing in it.
    """
    return sniff_file(io.BytesIO(head), encoding=encoding, delimiter=delimiter, has_header=has_header)


def sniff_file(
    file: BinaryIO, *, encoding: str | None = None, delimiter: str | None = None, has_header: bool | None = None
) -> Sniffed:
    """Like `sniff`, but where the first megabyte does not tell the encoding, what follows is looked at too."""
    head = file.read(HEAD)
    _refuse_other_kinds(head)
    chosen, warnings = _encoding(head, file, encoding)
    text = decoder(chosen).decode(head, final=len(head) < HEAD)
    if not text.strip().strip("\0"):
        raise FileRefused("file_empty", "This file is empty.")
    if encoding is None and encoding_guess.looks_binary(text):
        raise FileRefused("binary_file", "This is not a text file. Save the list as CSV, then import that.")
    sign = _delimiter(text, delimiter)
    used, cells = first_record(text, sign)
    if not cells:
        raise FileRefused("file_empty", "This file has no text in any cell.")
    if len(cells) - (len(ERROR_COLUMNS) if has_reasons(cells) else 0) > MAX_COLUMNS:
        sentence = f"The first row has {len(cells):,} columns; {MAX_COLUMNS} is the most that can be imported."
        raise FileRefused("too_many_columns", sentence)
    if has_header is None:
        has_header = is_defused(cells) or not _first_row_is_data(cells, text[used:], sign)
        if not has_header:
            warnings.append(NO_HEADER)
    if is_defused(cells):
        cells = [restore(cell) for cell in cells]
    header, notes = column_names(cells) if has_header else (numbered(len(cells)), [])
    sniffed = Sniffed(chosen, mark_of(head, chosen)[1], sign, header, has_header, [], [*warnings, *notes])
    rows = _sample(text, sniffed)
    if rows is None:
        raise FileRefused("no_rows", NO_ROWS if encoding is None else f"Read as {label_of(chosen)}, {NO_ROWS_LEFT}")
    return replace(sniffed, sample_rows=rows)


def _refuse_other_kinds(head: bytes) -> None:
    if not head:
        raise FileRefused("file_empty", "This file is empty.")
    if head.startswith(b"PK\x03\x04"):
        if b"xl/" in head or b"[Content_Types].xml" in head[:2000] or b"opendocument.spreadsheet" in head[:200]:
            raise FileRefused(
                "excel_file",
                "This is an Excel workbook. Save it as CSV (File, Save As, CSV UTF-8), then import that.",
            )
        raise FileRefused("zip_file", "This is a ZIP archive. Unpack it, then import the CSV file inside.")
    for signature, sentence in SIGNATURES:
        if head.startswith(signature):
            raise FileRefused("binary_file", sentence)
    if found := MARKUP.match(head[:200]):
        kind = "JSON" if found.group(1)[:1] in (b"[", b"{") else "a web page or XML"
        raise FileRefused("markup_file", f"This is {kind}, not CSV. Export the list as CSV, then import that.")


def _encoding(head: bytes, rest: BinaryIO, wanted: str | None) -> tuple[str, list[str]]:
    if wanted is not None:
        name = canonical(wanted)
        if name is None:
            known = ", ".join(ENCODINGS)
            raise FileRefused("unknown_encoding", f"There is no encoding “{wanted[:40]}” here. Known are: {known}.")
        return name, []
    if bom := bom_of(head):
        return bom[1], []
    name = encoding_guess.of_file(head, rest)
    if name.startswith("utf"):
        return name, []
    return name, [f"This file is not in Unicode. It was read as {label_of(name)}: check that the names look right."]


def _delimiter(text: str, wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in DELIMITERS:
            raise FileRefused("unknown_delimiter", "The delimiter must be a comma, a semicolon, a tab or a pipe.")
        return wanted
    if (hint := SEPARATOR_HINT.match(text[: text.find("\n") + 1][:20])) and hint.group(1) in DELIMITERS:
        return hint.group(1)
    return max(DELIMITERS, key=lambda sign: _fit(text, sign))


def _fit(text: str, delimiter: str) -> tuple[float, int]:
    """Return how well this delimiter fits: the share of rows that are as wide as the first, then that width."""
    _, header = first_record(text, delimiter)
    if len(header) < 2:
        return 0.0, 0
    widths = Counter(map(len, _some_rows(text, delimiter, 200)))
    rows = sum(count for width, count in widths.items() if width)
    return round(widths[len(header)] / rows, 1), len(header)


def _some_rows(text: str, delimiter: str, count: int) -> list[list[str]]:
    lines = islice(io.StringIO(text[: 1 << 17], newline=""), 1000)
    rows: list[list[str]] = []
    try:
        rows.extend(islice(csv.reader(lines, delimiter=delimiter), count))
    except csv.Error:  # a cell that is too large: what came before it is enough
        return rows or [[]]
    return rows


def _first_row_is_data(cells: Sequence[str], rest: str, delimiter: str) -> bool:
    """Tell whether the first row has the shapes of data (addresses, numbers, dates) where the rows below have them."""
    kinds = [_kind(cell) for cell in cells]
    below = [row for row in _some_rows(rest, delimiter, 50) if len(row) == len(cells)]
    if not any(kinds):
        return False
    if any(kind in (1, 2) for kind in kinds):  # nobody names a column by an e-mail or web address
        return True
    typed = alike = 0
    for at, kind in enumerate(kinds):
        common = Counter(found for row in below if (found := _kind(row[at]))).most_common(1)
        if common and common[0][1] * 2 > len(below):
            typed += 1
            alike += kind == common[0][0]
    return alike > 0 and alike * 2 >= typed


def _kind(cell: str) -> int:
    return next((number for number, shape in enumerate(TYPED, 1) if shape.match(cell.strip())), 0)


def column_names(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a unique name for each column, and what had to be said about them."""
    names: list[str] = []
    notes: list[str] = []
    taken: set[str] = set()
    for number, cell in enumerate(cells, 1):
        name = " ".join(CONTROL.sub("", cell).encode("utf-8", "replace").decode().split())
        if len(attribute_of(name)) > MAX_NAME:
            notes.append(f"The name of column {number} is very long; only its first {MAX_NAME} characters are used.")
            name = name[:MAX_NAME].rstrip()
        base, again = name or f"Column {number}", 1
        name = base
        while name.casefold() in taken:
            again += 1
            number_of_it = f" ({again})"
            name = f"{base[: MAX_NAME - len(number_of_it)]}{number_of_it}"
        if again > 1:
            notes.append(f"Two columns are called “{base}”; the later one is shown as “{name}”.")
        elif not cell.strip():
            notes.append(f"Column {number} has no name.")
        taken.add(name.casefold())
        names.append(name)
    return names, notes


def has_reasons(header: Sequence[str]) -> bool:
    """Tell whether a file with these columns is one of refused rows; somebody may have added others behind."""
    return set(ERROR_COLUMNS) <= set(header)


def is_defused(header: Sequence[str]) -> bool:
    """Tell whether we wrote a file with these columns: its cells have apostrophes to take off (`shared.cells`)."""
    return is_ours(header) or has_reasons(header)


def numbered(count: int) -> list[str]:
    """Return names for the columns of a file without header."""
    return [f"Column {number}" for number in range(1, count + 1)]


def _sample(text: str, sniffed: Sniffed) -> list[list[str]] | None:
    """Return the first good records behind the header, or None if there are no records at all."""
    start = first_record(text, sniffed.delimiter)[0] if sniffed.has_header else hint_length(text)
    lines = list(islice(io.StringIO(text[start:], newline=""), SAMPLE_LINES))
    reader = CarefulReader(sniffed.header, sniffed.delimiter, sniffed.encoding)
    found = reader.read(lines, line=1, row=1, final=True)
    if not found.rows and not found.faults:
        return None
    rows = found.rows[:SAMPLE_ROWS]
    if is_defused(sniffed.header):
        rows = [[restore(cell) for cell in row] for row in rows]
    return [[cell[:SAMPLE_CELL] for cell in row] for row in rows]
