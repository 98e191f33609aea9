"""What would become of a chunk of rows that is only looked at: counts, fields that would change, a few rows to see.

The owner of the rows decides as it would when applying them, and writes nothing: no record, receipt, event or number.
What goes over the wire is small whatever the file holds: some rows, some fields of each, the beginning of each text.
Of a preview, whose chunk is small, it is told of every row what becomes of it and what its fields would hold.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.bulk import KEPT, ChunkResult

MOST_ROWS = 5
MOST_FIELDS = 20
LONGEST = 100
NEW = "new"  # stands for a number that a record would be given

Shown = dict[str, Any]


@dataclass
class Forecast:
    """What owners note while they look. `fields` counts for each field the rows that would change it.

    A row is noted as created with its values, as updated with what each field was and would be. `newer` counts the rows
    of an export that would overwrite what others changed since, whether they are refused for that or not. `every_row`
    asks for each row of the chunk beside the sample; `noted` has those that are created or updated, by number.
    """

    fields: Counter[str] = field(default_factory=Counter)
    created: list[Shown] = field(default_factory=list)
    updated: list[Shown] = field(default_factory=list)
    newer: int = 0
    every_row: bool = False
    noted: dict[int, Shown] = field(default_factory=dict)

    @property
    def sees_enough(self) -> bool:
        """Tell whether no further created row would be kept."""
        return not self.every_row and len(self.created) >= MOST_ROWS

    def creates(self, row: int, line: int, values: Mapping[str, Any]) -> None:
        """Note a row that would make a record with these values; those that hold nothing are left out."""
        if self.every_row:
            self._note(row, "created", values)
        if len(self.created) < MOST_ROWS:
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
        if self.every_row:
            old, new = ({name: pair[at] for name, pair in changes.items()} for at in (0, 1))
            self._note(row, "updated", new, old)
        first = [
            {"field": name, "old": as_text(old), "new": as_text(new)}
            for name, (old, new) in list(changes.items())[:MOST_FIELDS]
        ]
        if known:
            known["changes"] += first
        elif len(self.updated) < MOST_ROWS:
            more = max(len(changes) - MOST_FIELDS, 0)
            self.updated.append({"row": row, "line": line, "record": as_text(record), "changes": first, "more": more})

    def answer(self, result: ChunkResult, rows: Iterable[Mapping[str, Any]] = ()) -> Shown:
        """Return the answer that imports gets: the counts and refusals of `result`, and what was noted.

        `rows` are those that hold the rule book, with their cells as they were read by it.
        """
        return {
            **result.to_json(),
            "fields": dict(self.fields),
            "sample": {"created": self.created, "updated": self.updated},
            "newer": self.newer,
            **({"rows": self._each(result, rows)} if self.every_row else {}),
        }

    def _note(self, row: int, outcome: str, values: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> None:
        noted = self.noted.setdefault(row, {"outcome": outcome, "values": {}, "old": {}})
        noted["values"].update(values)
        noted["old"].update(old or {})

    def _each(self, result: ChunkResult, rows: Iterable[Mapping[str, Any]]) -> list[Shown]:
        """Return what becomes of each row that is not refused, what its fields would hold, and hold where they change.

        A cell that an update leaves as it is stands there as the row says it.
        """
        refused = {refusal.row for refusal in result.refusals}
        left_out = set(result.left_out)
        told = []
        for row in rows:
            if (number := row["_row"]) in refused:
                continue
            noted = self.noted.get(number) or {"outcome": "skipped" if number in left_out else "unchanged"}
            values = {**cells_of(row), **noted.get("values", {})}
            told.append(
                {
                    "row": number,
                    "outcome": noted["outcome"],
                    "values": {name: as_text(value) for name, value in values.items()},
                    "old": {name: as_text(value) for name, value in noted.get("old", {}).items()},
                }
            )
        return told


def cells_of(row: Mapping[str, Any]) -> Shown:
    """Return the cells of a row by the names of fields, kept columns among them; None for what is blank."""
    kept = json.loads(row.get("_attributes") or "{}")
    cells = {name: value for name, value in row.items() if not name.startswith("_")}
    return cells | {f"{KEPT}{name}": value for name, value in kept.items()}


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
