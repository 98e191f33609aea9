"""The rule book of one row of a users file, and how a chunk's rows are held against it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from services.portal.bulk.target import KIND_WORDS, LABELS, NONE, YES_NO_WORDS
from services.portal.schemas import Email, Line, Username
from shared.bulk import Refusal
from shared.importing.cells import Synonym
from shared.importing.rows import PLACE, refusal
from shared.keys import clean, name_key

Row = dict[str, Any]
_ROLE_ENDS = re.compile(r"[;\n|]")


class RoleNames(Line):
    """Names of roles in one cell, with `;` between, as a list; the word none is an empty list."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        names = [name for part in _ROLE_ENDS.split(str(value)) if (name := clean(part))]
        super()._validate(super()._deserialize(" ".join(names), attr, data, **kwargs))
        return [] if [name_key(name) for name in names] == [NONE] else names or None

    def _validate(self, value: Any) -> None:
        """Nothing: the names were looked at as one text."""


class UserRow(ma.Schema):
    """A user. Blank cells come as None; what a blank means is the job's choice."""

    username = Username(100, allow_none=True)
    name = Line(200, allow_none=True)
    first_name = Line(99, allow_none=True)
    last_name = Line(100, allow_none=True)
    email = Email(254, allow_none=True)
    kind = Synonym(KIND_WORDS, "employee, customer, vendor or associate")
    code = Line(60, allow_none=True)
    associate = Line(100, allow_none=True)
    roles = RoleNames(2_000, allow_none=True)
    active = Synonym(YES_NO_WORDS, "yes or no")


USER_ROW = UserRow()
FIELDS = tuple(USER_ROW.fields)


@dataclass(frozen=True)
class CheckedRows:
    """Rows that hold the rule book, with `_row` and `_line`, and the refusals of the others.

    Every row has every field, None where it was not mapped or blank; `mapped` names the columns the file gave.
    """

    rows: list[Row]
    mapped: frozenset[str]
    refusals: list[Refusal]


def check_rows(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> CheckedRows:
    """Hold each row of a chunk against the rule book."""
    mapped = [name for name in columns if name in FIELDS]
    right: list[Row] = []
    refusals = []
    for row in rows:
        place = tuple(int(row[name]) for name in PLACE)
        try:
            loaded = USER_ROW.load({name: text for name in mapped if (text := row[name])})
        except ma.ValidationError as error:
            refusals.append(refusal(place, "invalid", error.messages_dict, LABELS))
        else:
            loaded["name"] = loaded.get("name") or _full_name(loaded)
            right.append({**dict.fromkeys(FIELDS), **loaded, **dict(zip(PLACE, place, strict=True))})
    return CheckedRows(right, frozenset(mapped), refusals)


def _full_name(row: Row) -> str | None:
    return " ".join(filter(None, (row.get("first_name"), row.get("last_name")))) or None
