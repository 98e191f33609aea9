"""Cells that a spreadsheet would run as a formula, defused in the files that we write and restored when they come back.

The rule (OWASP, "CSV Injection"; CWE-1236; ASVS 1.2.10). A *sign* is = + - @, or its full-width form.

1. A cell gets an apostrophe before a sign that it begins with, or before a tab, line end or NUL that it begins with.
2. The same inside a cell, before a sign right behind a delimiter (, ; | tab) or a line end: opened with another
   delimiter than it was written with, the cell falls apart there. That is the known hole of the plain advice.
3. Quotes and apostrophes in front of the sign change nothing: one apostrophe more is put right before it.
4. A plain number or phone stays as it is. That is + or -, then digits in groups with a space, dot or comma between
   and perhaps one in parentheses, perhaps an exponent or a percent sign: `-1.234,56`, `+33 1 42 68 53 00`,
   `+44 (0)20 7946 0018`. A phone with hyphens or slashes is no such: a spreadsheet subtracts and divides there.

Since a text that has apostrophes there already gets one more, taking one off gives every text back. Only a file of our
own is restored: an export has the column MARK, a file of refused rows its four columns. In anybody else's file an
apostrophe is an apostrophe.

Each rule comes twice: for one text, and for a polars frame; a property test holds them equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only workers and bulk processes need it, and it takes 40 MB
    import polars as pl

MARK = "_liaison"  # the column by which an export is known as ours, whatever a spreadsheet did to the file

_SIGN = r"=+\-@＝＋－＠"
_ENDS = r",;|\t\r\n"
_BLANK = r"\t\r\n\x00"
_INNER = rf"(^|[{_ENDS}])([\"']*)([{_SIGN}])"
_FIRST = rf"^([\"']*)([{_BLANK}])"
_INNER_SAFE = rf"(^|[{_ENDS}])([\"']*)'([{_SIGN}])"
_FIRST_SAFE = rf"^([\"']*)'([{_BLANK}])"
_PLAIN = r"[+-](?:[0-9]+|[.,][0-9]+)(?:[ .,][0-9]+)*(?: ?\([0-9]+\) ?[0-9]+(?:[ .,][0-9]+)*)?(?:[eE][+-]?[0-9]+)?%?"
# How a phone with hyphens begins: up to the first one. It is no plain number, whatever follows.
_PHONE = r"\+[0-9 ().]*-"
# In a column whose cells were joined by line ends: may any of them need it?
_SOME_RISKY = rf"(?:^|[{_ENDS}])[\"']*[{_SIGN}{_BLANK}]"
_SOME_SAFE = rf"(?:^|[{_ENDS}])[\"']*'[{_SIGN}{_BLANK}]"

_inner, _first = re.compile(_INNER), re.compile(_FIRST)
_inner_safe, _first_safe = re.compile(_INNER_SAFE), re.compile(_FIRST_SAFE)
_plain = re.compile(_PLAIN)
_odd = re.compile(f"[{_SIGN}{_BLANK}]")


def is_ours(header: Sequence[str]) -> bool:
    """Tell whether a file with these columns is an export of ours."""
    return MARK in header


def defuse(text: str) -> str:
    """Return a cell as it is written, so that no spreadsheet runs it."""
    if not _odd.search(text) or _plain.fullmatch(text):
        return text
    return _first.sub(r"\1'\2", _inner.sub(r"\1\2'\3", text))


def restore(text: str) -> str:
    """Return the text whose `defuse` is `text`."""
    return _first_safe.sub(r"\1\2", _inner_safe.sub(r"\1\2\3", text))


def defuse_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `defuse` of all cells of a frame of text; nulls stay."""

    def needs(cells: pl.Series) -> pl.Series:
        return cells.str.contains(f"{_INNER}|{_FIRST}") & ~cells.str.contains(f"^{_PLAIN}$")

    return _changed(frame, _SOME_RISKY, needs, _defused)


def _defused(cells: pl.Series) -> pl.Series:
    """Put the apostrophes; most cells, like phones with hyphens, need one in front and none inside."""
    import polars as pl

    cells = cells.alias("")
    simple = cells.str.contains(f"^[{_SIGN}]") & ~cells.str.contains(f"[{_ENDS}][\"']*[{_SIGN}]")
    made = pl.select(pl.lit("'") + pl.lit(cells)).to_series()
    if simple.all():
        return made
    others = cells.filter(~simple)
    safer = others.str.replace_all(_INNER, "${1}${2}'${3}").str.replace(_FIRST, "${1}'${2}")
    return made.scatter((~simple).arg_true(), safer)


def defuse_lines(lines: pl.Series, delimiter: str) -> pl.Series:
    """Return lines of a CSV file with each cell as `defuse` leaves it; null for a line that must be taken apart for it.

    `lines` are records as PostgreSQL writes them: only cells that need it are in quotes, and each ends with LF. Most
    have nothing to defuse, or nothing but phones with hyphens.
    """
    known, phone = _known_line(delimiter), f"{_literal(delimiter)}({_PHONE})"
    return lines.str.replace_all(phone, f"{delimiter}'${{1}}").set(~lines.str.contains(known), None)


def _literal(delimiter: str) -> str:
    return r"\|" if delimiter == "|" else delimiter


@lru_cache
def _known_line(delimiter: str) -> str:
    """Return the pattern of such a line, of plain numbers, pieces of which none begins with a sign, and phones.

    The first cell is no phone: behind a delimiter they are found many times as fast.
    """
    sign = _literal(delimiter)
    others = "".join(end for end in (",", ";", r"\|") if end != sign)
    quotes, odd = '(?:\'|"")*', rf"'\"\r\n\t,;\|{_SIGN}"
    piece = rf"(?:'*(?:[^{odd}{sign}][^\"\r\n\t,;\|{sign}]*)?)"
    full = rf"{quotes}[^{odd}](?:[^\"\r\n\t,;\|]|\"\")*"
    either = rf"(?:{full}|{quotes})"
    more = rf"(?:[,;\|\n]{either})*"
    quoted = rf"\"(?:{full}{more}|{quotes}(?:[,;\|]{either}{more})?|{_PLAIN})\""
    plain = _PLAIN.replace("[ .,]", "[ .]").replace("[.,]", "[.]") if delimiter == "," else _PLAIN
    pieces = rf"{piece}(?:[{others}]{piece})*"
    return rf"^(?:{pieces}|{plain}|{quoted})(?:{sign}(?:(?:{_PHONE})?{pieces}|{plain}|{quoted}))*\n$"


def restore_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return `restore` of all text columns of a frame; nulls stay."""

    def needs(cells: pl.Series) -> pl.Series:
        return cells.str.contains(f"{_INNER_SAFE}|{_FIRST_SAFE}")

    def restored(cells: pl.Series) -> pl.Series:
        return cells.str.replace_all(_INNER_SAFE, "${1}${2}${3}").str.replace(_FIRST_SAFE, "${1}${2}")

    return _changed(frame, _SOME_SAFE, needs, restored)


def _changed(
    frame: pl.DataFrame, some: str, needs: Callable[[pl.Series], pl.Series], change: Callable[[pl.Series], pl.Series]
) -> pl.DataFrame:
    """Change the few cells that need it, in the columns that match `some` as a whole: most have none."""
    import polars.selectors as cs

    joined = frame.select(cs.string().str.join("\n").str.contains(some))
    if not joined.width or not frame.height:
        return frame
    made = []
    for name, has_some in zip(joined.columns, joined.row(0), strict=True):
        if has_some:
            cells = frame[name]
            places = needs(cells).fill_null(value=False)
            made.append(cells.scatter(places.arg_true(), change(cells.filter(places))))
    return frame.with_columns(made)
