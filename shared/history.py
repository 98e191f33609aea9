"""Who changed what and when: written with each change, read field by field. Each service has its own table of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, Text, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.db import CreatedAt, UuidPk, uuid7
from shared.errors import RecordChanged
from shared.records import EMPTY, Changes, as_json


@dataclass(frozen=True)
class Actor:
    """The person who changes something; `ip` is where they sit, for the audit."""

    id: uuid.UUID
    name: str
    ip: str = ""


@dataclass(frozen=True)
class FieldChange:
    """One field before and after; an attribute or a status counts as a field of its own."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of history. `action` is created, updated, status, deleted, restored, or one of the service's own."""

    id: uuid.UUID
    at: datetime
    actor_id: uuid.UUID
    actor_name: str
    action: str
    version: int
    job_id: uuid.UUID | None = None
    changes: Sequence[FieldChange] = field(default_factory=list)


class ChangeTable:
    """Mixin of a service's `Change`: `fields` is {field: [old, new]}, `version` the record's version after it.

    Outlives the records it speaks of, so the service adds columns that name them, without foreign keys.
    """

    __tablename__ = "change"

    id: Mapped[UuidPk]
    at: Mapped[CreatedAt]
    actor_id: Mapped[uuid.UUID]
    actor_name: Mapped[str] = mapped_column(Text)
    job_id: Mapped[uuid.UUID | None]
    action: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    version: Mapped[int] = mapped_column(Integer)


def write_change(
    session: Session, table: type[ChangeTable], actor: Actor, action: str, changes: Changes, **about: Any
) -> None:
    """Write down what `actor` did; `about` are the columns that name the record, and its new `version`."""
    fields = {name: [as_json(old), as_json(new)] for name, (old, new) in changes.items()}
    given = {"actor_id": actor.id, "actor_name": actor.name, "action": action, "fields": fields, **about}
    session.execute(insert(table).values(id=uuid7(), **given))


def must_be_version(
    session: Session,
    table: type[ChangeTable],
    about: Select[Any],
    record: Any,
    seen: int | None,
    what: str,
    shown: Sequence[str],
) -> None:
    """Raise RecordChanged, telling who changed what, unless `seen` is the version of `record` now (or None).

    `about` selects the rows of `table` that speak of the record; `shown` are the fields that a reader understands.
    """
    if seen is None or seen == record.version:
        return
    since = session.scalars(about.where(table.version > seen).order_by(table.id.desc()).limit(100))
    raise RecordChanged(
        what,
        record.version,
        [
            {
                "at": change.at.isoformat(),
                "actor_name": change.actor_name,
                "field": one.field,
                "was": one.old,
                "now": one.new,
            }
            for change in since
            for one in field_changes(change.fields, shown)
        ],
    )


def field_changes(fields: Changes, shown: Sequence[str]) -> list[FieldChange]:
    """Return the changes that a reader can understand (`shown`, in its order), attributes taken apart."""
    lines = []
    for name in sorted(fields.keys() & shown, key=shown.index):
        old, new = fields[name]
        if name == "attributes":
            before, after = old or {}, new or {}
            lines += [
                FieldChange(f"attributes.{key}", before.get(key), after.get(key))
                for key in {**before, **after}
                if before.get(key) != after.get(key)
            ]
        elif not (old in EMPTY and new in EMPTY):
            lines.append(FieldChange(name, old, new))
    return lines
