"""Applying a chunk of associates: each row in the order of the file, then all that changed at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from services.associates.bulk.associate_target import LABELS
from services.associates.domain.link_locks import until_unhindered
from services.associates.domain.records import DEFAULTS, FIELDS, derived
from services.associates.models import Associate, Change, Outbox, code_sequence
from shared.bulk import ChunkResult
from shared.codes import free_codes
from shared.db import uuid7, uuid7s
from shared.events.associates import AssociatesSaved
from shared.forecast import NEW, Forecast
from shared.importing.ids import pack
from shared.importing.job import ImportJob, UndoJob
from shared.importing.refused import RowRefused, fits_several
from shared.keys import code_key, email_key
from shared.outbox import record
from shared.records import EMPTY, first_values

if TYPE_CHECKING:  # it takes 40 MB, which who only notes associates does not need
    from shared.importing.rows import CheckedRows

Record = dict[str, Any]
Row = Mapping[str, Any]

EMAIL_LOCK = 0x6C69_0005
CLEARED = ("email", "phone", "phone2", "street", "city", "region", "postal_code", "country", "tags", "notes")
CHANGES = ("name", "kind", "is_firm", *CLEARED)
DERIVED = ("code_key", "email_key", "search")
READ = ("id", *FIELDS, "code_key", "email_key", "status", "version")


@dataclass(eq=False)
class Person:
    """An associate as it will be; `old` is None for a new one, `line` that of the last row that spoke of it."""

    record: Record
    old: Record | None = None
    line: int | None = None

    @property
    def changed(self) -> dict[str, list[Any]]:
        """What will be other than it was: {field: [old, new]}; nothing for a new one."""
        old = self.old
        if old is None:
            return {}
        return {name: [old[name], self.record[name]] for name in CHANGES if self.record[name] != old[name]}


@dataclass
class People:
    """The associates of a chunk, those that are there and those that its rows make, by key."""

    by_key: dict[str, list[Person]] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    new: list[Person] = field(default_factory=list)

    def all(self) -> list[Person]:
        """Return each of them once."""
        return [person for found in self.by_key.values() for person in found if person.old] + self.new


def apply_associates(session: Session, job: ImportJob, checked: CheckedRows) -> ChunkResult:
    """Write the rows of a chunk and say what became of each.

    Where another transaction is quicker with the same associate, all of it is done again. Commits nothing.
    """
    if job.match == "email":  # nothing in the database keeps two chunks from creating the same address
        session.execute(select(func.pg_advisory_xact_lock(EMAIL_LOCK)))
    return until_unhindered(session, lambda: AssociatesChunk(session, job, checked).apply())


def check_associates(session: Session, job: ImportJob, checked: CheckedRows) -> dict[str, Any]:
    """Return what `apply_associates` would answer, with what would change and a few rows. Nothing is written."""
    savepoint = session.begin_nested()
    try:
        session.execute(text("SET TRANSACTION READ ONLY"))
        look = AssociatesDryRun(session, job, checked)
        return look.forecast.answer(look.apply(), look.rows)
    finally:
        savepoint.rollback()


class AssociatesChunk:
    """One try at a chunk."""

    def __init__(self, session: Session, job: ImportJob, checked: CheckedRows) -> None:
        self.session = session
        self.job = job
        self.mapped = checked.mapped
        self.rows = checked.rows.sort("_row").to_dicts()
        self.result = ChunkResult(refusals=list(checked.refusals), fields=Counter())
        self.people = People()

    def apply(self) -> ChunkResult:
        """Write what is to be written; return the counts."""
        self._find()
        for row in self.rows:
            try:
                self._apply(row)
            except RowRefused as refused:
                self.result.refusals.append(refused.refusal_of(row, LABELS))
        self._write()
        self.result.failed = len(self.result.refusals)
        self.result.refusals.sort(key=lambda refusal: refusal.row)
        return self.result

    def _find(self) -> None:
        """Read the associates of the rows, and which of the codes of new ones are taken."""
        keys = {key for row in self.rows if (key := self._key(row))}
        codes = {code_key(row["code"]) for row in self.rows if row["code"]}
        column = Associate.email_key if self.job.match == "email" else Associate.code_key
        for known in self._known(column.in_(keys)):
            self.people.by_key.setdefault(known[column.key], []).append(Person(dict(known), known))
        self.people.codes = set(self.session.scalars(select(Associate.code_key).where(Associate.code_key.in_(codes))))

    def _known(self, which: Any) -> list[Record]:
        """Return the associates, kept from changes by others; in the order of codes, so that no two jobs hang."""
        query = select(*(getattr(Associate, name) for name in READ)).where(which).order_by(Associate.code_key)
        return [dict(row) for row in self.session.execute(self._locked(query)).mappings()]

    def _locked(self, query: Any) -> Any:
        return query.with_for_update(key_share=True)

    def _key(self, row: Row) -> str | None:
        text = row[self.job.match]
        return (email_key(text) if self.job.match == "email" else code_key(text)) if text else None

    def _apply(self, row: Row) -> None:
        match, key = self.job.match, self._key(row)
        if key is None and not (match == "code" and self.job.mode == "create"):
            raise RowRefused(match, f"{match}_required", "Needed to find the associate.")
        found = self.people.by_key.get(key, []) if key else []
        if len(found) > 1:
            raise RowRefused(
                match, "ambiguous_match", fits_several("associates", (one.record["code"] or NEW for one in found))
            )
        if found and found[0].line is not None and self.job.repeated == "refuse":
            raise RowRefused(match, "repeated_key", f"Came before, on line {found[0].line}.")
        if not found:
            self._add(row, key)
        else:
            self._change(row, found[0])

    def _add(self, row: Row, key: str | None) -> None:
        if self.job.mode == "update":
            self.result.skips([row["_row"]])
            return
        if row["name"] is None:
            raise RowRefused("name", "name_required", "A new associate needs a name.")
        code = code_key(row["code"]) if row["code"] else None
        if code in self.people.codes:
            raise RowRefused("code", "code_taken", "Belongs to another associate.")
        if code:
            self.people.codes.add(code)
        said = {name: value for name, value in _values(row).items() if value is not None}
        record = {**dict.fromkeys(FIELDS), **DEFAULTS, "tags": [], "code": row["code"], **said}
        person = Person(record, line=row["_line"])
        self.people.new.append(person)
        if key:
            self.people.by_key[key] = [person]
        self.result.created += 1
        self._added(row, person)

    def _change(self, row: Row, person: Person) -> None:
        if self.job.mode == "create":
            self.result.skips([row["_row"]])
            return
        if self.job.match == "email" and row["code"] and not _is_code(person, row["code"]):
            raise RowRefused("code", "code_differs", "The associate of this e-mail has another code.")
        job = self.job if person.line is None else self.job.keeping()
        before = dict(person.record)
        values = _values(row)
        for name in CHANGES:
            if name not in self.mapped or name == job.match:
                continue
            if values[name] is not None:
                person.record[name] = values[name]
            elif name in CLEARED and job.clears(name):
                person.record[name] = [] if name == "tags" else None
        person.line = row["_line"]
        changed = {name: (before[name], person.record[name]) for name in CHANGES if before[name] != person.record[name]}
        self.result.updated += bool(changed)
        self.result.unchanged += not changed
        if changed:
            self.result.changes(changed)
            self._changed(row, person, changed)

    def _added(self, row: Row, person: Person) -> None:
        """A row makes an associate."""

    def _changed(self, row: Row, person: Person, changes: Mapping[str, tuple[Any, Any]]) -> None:
        """A row changes an associate."""

    def _write(self) -> None:
        changed = [person for person in self.people.all() if person.changed]
        new = self.people.new
        self._give_codes([person for person in new if person.record["code"] is None])
        for person, associate_id in zip(new, uuid7s(len(new)), strict=True):
            person.record |= {"id": associate_id, "status": "active", "version": 1}
        for person in (*new, *changed):
            person.record |= derived(person.record)
        for person in changed:
            person.record["version"] += 1
        self._insert(sorted(new, key=lambda person: str(person.record["code_key"])))
        self._update(changed)
        tell_saved(self.session, [person.record for person in (*new, *changed)])
        self.result.created_ids = pack(
            [person.record["id"] for person in new], [person.record["id"] for person in changed]
        )

    def _give_codes(self, people: Sequence[Person]) -> None:
        while waiting := [person for person in people if person.record["code"] is None]:
            codes = free_codes(self.session, len(waiting), "A", code_sequence, Associate.code_key)
            for person, code in zip(waiting, codes, strict=True):
                if code_key(code) not in self.people.codes:
                    person.record["code"] = code

    def _insert(self, people: Sequence[Person]) -> None:
        if not people:
            return
        by = {"created_by": self.job.actor_id, "created_by_name": self.job.actor_name}
        names = ("id", *FIELDS, *DERIVED)
        self.session.execute(
            insert(Associate), [{**{name: one.record[name] for name in names}, **by} for one in people]
        )
        given = [{name: one.record[name] for name in FIELDS if one.record[name] not in EMPTY} for one in people]
        lines = [first_values(values, DEFAULTS) for values in given]
        note_records(self.session, self.job, "created", zip([one.record for one in people], lines, strict=True))

    def _update(self, people: Sequence[Person]) -> None:
        if not people:
            return
        update_records(self.session, [one.record for one in people])
        note_records(self.session, self.job, "updated", [(one.record, one.changed) for one in people])


class AssociatesDryRun(AssociatesChunk):
    """The decisions of `AssociatesChunk`; what it would write is noted instead."""

    def __init__(self, session: Session, job: ImportJob, checked: CheckedRows) -> None:
        super().__init__(session, job, checked)
        self.forecast = Forecast(every_row=job.every_row)

    def _locked(self, query: Any) -> Any:
        return query

    def _added(self, row: Row, person: Person) -> None:
        values = {name: person.record[name] for name in FIELDS if name not in ("is_firm", "can_login")}
        self.forecast.creates(row["_row"], row["_line"], {**values, "code": values["code"] or NEW})

    def _changed(self, row: Row, person: Person, changes: Mapping[str, tuple[Any, Any]]) -> None:
        label = f"{person.record['code'] or NEW} {person.record['name']}"
        shown = {name: tuple(map(_shown, pair)) for name, pair in changes.items()}
        self.forecast.updates(row["_row"], row["_line"], label, shown)

    def _write(self) -> None:
        """Nothing."""


def update_records(session: Session, records: Sequence[Row]) -> None:
    """Write associates as they are now, locked before."""
    names = (*CHANGES, *DERIVED, "version")
    statement = (
        update(Associate.__table__)  # type: ignore[arg-type]
        .where(Associate.id == bindparam("one"))
        .values({**{name: bindparam(f"new_{name}") for name in names}, "updated_at": func.now()})
    )
    values = [{"one": one["id"], **{f"new_{name}": one[name] for name in names}} for one in records]
    session.connection().execute(statement, values)


def note_records(
    session: Session, job: ImportJob | UndoJob, action: str, lines: Iterable[tuple[Row, Mapping[str, Any]]]
) -> None:
    """Write a line of history of each associate, which has its new version already."""
    who = {"actor_id": job.actor_id, "actor_name": job.actor_name, "job_id": job.id, "action": action}
    rows = [
        {"id": uuid7(), "associate_id": one["id"], **who, "fields": fields, "version": one["version"]}
        for one, fields in lines
    ]
    session.execute(insert(Change), rows)


def tell_saved(session: Session, records: Sequence[Row]) -> None:
    """Record how associates are now, as one event."""
    if records:
        told = [
            [str(one["id"]), one["code"], one["name"], one["status"] == "active", one["can_login"], one["email"]]
            for one in records
        ]
        record(session, Outbox, AssociatesSaved(associates=told))


def _values(row: Row) -> Record:
    """Return what a row says of the fields of an associate, None where it says nothing."""
    firm = row["is_firm"]
    return {name: row[name] for name in CHANGES} | {"is_firm": None if firm is None else firm == "yes"}


def _is_code(person: Person, code: str) -> bool:
    own = person.record["code"]
    return own is not None and code_key(own) == code_key(code)


def _shown(value: Any) -> Any:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
