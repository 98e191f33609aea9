"""Where the header of a file is."""

import csv
import io
import re
from itertools import islice

from services.imports.domain.careful import MAX_LINES, WHITE

SEPARATOR_HINT = re.compile(r'"?sep=(.)"?\r?\n?$', re.IGNORECASE)  # first line of a file that was made for Excel


def first_record(text: str, delimiter: str, *, final: bool = True) -> tuple[int, list[str]]:
    """Return the length of everything up to and with the first record (the header), and its cells.

    Before it, a line such as `sep=;` and blank lines are passed over. A quote in it that is not closed is taken as
    it is, so that the header is one line. There are no cells if the record is not there, or, unless `final`, if it may
    go on behind `text`.
    """
    used = hint_length(text)
    lines = list(islice(io.StringIO(text[used:], newline=""), MAX_LINES))
    at = 0
    while at < len(lines) and not lines[at].replace(delimiter, "").strip(WHITE + '"'):
        at += 1
    if at == len(lines):
        return len(text) if len(lines) < MAX_LINES else used, []
    reader = csv.reader(lines[at:], delimiter=delimiter, strict=True)
    try:
        cells, count = next(reader), reader.line_num
    except csv.Error:
        if reader.line_num == len(lines) - at and not final:
            return used, []
        cells, count = lines[at].rstrip("\r\n").split(delimiter), 1
    return used + sum(map(len, lines[: at + count])), cells


def hint_length(text: str) -> int:
    """Return the length of a first line such as `sep=;`, which tells Excel the delimiter; 0 without one."""
    first = text[: behind_first_line(text[:20])]
    return len(first) if SEPARATOR_HINT.match(first) else 0


def behind_first_line(text: str) -> int:
    """Return where the first line ends; 0 if it does not."""
    return text.find("\n") + 1 or text.find("\r", 0, max(len(text) - 1, 0)) + 1
