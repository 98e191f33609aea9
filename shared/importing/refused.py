"""A row that its owner cannot apply, and how a row that fits several records is told."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.bulk import Refusal

MOST_NAMED = 5


class RowRefused(Exception):
    """A row cannot be applied; `column` is the field, None for the whole row, `code` and `message` say why."""

    def __init__(self, column: str | None, code: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.code = code
        self.message = message

    def refusal_of(self, row: Mapping[str, Any], labels: Mapping[str, str]) -> Refusal:
        """Return the refusal of `row`, in which the column stands by its label."""
        told = f"{labels[self.column]}: {self.message}" if self.column else self.message
        return Refusal(row["_row"], row["_line"], self.column, self.code, told)


def fits_several(what: str, names: Iterable[str], count: int | None = None) -> str:
    """Say which records a row fits: `count` of them, as many as `names` unless said; the first few by name."""
    named = sorted(names)
    count = len(named) if count is None else count
    more = f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
    return f"Fits {count} {what}: {', '.join(named[:MOST_NAMED])}{more}."
