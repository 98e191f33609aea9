"""What a person sees before the run: some rows as they would be imported, and how many there are."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from services.imports.domain.careful import WHITE, CarefulReader, Reading
from services.imports.domain.decoding import decoder
from services.imports.domain.header import first_record, hint_length
from services.imports.domain.mapping import Mapping
from services.imports.domain.sniffing import HEAD
from services.imports.domain.target import Target
from shared.keys import name_key


@dataclass(frozen=True)
class RowCount:
    """How many rows a file has: `exact`, or about so many."""

    rows: int
    exact: bool


def mapped_rows(
    rows: Sequence[Sequence[str]], mapping: Mapping, header: Sequence[str], target: Target
) -> tuple[list[str], list[list[str]]]:
    """Return the fields that are fed, and the rows as `mapping.apply` would make them; blank cells are "".

    Kept columns stand behind the fields, under their own names.
    """
    place = {column: at for at, column in enumerate(header)}
    told = {column: {name_key(text): new for text, new in one.items()} for column, one in mapping.values.items()}
    fields = [
        field.name
        for field in target.fields
        if mapping.columns_of(field.name, header) or mapping.constants.get(field.name)
    ]
    kept = mapping.unmapped(header) if mapping.keep_unmapped else []

    def cell(row: Sequence[str], column: str) -> str:
        text = row[place[column]].strip(WHITE)
        return told[column].get(name_key(text), text) if column in told else text

    def value(row: Sequence[str], name: str) -> str:
        columns = mapping.columns_of(name, header)
        if not columns:
            return mapping.constants[name]
        if not target.by_name[name].joins:
            columns = columns[:1]
        return " ".join(text for column in columns if (text := cell(row, column)))

    shown = [
        [*(value(row, name) for name in fields), *(row[place[column]].strip(WHITE) for column in kept)] for row in rows
    ]
    return [*(target.labels[name] for name in fields), *kept], shown


def count_rows(
    file: BinaryIO, size: int, *, encoding: str, delimiter: str, columns: Sequence[str], has_header: bool
) -> RowCount:
    """Return how many rows a file has: exactly up to a megabyte, a guess by its first megabyte beyond."""
    found, read = _first_rows(file, size, encoding, delimiter, columns, has_header)
    rows = len(found.rows) + len(found.faults)
    if size <= read:
        return RowCount(rows, exact=True)
    guess = rows * size / read
    digits = max(len(str(round(guess))) - 2, 0)
    return RowCount(int(round(guess, -digits)), exact=False)


def texts_of(
    file: BinaryIO,
    size: int,
    places: Sequence[int],
    *,
    encoding: str,
    delimiter: str,
    columns: Sequence[str],
    has_header: bool,
) -> list[Counter[str]]:
    """Return the texts of the columns at `places`, each with how often the first megabyte has it; blank ones not."""
    found, _ = _first_rows(file, size, encoding, delimiter, columns, has_header)
    return [Counter(text for row in found.rows if (text := row[at].strip(WHITE))) for at in places]


def _first_rows(
    file: BinaryIO, size: int, encoding: str, delimiter: str, columns: Sequence[str], has_header: bool
) -> tuple[Reading, int]:
    """Return the rows of the first megabyte, and how many bytes that were."""
    head = file.read(HEAD)
    text = decoder(encoding).decode(head, final=size <= len(head)).removeprefix("\ufeff")
    start = first_record(text, delimiter)[0] if has_header else hint_length(text)
    lines = list(io.StringIO(text[start:], newline=""))
    found = CarefulReader(columns, delimiter, encoding).read(lines, line=1, row=1, final=size <= len(head))
    return found, len(head)
