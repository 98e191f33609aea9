"""How the attributes of a record are called in a CSV file: a column `attributes.X` is the attribute X.

So no attribute is ever taken for a field that is called the same or alike. The header of a file holds no line ends and
no spaces in a row, and no two names that differ in case alone. Where a name has such, those characters are written as
%XX (RFC 3986, UTF-8), as is a % that could be taken for one of these. So each name comes back as it was.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from shared.bulk import KEPT

ALL_ATTRIBUTES = f"{KEPT}*"  # among the columns of an export: one for each attribute that there is
_ODD = re.compile(r"[^\S ]|(?<= ) |^ | $|[\0-\x1f\x7f]|%(?=[0-9A-Fa-f]{2})")


def attribute_columns(names: Iterable[str]) -> dict[str, str]:
    """Return {name: column} of attributes, by name; no two columns are alike, whatever their case."""
    columns: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(names, key=lambda one: (one.casefold(), one)):
        odd = {found.start() for found in _ODD.finditer(name)}
        column = _column(name, odd)
        for at in range(len(name)):
            if column.casefold() not in taken:
                break
            odd.add(at)
            column = _column(name, odd)
        taken.add(column.casefold())
        columns[name] = column
    return columns


def _column(name: str, odd: set[int]) -> str:
    return KEPT + "".join(_escaped(sign) if at in odd else sign for at, sign in enumerate(name))


def _escaped(sign: str) -> str:
    """Return a character as %XX; `quote` alone would leave letters and digits."""
    return quote(sign, safe="") if not sign.isascii() else f"%{ord(sign):02X}"


def attribute_of(column: str) -> str:
    """Return the attribute that a column of a file is kept as: of `attributes.X` it is X, else the column's name."""
    if not is_attribute(column):
        return column
    return unquote(column.removeprefix(KEPT), errors="replace").replace("\0", "")


def is_attribute(column: str) -> bool:
    """Tell whether a column is called as an attribute, so that it is no field by its name."""
    return column.startswith(KEPT) and column != KEPT
