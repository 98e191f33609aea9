"""Active and inactive (C7), with reason, who and when; earlier ones stay in the history."""

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from services.customers.domain.contacts import lock_contact
from services.customers.domain.history import check_version, record_change
from services.customers.domain.keeping import lock_account
from services.customers.domain.records import contact_name
from services.customers.models import Account, Contact, Outbox
from shared.events.customers import AccountStatusChanged, ContactStatusChanged
from shared.history import Actor
from shared.outbox import record
from shared.status import change_status


def set_account_status(
    session: Session, actor: Actor, account_id: uuid.UUID, status: str, reason: str | None, seen: int | None = None
) -> Account:
    """Make an account active or inactive; inactive needs a reason.

    Raises AccountNotFound, RecordChanged, ReasonMissing. Nothing happens where it stands so already.
    """
    account = lock_account(session, account_id)
    check_version(session, account, seen, "This customer")
    if changes := change_status(session, actor, account, status, reason):
        record_change(session, actor, account, "status", changes)
        event = AccountStatusChanged(
            account_id=str(account.id),
            code=account.code,
            account_name=account.name,
            active=status == "active",
            **_by(actor, reason),
        )
        record(session, Outbox, event)
    return account


def set_contact_status(
    session: Session,
    actor: Actor,
    account_id: uuid.UUID,
    contact_id: uuid.UUID,
    status: str,
    reason: str | None,
    seen: int | None = None,
) -> Contact:
    """Make a contact active or inactive; inactive needs a reason.

    Raises AccountNotFound, ContactNotFound, RecordChanged, ReasonMissing. Nothing happens where it stands so already.
    """
    account, contact = lock_contact(session, account_id, contact_id, seen)
    if changes := change_status(session, actor, contact, status, reason):
        record_change(session, actor, contact, "status", changes)
        event = ContactStatusChanged(
            contact_id=str(contact.id),
            contact_name=contact_name(contact.first_name, contact.last_name),
            account_id=str(account.id),
            account_name=account.name,
            active=status == "active",
            **_by(actor, reason),
        )
        record(session, Outbox, event)
    return contact


def _by(actor: Actor, reason: str | None) -> dict[str, Any]:
    return {
        "reason": reason or "",
        "actor_id": str(actor.id),
        "actor_name": actor.name,
        "at": datetime.now(UTC).isoformat(),
        "ip": actor.ip,
    }
