"""Who changed what and when (C17): written with each change, read per account."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from services.customers.domain.messages import Sent, with_recipients
from services.customers.domain.records import ACCOUNT_FIELDS, CONTACT_FIELDS, contact_name
from services.customers.errors import AccountNotFound
from services.customers.models import Account, Change, Contact, Message
from shared import history
from shared.history import Actor, field_changes, must_be_version, write_change
from shared.records import Changes

FIRST_SHOWN = ("code", "name", "first_name", "last_name", "job_title")
SHOWN = [*dict.fromkeys((*FIRST_SHOWN, *ACCOUNT_FIELDS, *CONTACT_FIELDS, "status", "status_reason"))]


@dataclass(frozen=True, kw_only=True)
class Entry(history.Entry):
    """One line of history. `contact_name` is set when it is about a contact; `job_id` when a job did it.

    What a job created has no field changes: its record itself tells it. `action` may also be undone: what the job did
    was taken back; or wrote: a mail was written to the customer, which `mail` tells as it is now.
    """

    contact_id: uuid.UUID | None = None
    contact_name: str | None = None
    mail: Sent | None = None

    @property
    def message_id(self) -> uuid.UUID | None:
        """The id of the mail that was written."""
        return self.mail.message.id if self.mail else None


def record_change(session: Session, actor: Actor, record: Account | Contact, action: str, changes: Changes) -> None:
    """Write down what `actor` did to `record`; its version must be the new one already."""
    account_id, contact_id = _owner_of(record)
    about = {"account_id": account_id, "contact_id": contact_id, "version": record.version}
    write_change(session, Change, actor, action, changes, **about)


def check_version(session: Session, record: Account | Contact, seen: int | None, what: str) -> None:
    """Raise RecordChanged, telling who changed what, unless `seen` is the version of `record` now (or None)."""
    must_be_version(session, Change, _about(*_owner_of(record)), record, seen, what, SHOWN)


def read_history(
    session: Session, account_id: uuid.UUID, *, limit: int = 50, before: uuid.UUID | None = None
) -> tuple[list[Entry], uuid.UUID | None]:
    """Return a page of the history of an account and its contacts, newest first, and where the next page begins.

    Also for a deleted account. Raises AccountNotFound for one that never was.
    """
    query = select(Change).where(Change.account_id == account_id).order_by(Change.id.desc()).limit(limit + 1)
    changes = session.scalars(query if before is None else query.where(Change.id < before)).all()
    account = session.get(Account, account_id)
    contacts = {one.id: one for one in session.scalars(select(Contact).where(Contact.account_id == account_id))}
    if account is None and not changes and before is None:
        raise AccountNotFound(account_id)
    names = {one.id: contact_name(one.first_name, one.last_name) for one in contacts.values()}
    names |= _names_of_removed(session, account_id, {c.contact_id for c in changes if c.contact_id} - names.keys())
    mails = _mails_of(session, changes)
    entries = [_entry(change, names, mails) for change in changes]
    by_jobs = [record for record in (account, *contacts.values()) if record is not None and record.created_job]
    entries += [_created_by_job(record) for record in by_jobs if before is None or record.id < before]
    entries.sort(key=lambda entry: entry.id, reverse=True)
    return entries[:limit], entries[limit - 1].id if len(entries) > limit else None


def last_deletion(session: Session, account_id: uuid.UUID, contact_id: uuid.UUID | None = None) -> Change | None:
    """Return the newest row that tells of the deletion of this account, or of this contact of it."""
    return session.scalars(
        _about(account_id, contact_id).where(Change.action == "deleted").order_by(Change.id.desc()).limit(1)
    ).first()


def last_removal(session: Session, account_id: uuid.UUID) -> Change | None:
    """Return the newest row that tells how this account went: deleted by somebody, or taken back with its import."""
    went = or_(Change.action == "deleted", (Change.action == "undone") & Change.fields.has_key("code"))
    return session.scalars(_about(account_id, None).where(went).order_by(Change.id.desc()).limit(1)).first()


def _about(account_id: uuid.UUID, contact_id: uuid.UUID | None) -> Select[Change]:
    about = select(Change).where(Change.account_id == account_id)
    return about.where(Change.contact_id.is_(None) if contact_id is None else Change.contact_id == contact_id)


def _owner_of(record: Account | Contact) -> tuple[uuid.UUID, uuid.UUID | None]:
    return (record.account_id, record.id) if isinstance(record, Contact) else (record.id, None)


def _mails_of(session: Session, changes: Sequence[Change]) -> dict[str, Sent]:
    """Return the mails that these lines tell of, by id; no query where there is none."""
    ids = [change.fields["message"][1] for change in changes if change.action == "wrote"]
    if not ids:
        return {}
    found = session.scalars(select(Message).where(Message.id.in_(ids))).all()
    return {str(mail.message.id): mail for mail in with_recipients(session, found)}


def _entry(change: Change, names: dict[uuid.UUID, str], mails: Mapping[str, Sent]) -> Entry:
    changes = field_changes(change.fields, SHOWN)
    if change.action == "deleted":
        changes = [one for one in changes if one.field in ("code", "name", "email")]
    return Entry(
        id=change.id,
        at=change.at,
        actor_id=change.actor_id,
        actor_name=change.actor_name,
        action=change.action,
        version=change.version,
        job_id=change.job_id,
        contact_id=change.contact_id,
        contact_name=names.get(change.contact_id, "a contact") if change.contact_id else None,
        changes=changes,
        mail=mails.get(change.fields["message"][1]) if change.action == "wrote" else None,
    )


def _created_by_job(record: Account | Contact) -> Entry:
    name = contact_name(record.first_name, record.last_name) if isinstance(record, Contact) else None
    return Entry(
        id=record.id,
        at=record.created_at,
        actor_id=record.created_by,
        actor_name=record.created_by_name,
        action="created",
        version=1,
        job_id=record.created_job,
        contact_id=None if name is None else record.id,
        contact_name=name,
    )


def _names_of_removed(session: Session, account_id: uuid.UUID, contact_ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    if not contact_ids:
        return {}
    rows = session.execute(
        select(Change.contact_id, Change.fields)
        .where(Change.account_id == account_id, Change.contact_id.in_(contact_ids))  # the account's has an index
        .where(Change.action.in_(("created", "deleted", "undone")))
        .order_by(Change.id)
    )
    names: dict[uuid.UUID, str] = {}
    for contact_id, fields in rows:
        first, last = (next((one for one in fields.get(name, ()) if one), None) for name in ("first_name", "last_name"))
        names[contact_id] = contact_name(first, last)
    return names
