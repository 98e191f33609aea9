"""Codes as spreadsheets put them on the clipboard: parted by tab, line, comma, semicolon or pipe, some in quotes."""

import re
from collections.abc import Iterable

from services.customers.errors import NoCodes, TooManyCodes
from shared.keys import INVISIBLE, code_key

MOST_CODES = 100_000
LONGEST = 200  # characters of a code that are kept; the longest real one has 64
QUOTES = "\"'“”„‟‘’‚«»‹›`´"
_SIGNS = "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029,;|"
_SPLIT = re.compile(f"[{re.escape(_SIGNS)}]+")
# A cell in quotes may hold what else parts cells, and two quotes for one. Its length is limited, so that this is quick.
_CELL = re.compile(
    rf'[ ]*(?:"((?:[^"\r\n]|""){{0,{LONGEST}}}+)"[ ]*(?=[{re.escape(_SIGNS)}]|\Z)|([^{re.escape(_SIGNS)}]*))'
    rf"(?:[{re.escape(_SIGNS)}]|\Z)"
)
_DIRECTIONS = "\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_CONTROLS = "".join(map(chr, {*range(32), 127, *range(128, 160)} - set(map(ord, _SIGNS))))
_DROP = str.maketrans("", "", INVISIBLE + _DIRECTIONS + _CONTROLS)


def read_codes(pasted: str) -> tuple[list[str], list[str], list[int]]:
    """Return the codes of a pasted text in its order, each once: as written first, its key, and how often it came.

    Quotes around a code, no-break spaces, zero-width signs and marks of direction are no part of it. Raises NoCodes,
    and TooManyCodes for more than `MOST_CODES` cells.
    """
    written: dict[str, str] = {}
    times: dict[str, int] = {}
    cells = 0
    for cell in _cells(pasted.encode(errors="ignore").decode().translate(_DROP)):
        code = cell.strip().strip(QUOTES).strip()[:LONGEST]
        if not code or not (key := code_key(code)):
            continue
        cells += 1
        if cells > MOST_CODES:
            raise TooManyCodes(MOST_CODES)
        written.setdefault(key, code)
        times[key] = times.get(key, 0) + 1
    if not cells:
        raise NoCodes
    return list(written.values()), list(written), list(times.values())


def as_pasted(codes: Iterable[str]) -> str:
    """Return a text of one code a line that `read_codes` reads as these codes; what would part one is in quotes."""
    return "\n".join(_quoted(code) if '"' in code or _SPLIT.search(code) else code for code in codes)


def _quoted(code: str) -> str:
    return '"' + code.replace('"', '""') + '"'


def _cells(text: str) -> list[str]:
    if '"' not in text:
        return _SPLIT.split(text)
    return [found[1].replace('""', '"') if found[1] is not None else found[2] or "" for found in _CELL.finditer(text)]
