"""What an owner says about a kind of rows that can be imported (`GET /internal/import-targets/<kind>`)."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self


@dataclass(frozen=True)
class Beside:
    """`aliases` that count first in a file which has a column named like one of `beside`."""

    beside: tuple[str, ...]
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """One of the values of a field that takes no other; `words` are what the owner reads as it, too."""

    value: str
    label: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetField:
    """One field that a column may feed; several may if it `joins` them, with a space between.

    A field with `choices` takes nothing else. Only one that `clears` can be cleared by a blank cell.
    """

    name: str
    label: str
    group: str = ""
    help: str = ""
    example: str = ""
    required: bool = False
    joins: bool = False
    aliases: tuple[str, ...] = ()
    aliases_beside: Beside | None = None
    choices: tuple[Choice, ...] = ()
    clears: bool = True


@dataclass(frozen=True)
class TargetKey:
    """By what rows can find their record: the value of `field`, or of one of `also`.

    Where several rows may share it, the first group of `apart` of which a row has anything tells them apart. Where
    the key is `numbered`, a new record without one gets one. Rows of a key that belong `together` are several records,
    and come to their owner in one chunk.
    """

    name: str
    field: str
    rule: str
    label: str
    also: tuple[str, ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    told: str = ""
    numbered: bool = False
    together: bool = False

    @property
    def words(self) -> str:
        """By what records are known, in words."""
        return self.told or self.label


@dataclass(frozen=True)
class Shown:
    """Where people see the records, what those are called, and the permission that it needs."""

    at: str
    label: str
    needs: str


@dataclass(frozen=True)
class Target:
    """One kind of rows: its fields, its keys, and what a person should know.

    `keeps_others` tells whether columns that feed no field can be kept as attributes of the record. A chunk has
    `chunk_rows` rows at most.
    """

    kind: str
    label: str
    noun: str
    instructions: tuple[str, ...]
    keys: tuple[TargetKey, ...]
    fields: tuple[TargetField, ...]
    sample: tuple[dict[str, str], ...] = ()
    keeps_others: bool = True
    shown: Shown | None = None
    chunk_rows: int = 10_000

    @classmethod
    def from_json(cls, answer: dict[str, Any]) -> Self:
        """Return the target that an owner's answer tells; what is not known here is passed over."""
        return cls(
            kind=answer["kind"],
            label=answer["label"],
            noun=answer["noun"],
            instructions=tuple(answer.get("instructions", ())),
            keys=tuple(_key(key) for key in answer["keys"]),
            fields=tuple(_field(field) for field in answer["fields"]),
            sample=tuple(answer.get("sample", ())),
            keeps_others=bool(answer.get("keeps_others", True)),
            shown=Shown(**answer["shown"]) if answer.get("shown") else None,
            chunk_rows=int(answer.get("chunk_rows", 10_000)),
        )

    def without(self, names: Collection[str]) -> Self:
        """Return the target as it is for somebody who may not feed these fields."""
        return replace(self, fields=tuple(field for field in self.fields if field.name not in names)) if names else self

    @cached_property
    def by_name(self) -> dict[str, TargetField]:
        """The fields by name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def labels(self) -> dict[str, str]:
        """What people call each field; the group stands before a label that two fields share."""
        shared = Counter(field.label for field in self.fields)
        return {
            field.name: field.label if shared[field.label] == 1 or not field.group else f"{field.group}: {field.label}"
            for field in self.fields
        }

    @cached_property
    def groups(self) -> dict[str, list[TargetField]]:
        """The fields under the name of their group, in the owner's order."""
        grouped: dict[str, list[TargetField]] = {}
        for field in self.fields:
            grouped.setdefault(field.group, []).append(field)
        return grouped

    @property
    def repeats(self) -> bool:
        """Tell whether rows of the same key are nothing to ask about: they belong together."""
        return all(key.together for key in self.keys)

    def key(self, name: str) -> TargetKey | None:
        """Return the key called `name`."""
        return next((key for key in self.keys if key.name == name), None)


def _key(answer: dict[str, Any]) -> TargetKey:
    return TargetKey(
        answer["name"],
        answer["field"],
        answer["rule"],
        answer["label"],
        tuple(answer.get("also", ())),
        tuple(tuple(group) for group in answer.get("apart", ())),
        answer.get("told", ""),
        bool(answer.get("numbered")),
        bool(answer.get("together")),
    )


def _field(answer: dict[str, Any]) -> TargetField:
    beside = answer.get("aliases_beside")
    return TargetField(
        name=answer["name"],
        label=answer["label"],
        group=answer.get("group", ""),
        help=answer.get("help", ""),
        example=answer.get("example", ""),
        required=bool(answer.get("required")),
        joins=bool(answer.get("joins")),
        aliases=tuple(answer.get("aliases", ())),
        aliases_beside=Beside(tuple(beside["beside"]), tuple(beside["aliases"])) if beside else None,
        choices=tuple(
            Choice(choice["value"], choice["label"], tuple(choice.get("words", ())))
            for choice in answer.get("choices") or ()
        ),
        clears=bool(answer.get("clears", True)),
    )
