"""What a person sees before the run: how many rows a file has, and which texts its columns."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from services.imports.domain.careful import WHITE, CarefulReader, Reading
from services.imports.domain.decoding import decoder
from services.imports.domain.header import first_record, hint_length
from services.imports.domain.sniffing import HEAD


@dataclass(frozen=True)
class RowCount:
    """How many rows a file has: `exact`, or about so many."""

    rows: int
    exact: bool


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
    text = decoder(encoding).decode(head, final=size <= len(head))
    start = first_record(text, delimiter)[0] if has_header else hint_length(text)
    lines = list(io.StringIO(text[start:], newline=""))
    found = CarefulReader(columns, delimiter, encoding).read(lines, line=1, row=1, final=size <= len(head))
    return found, len(head)
