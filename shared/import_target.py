"""How an owner describes what can be imported: the fields of `GET /internal/import-targets/<kind>`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TargetField:
    """One field that a column may feed; several columns may, if it `joins`.

    `aliases` are its names elsewhere, in any case and with any signs between the words. `beside` aliases count before
    all others, in a file that has one of `beside_columns`. A field with `choices` ({value: label}) takes nothing but
    them and the `words` for them ({word: value}). One that does not `clear` is never cleared by a blank cell.
    """

    name: str
    label: str
    group: str
    help: str
    example: str
    aliases: str = ""
    beside: str = ""
    beside_columns: str = ""
    joins: bool = False
    required: bool = False
    choices: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    clears: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the field as imports reads it."""
        return {
            "name": self.name,
            "label": self.label,
            "group": self.group,
            "help": self.help,
            "example": self.example,
            "joins": self.joins,
            "required": self.required,
            "clears": self.clears,
            "choices": [
                {"value": value, "label": label, "words": self._words_for(value)}
                for value, label in self.choices.items()
            ],
            "aliases": self.aliases.split(", "),
            "aliases_beside": (
                {"beside": self.beside_columns.split(", "), "aliases": self.beside.split(", ")} if self.beside else None
            ),
        }

    def _words_for(self, value: str) -> list[str]:
        return [word for word, means in self.words.items() if means == value]
