"""Who is to look after the customers of a chunk: what the cells of its rows say, and whom associates finds by that.

Read before the chunk's transaction begins, since another service is asked. Nobody is asked for a file without these
columns, nor for rows that leave them blank.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import polars as pl

from services.customers.bulk.rows import ASSOCIATE_FIELDS, SEVERAL_END
from services.customers.bulk.target import LABELS
from shared.importing.job import ImportJob
from shared.importing.refused import RowRefused, fits_several
from shared.importing.rows import CheckedRows
from shared.keys import code_key, email_key, name_key

WISH = "_wish"  # the column of a row with the place of its wish
DEFAULT_ROLE = "manages"
CODE, NAME, EMAIL, ROLE = ASSOCIATE_FIELDS
WHO = (CODE, EMAIL, NAME)  # in the order in which somebody is found by them
Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Called(NamedTuple):
    """How a row calls an associate, with None for what it does not say."""

    code: str | None
    name: str | None
    email: str | None

    @property
    def by(self) -> str:
        """The column by which it is found."""
        return CODE if self.code else EMAIL if self.email else NAME

    @property
    def key(self) -> str:
        """What is the same for rows that call the same one."""
        if self.code:
            return f"c:{code_key(self.code)}"
        return f"e:{email_key(self.email)}" if self.email else f"n:{name_key(self.name or '')}"


@dataclass(frozen=True)
class Person:
    """An associate that a row means: known by its `id`, or, where that is None, to be created as it is called."""

    id: str | None
    name: str
    called: Called
    is_active: bool = True

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return self.id or self.called.key


class Link(NamedTuple):
    """That somebody looks after the customer of a row, as what."""

    person: Person
    role: str

    @property
    def place(self) -> tuple[str, str]:
        """What is the same for the same link of a customer."""
        return self.person.key, self.role


Wish = tuple[Link, ...]


@dataclass
class WishingRows(CheckedRows):
    """Rows some of which say who looks after their customer: WISH is the place of that in `wishes`.

    `idle` are the places of wishes that name somebody inactive, who is given nothing new.
    """

    wishes: list[Wish] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)


def with_wishes(checked: CheckedRows, job: ImportJob, ask: Ask) -> CheckedRows:
    """Read who is to look after the customers of rows; refuse rows of which that cannot be told.

    `ask` posts to associates what is asked, and returns the answer; it may raise ServiceUnavailable.
    """
    if checked.mapped.isdisjoint(WHO):
        return checked
    named = {cells: _named(cells) for cells in dict.fromkeys(checked.rows.select(ASSOCIATE_FIELDS).iter_rows())}
    if not any(named.values()):  # all blank
        return checked
    directory = _directory(job, [one for one in named.values() if isinstance(one, list)], ask)
    wishes: list[Wish] = []
    found: dict[tuple[str | None, ...], int | RowRefused | None] = {}
    for cells, those in named.items():
        try:
            found[cells] = _place(directory.wish(those), wishes)
        except RowRefused as refused:
            found[cells] = refused
    outcomes = [found[cells] for cells in checked.rows.select(ASSOCIATE_FIELDS).iter_rows()]
    refusals = [
        one.refusal_of(row, LABELS)
        for row, one in zip(checked.rows.select("_row", "_line").iter_rows(named=True), outcomes, strict=True)
        if isinstance(one, RowRefused)
    ]
    places = [None if isinstance(one, RowRefused) else one for one in outcomes]
    rows = checked.rows.with_columns(pl.Series(WISH, places, dtype=pl.UInt32))
    rows = rows.filter(pl.Series([not isinstance(one, RowRefused) for one in outcomes], dtype=pl.Boolean))
    idle = [at for at, wish in enumerate(wishes) if not all(link.person.is_active for link in wish)]
    return WishingRows(rows, checked.mapped, [*checked.refusals, *refusals], wishes, idle)


def _place(wish: Wish, wishes: list[Wish]) -> int | None:
    if not wish:
        return None
    wishes.append(wish)
    return len(wishes) - 1


class Named(NamedTuple):
    """An associate as a row names it, and as what."""

    called: Called
    role: str | None


def split_cell(text: str) -> list[str]:
    """Return the values of a cell, "" for a blank one."""
    return [part.strip() for part in text.split(SEVERAL_END)]


def named_in(cells: Mapping[str, str | None]) -> list[Named]:
    """Return whom the cells of a row name; raise RowRefused where they do not fit together.

    Each cell that names somebody has as many values as the others; a single role is that of all.
    """
    parts = {name: split_cell(text) for name in ASSOCIATE_FIELDS if (text := cells.get(name))}
    who = [name for name in WHO if name in parts]
    if not who:
        return []
    count = len(parts[who[0]])
    roles = parts.get(ROLE, [""])
    if len(roles) == 1:
        roles = roles * count
    for column in who[1:]:
        _must_fit(column, parts[column], who[0], count)
    _must_fit(ROLE, roles, who[0], count)
    named = []
    for at in range(count):
        code, name, email = (parts[column][at] or None if column in parts else None for column in (CODE, NAME, EMAIL))
        if code or name or email:
            named.append(Named(Called(code, name, email), roles[at] or None))
        elif len(parts.get(ROLE, ())) > 1 and roles[at]:
            raise RowRefused(ROLE, "associate_required", f"The role “{roles[at]}” has nobody: name who has it.")
    return named


def _must_fit(column: str, values: Sequence[str], other: str, count: int) -> None:
    if len(values) != count:
        has = "1 value" if len(values) == 1 else f"{len(values)} values"
        told = f"Has {has}, but “{LABELS[other]}” has {count}. Put as many in each, with ; between."
        raise RowRefused(column, "uneven_values", told)


def _named(cells: tuple[str | None, ...]) -> list[Named] | RowRefused:
    try:
        return named_in(dict(zip(ASSOCIATE_FIELDS, cells, strict=True)))
    except RowRefused as refused:
        return refused


def _directory(job: ImportJob, named: Sequence[Sequence[Named]], ask: Ask) -> "Directory":
    called = list(dict.fromkeys(one.called for those in named for one in those))
    roles = list(dict.fromkeys(one.role for those in named for one in those if one.role))
    answer = ask({"job_id": str(job.id), "called": [one._asdict() for one in called], "roles": roles})
    return Directory(
        dict(zip(called, answer["meant"], strict=True)),
        dict(zip(roles, answer["roles"], strict=True)),
        creates=job.create_associates,
    )


@dataclass(frozen=True)
class Directory:
    """Whom associates knows by what rows call them, and which roles words are."""

    meant: Mapping[Called, Mapping[str, Any]]
    roles: Mapping[str, str | None]
    creates: bool

    def wish(self, named: Sequence[Named] | RowRefused) -> Wish:
        """Return what a row asks for, each link once; raise RowRefused."""
        if isinstance(named, RowRefused):
            raise named
        links = {link.place: link for one in named if (link := Link(self._person(one.called), self._role(one.role)))}
        return tuple(links.values())

    def _role(self, text: str | None) -> str:
        role = self.roles[text] if text else DEFAULT_ROLE
        if role is None:
            told = f"“{text}” is no role. Say manages, lead source, sales, collections or service."
            raise RowRefused(ROLE, "unknown_role", told)
        return role

    def _person(self, called: Called) -> Person:
        meant, those = self.meant[called]["verdict"], self.meant[called]["those"]
        if meant == "unknown":
            return self._new(called)
        if meant == "ambiguous":
            told = f"{fits_several('associates', (one['code'] for one in those))} Give the code."
            raise RowRefused(called.by, "ambiguous_match", told)
        if meant == "other_code":
            told = f"Nobody has the code “{called.code}”. Who has this e-mail has the code {those[0]['code']}."
            raise RowRefused(CODE, "code_differs", told)
        one = those[0]
        return Person(one["id"], one["name"], called, one["active"])

    def _new(self, called: Called) -> Person:
        if not self.creates:
            what = {CODE: "the code", EMAIL: "the e-mail", NAME: "the name"}[called.by]
            told = f"There is no associate with {what} “{called.code or called.email or called.name}”."
            raise RowRefused(called.by, "associate_not_found", told)
        if not called.name:
            told = f"“{called.code or called.email}” is not known yet, and needs a name to be created."
            raise RowRefused(NAME, "name_required", told)
        return Person(None, called.name, called)
