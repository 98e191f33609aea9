"""Who changed what and when, of an associate and of what it looks after (A11)."""

import uuid

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.associates.domain.records import FIELDS
from services.associates.errors import AssociateNotFound
from services.associates.models import Associate, Change
from shared.history import Actor, Entry, field_changes, must_be_version, write_change
from shared.records import Changes

SHOWN = (*FIELDS, "status", "status_reason", "customer", "customers", "role", "since", "primary")
KEPT_OF_DELETED = ("code", "name", "email")


def record_change(
    session: Session,
    actor: Actor,
    associate: Associate,
    action: str,
    changes: Changes,
    job_id: uuid.UUID | None = None,
) -> None:
    """Write down what `actor` did to an associate, by a job or not; its version must be the new one already."""
    about = {"associate_id": associate.id, "version": associate.version, "job_id": job_id}
    write_change(session, Change, actor, action, changes, **about)


def check_version(session: Session, associate: Associate, seen: int | None) -> None:
    """Raise RecordChanged, telling who changed what, unless `seen` is the version now (or None)."""
    must_be_version(session, Change, _about(associate.id), associate, seen, "This associate", SHOWN)


def last_deletion(session: Session, associate_id: uuid.UUID) -> Change | None:
    """Return the newest row that tells of the deletion of this associate."""
    return session.scalars(
        _about(associate_id).where(Change.action == "deleted").order_by(Change.id.desc()).limit(1)
    ).first()


def read_history(
    session: Session, associate_id: uuid.UUID, *, limit: int = 50, before: uuid.UUID | None = None
) -> tuple[list[Entry], uuid.UUID | None]:
    """Return a page of the history, newest first, and where the next page begins. Also for a deleted associate.

    Raises AssociateNotFound for one that never was.
    """
    query = _about(associate_id).order_by(Change.id.desc()).limit(limit + 1)
    rows = session.scalars(query if before is None else query.where(Change.id < before)).all()
    if not rows and before is None and session.get(Associate, associate_id) is None:
        raise AssociateNotFound(associate_id)
    entries = [_entry(row) for row in rows[:limit]]
    return entries, entries[-1].id if len(rows) > limit else None


def _about(associate_id: uuid.UUID) -> Select[Change]:
    return select(Change).where(Change.associate_id == associate_id)


def _entry(row: Change) -> Entry:
    changes = field_changes(row.fields, SHOWN)
    if row.action == "deleted":
        changes = [one for one in changes if one.field in KEPT_OF_DELETED]
    return Entry(
        id=row.id,
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        action=row.action,
        version=row.version,
        job_id=row.job_id,
        changes=changes,
    )
