"""Rows of users applied as a chunk, taken back, and looked at."""

import uuid
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.portal.bulk.chunk import apply_rows, dry_run_rows
from services.portal.bulk.people import image_of
from services.portal.bulk.rows import check_rows
from services.portal.bulk.undo import undo_users
from services.portal.domain import users
from services.portal.models import AuditEntry, ImportedUser, Outbox, User
from shared.bulk import COUNTS
from shared.importing.job import ImportJob, UndoJob
from tests.every_row import outcomes

ADA = {"username": "ada", "name": "Ada Lovelace", "email": "ada@ex.example", "code": "E1", "roles": "Staff"}


def job_of(actor: User, **choices: Any) -> ImportJob:
    told = {"mode": "both", "match": "username", "blank": "keep", "file_name": "users.csv", **choices}
    job_id = told.pop("id", None) or uuid.uuid4()
    return ImportJob(id=job_id, kind="users", actor_id=actor.id, actor_name=actor.name, **told)


def checked(rows: Any) -> Any:
    names = list(dict.fromkeys(name for row in rows for name in row))
    places = [
        {"_row": at + 1, "_line": at + 2, **{name: row.get(name) for name in names}} for at, row in enumerate(rows)
    ]
    return check_rows(names, places)


def apply(session: Session, actor: User, *rows: dict[str, str | None], **choices: Any) -> Any:
    """Apply rows as a chunk; it is what a check told before, and the check leaves nothing."""
    job = job_of(actor, **choices)
    before = everything(session)
    told = dry_run_rows(session, replace(job, every_row=True), checked(rows))
    session.expire_all()
    assert everything(session) == before
    assert outcomes(told) == {name: told[name] for name in COUNTS if told[name]}
    result = apply_rows(session, job, checked(rows))
    session.expire_all()
    done = result.to_json()
    assert {name: told[name] for name in (*COUNTS, "refusals", "fields")} == {
        name: done[name] for name in (*COUNTS, "refusals", "fields")
    }
    assert sum(done[name] for name in COUNTS) == len(rows)
    return result


def undo(session: Session, actor: User, job_id: uuid.UUID) -> Any:
    result = undo_users(session, UndoJob(job_id, 0, "users", actor.id, actor.name, "users.csv"))
    session.flush()
    session.expire_all()
    return result


def everything(session: Session) -> list[Any]:
    """Return all users as people see them, and how much was noted and told."""
    rows = [session.scalar(select(func.count()).select_from(table)) for table in (AuditEntry, Outbox, ImportedUser)]
    return [state(session), rows]


def state(session: Session) -> dict[str, Any]:
    session.expire_all()
    return {str(one.id): image_of(one) for one in session.scalars(select(User))}


def counts(result: Any, names: tuple[str, ...] = COUNTS) -> dict[str, int]:
    return {name: getattr(result, name) for name in names if getattr(result, name)}


def refused(result: Any) -> list[tuple[int, str | None, str]]:
    return [(one.row, one.column, one.code) for one in result.refusals]


def named(session: Session, username: str) -> User:
    return users.user_named(session, username)
