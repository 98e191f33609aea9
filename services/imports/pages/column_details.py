"""Columns one by one: what the texts of a column mean where its field takes only a few values, and its blank cells."""

from collections import Counter
from collections.abc import Mapping as Told
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask import current_app

from services.imports.domain.first_megabyte import texts_of
from services.imports.domain.mapping import Mapping
from services.imports.domain.target import Choice, Target, TargetField
from services.imports.previewing import form_of
from shared.keys import name_key
from shared.storage import Storage

SHOWN = 30


@dataclass(frozen=True)
class FoundText:
    """A text of a column: how often the first rows have it, what the owner reads it as, and what was chosen for it."""

    text: str
    count: int
    known: str | None
    chosen: str


@dataclass(frozen=True)
class ColumnDetail:
    """A column that feeds a field; `at` is its place in the file."""

    at: int
    column: str
    label: str
    clears: bool
    blank: str
    choices: tuple[Choice, ...] = ()
    texts: list[FoundText] = field(default_factory=list)
    more: int = 0


def column_details(job: Any, target: Target, mapping: Mapping) -> list[ColumnDetail]:
    """Return the columns that feed a field, in the order of the file."""
    fed = [
        (at, column, known)
        for at, column in enumerate(job.header)
        if (known := target.by_name.get(mapping.columns.get(column, "")))
    ]
    few = tuple(at for at, _, known in fed if known.choices)
    found = dict(zip(few, _found(*form_of(job), few), strict=True)) if few else {}
    return [_detail(at, column, known, target, mapping, found.get(at, Counter())) for at, column, known in fed]


def _detail(
    at: int, column: str, known: TargetField, target: Target, mapping: Mapping, found: Told[str, int]
) -> ColumnDetail:
    told = mapping.values.get(column, {})
    words = {name_key(word): one.label for one in known.choices for word in (one.value, one.label, *one.words)}
    chosen = {name_key(text): value for text, value in told.items()}
    spelt: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for text, count in (*found.items(), *((text, 0) for text in told)):
        key = name_key(text)
        spelt.setdefault(key, text)
        counts[key] += count
    texts = [FoundText(spelt[key], count, words.get(key), chosen.get(key, "")) for key, count in counts.most_common()]
    texts.sort(key=lambda one: (not one.chosen, one.known is not None))  # what needs a look first
    shown = texts[:SHOWN] if known.choices else []
    return ColumnDetail(
        at,
        column,
        target.labels[known.name],
        known.clears,
        mapping.blanks.get(column, ""),
        known.choices,
        shown,
        len(texts) - len(shown) if known.choices else 0,
    )


@lru_cache(64)
def _found(
    path: str,
    size: int,
    encoding: str,
    delimiter: str,
    columns: tuple[str, ...],
    has_header: bool,
    places: tuple[int, ...],
) -> list[Counter[str]]:
    storage: Storage = current_app.extensions["liaison.storage"]
    with storage.open(path) as file:
        return texts_of(
            file, size, places, encoding=encoding, delimiter=delimiter, columns=columns, has_header=has_header
        )
