"""Codes as a file that a spreadsheet opens, and that can be pasted again."""

import csv
import io
from collections.abc import Iterable

from shared.cells import defuse


def codes_file(codes: Iterable[str]) -> str:
    """Return a CSV file of one code a line, without a header; what a spreadsheet would run is defused."""
    file = io.StringIO(newline="")
    file.write("\ufeff")
    csv.writer(file, lineterminator="\r\n").writerows([defuse(code)] for code in codes)
    return file.getvalue()
