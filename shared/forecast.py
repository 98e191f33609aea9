"""What would become of a chunk of rows that is only looked at: counts, fields that would change, a few rows to see.

The owner of the rows decides as it would when applying them, and writes nothing: no record, receipt, event or number.
What goes over the wire is small whatever the file holds: some rows, some fields of each, the beginning of each text.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.bulk import ChunkResult

MOST_ROWS = 5
MOST_FIELDS = 20
LONGEST = 100
NEW = "new"  # stands for a number that a record would be given

Shown = dict[str, Any]


@dataclass
class Forecast:
    """What owners note while they look. `fields` counts for each field the rows that would change it.

    A row is noted as created with its values, as updated with what each field was and would be. `newer` counts the rows
    of an export that would overwrite what others changed since, whether they are refused for that or not.
    """

    fields: Counter[str] = field(default_factory=Counter)
    created: list[Shown] = field(default_factory=list)
    updated: list[Shown] = field(default_factory=list)
    newer: int = 0

    @property
    def sees_enough(self) -> bool:
        """Tell whether no further created row would be kept."""
        return len(self.created) >= MOST_ROWS

    def creates(self, row: int, line: int, values: Mapping[str, Any]) -> None:
        """Note a row that would make a record with these values; those that hold nothing are left out."""
        if not self.sees_enough:
            given = [(name, shown) for name, value in values.items() if (shown := as_text(value))]
            self.created.append(
                {
                    "row": row,
                    "line": line,
                    "values": [{"field": name, "value": value} for name, value in given[:MOST_FIELDS]],
                    "more": max(len(given) - MOST_FIELDS, 0),
                }
            )

    def updates(
        self, row: int, line: int, record: str, changes: Mapping[str, tuple[Any, Any]], known: Shown | None = None
    ) -> None:
        """Note a row that would change the record that people call `record`: {field: (old, new)}.

        `known` is what was noted of the same row before.
        """
        self.fields.update(changes.keys())
        first = [
            {"field": name, "old": as_text(old), "new": as_text(new)}
            for name, (old, new) in list(changes.items())[:MOST_FIELDS]
        ]
        if known:
            known["changes"] += first
        elif len(self.updated) < MOST_ROWS:
            more = max(len(changes) - MOST_FIELDS, 0)
            self.updated.append({"row": row, "line": line, "record": as_text(record), "changes": first, "more": more})

    def answer(self, result: ChunkResult) -> Shown:
        """Return the answer that the worker gets: the counts and refusals of `result`, and what was noted."""
        return {
            **result.to_json(),
            "fields": dict(self.fields),
            "sample": {"created": self.created, "updated": self.updated},
            "newer": self.newer,
        }


def as_text(value: Any) -> str | None:
    """Return the beginning of a value as people read it, None for nothing."""
    if value is None or value in ("", []):
        return None
    if isinstance(value, list | tuple):
        value = "; ".join(str(one) for one in value)
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def first_rows(shown: Iterable[Shown]) -> list[Shown]:
    """Return those rows of several chunks that come first in the file."""
    return sorted(shown, key=lambda one: int(one["row"]))[:MOST_ROWS]
