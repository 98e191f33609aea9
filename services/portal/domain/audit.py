"""The audit trail: who did what, when, from where (X3). Entries are added with the change, and never touched again."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from services.portal.domain.actor import Actor
from services.portal.models import AuditEntry
from shared.keys import name_key

ACTIONS = {
    "signed_in": "signed in",
    "sign_in_failed": "failed to sign in",
    "signed_out": "signed out",
    "sessions_ended": "ended sessions",
    "password_changed": "changed the own password",
    "password_set": "set a password",
    "user_added": "added a user",
    "user_edited": "edited a user",
    "user_removed": "removed a user",
    "user_activated": "switched a user on",
    "user_deactivated": "switched a user off",
    "roles_changed": "changed the roles of a user",
    "role_added": "added a role",
    "role_edited": "edited a role",
    "role_deleted": "deleted a role",
    "token_created": "created an access token",
    "token_revoked": "revoked an access token",
    "account_deactivated": "made a customer inactive",
    "account_activated": "made a customer active",
    "account_deleted": "deleted a customer",
    "contact_deactivated": "made a contact inactive",
    "contact_activated": "made a contact active",
    "associate_deactivated": "made an associate inactive",
    "associate_activated": "made an associate active",
    "associate_deleted": "deleted an associate",
    "switched_on": "switched on",
    "switched_off": "switched off",
    "job_finished": "ran a job",
    "exported": "exported",
    "export_taken": "downloaded an export of",
    "export_stopped": "stopped an export of",
    "export_failed": "had a failed export of",
}
# After these the subject goes on with the sentence: "exported 1,000 customers".
SENTENCES = frozenset({"exported", "export_taken", "export_stopped", "export_failed"})


@dataclass(frozen=True)
class Subject:
    """What an entry is about."""

    kind: str
    id: uuid.UUID | None
    name: str


def note(
    session: Session,
    action: str,
    actor: Actor,
    subject: Subject | None = None,
    details: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Add an entry, in the transaction of what it tells; `at` is given for what happened elsewhere."""
    entry = AuditEntry(
        action=action,
        actor_id=actor.user_id,
        actor_name=actor.name,
        ip=actor.ip,
        subject_kind=subject.kind if subject else "",
        subject_id=subject.id if subject else None,
        subject_name=subject.name if subject else "",
        details={**(details or {}), **({"by": actor.via} if actor.via else {})},
        search=name_key(f"{actor.name} {subject.name if subject else ''} {actor.ip}"),
    )
    if at is not None:
        entry.at = at
    session.add(entry)


@dataclass(frozen=True)
class AuditFilter:
    """Which entries; empty means all. `words` are looked for in the names of person and subject, and the address."""

    words: str = ""
    action: str = ""
    actor_id: uuid.UUID | None = None
    subject_id: uuid.UUID | None = None
    since: datetime | None = None
    before: datetime | None = None


def list_entries(
    session: Session, wanted: AuditFilter, limit: int, after: tuple[datetime, uuid.UUID] | None = None
) -> Sequence[AuditEntry]:
    """Return up to `limit` entries, newest first, older than the place `after`."""
    query = select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)
    for word in name_key(wanted.words).split()[:8]:
        query = query.where(AuditEntry.search.contains(word, autoescape=True))
    if wanted.action:
        query = query.where(AuditEntry.action == wanted.action)
    if wanted.actor_id:
        query = query.where(AuditEntry.actor_id == wanted.actor_id)
    if wanted.subject_id:
        query = query.where(AuditEntry.subject_id == wanted.subject_id)
    if wanted.since:
        query = query.where(AuditEntry.at >= wanted.since)
    if wanted.before:
        query = query.where(AuditEntry.at < wanted.before)
    if after:
        query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < after)
    return session.scalars(query).all()
