"""Contacts of an account: add, edit, remove, bring back (C4), each once (C5)."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.customers.domain.history import check_version, last_deletion, record_change
from services.customers.domain.keeping import contacts_of, key_contact, lock_account, refresh_search
from services.customers.domain.records import CONTACT_DEFAULTS, CONTACT_FIELDS, contact_name
from services.customers.errors import AccountNotFound, ContactNotFound, DuplicateContact
from services.customers.models import Account, Contact
from shared.db import uuid7
from shared.errors import NotDeleted
from shared.history import Actor
from shared.records import (
    EMPTY,
    ORIGIN_FIELDS,
    STATUS_FIELDS,
    apply_changes,
    changes_of,
    first_values,
    from_snapshot,
    snapshot,
    violates,
)

WHAT = "This contact"


def list_contacts(session: Session, account_id: uuid.UUID) -> Sequence[Contact]:
    """Return the contacts of an account, the primary one first, then by name. Raises AccountNotFound."""
    account = session.get(Account, account_id)
    if account is None:
        raise AccountNotFound(account_id)
    return contacts_of(session, account)


def get_contact(session: Session, account_id: uuid.UUID, contact_id: uuid.UUID) -> Contact:
    """Return a contact of this account or raise ContactNotFound."""
    contact = session.get(Contact, contact_id)
    if contact is None or contact.account_id != account_id:
        raise ContactNotFound(contact_id)
    return contact


def add_contact(session: Session, actor: Actor, account_id: uuid.UUID, values: Mapping[str, Any]) -> Contact:
    """Add a contact; the first one of an account is its primary one. Raises AccountNotFound, DuplicateContact."""
    account = lock_account(session, account_id)
    contact = Contact(id=uuid7(), account_id=account_id, created_by=actor.id, created_by_name=actor.name)
    given = {field: values[field] for field in CONTACT_FIELDS if values.get(field) not in EMPTY}
    given["is_primary"] = bool(given.get("is_primary")) or not contacts_of(session, account)
    for field, value in given.items():
        setattr(contact, field, value)
    key_contact(contact, account.country)
    if contact.is_primary:
        _step_back(session, actor, account_id)
    with _no_twin(session, contact):
        session.add(contact)
    record_change(session, actor, contact, "created", first_values(given, CONTACT_DEFAULTS))
    refresh_search(session, account)
    return contact


def edit_contact(
    session: Session,
    actor: Actor,
    account_id: uuid.UUID,
    contact_id: uuid.UUID,
    values: Mapping[str, Any],
    seen: int | None,
) -> Contact:
    """Change the given fields of a contact that was read at version `seen`.

    Raises AccountNotFound, ContactNotFound, RecordChanged, DuplicateContact.
    """
    account, contact = lock_contact(session, account_id, contact_id, seen)
    changes = changes_of(contact, values, CONTACT_FIELDS)
    if not changes:
        return contact
    if changes.get("is_primary", (None, False))[1]:
        _step_back(session, actor, account_id)
    with _no_twin(session, contact):
        apply_changes(contact, changes)
        key_contact(contact, account.country)
        contact.updated_at = datetime.now(UTC)
    record_change(session, actor, contact, "updated", changes)
    refresh_search(session, account)
    return contact


def remove_contact(
    session: Session, actor: Actor, account_id: uuid.UUID, contact_id: uuid.UUID, seen: int | None
) -> None:
    """Remove a contact; history holds what it takes to bring it back.

    Raises AccountNotFound, ContactNotFound, RecordChanged.
    """
    account, contact = lock_contact(session, account_id, contact_id, seen)
    kept = snapshot(contact, (*CONTACT_FIELDS, *STATUS_FIELDS, *ORIGIN_FIELDS))
    record_change(session, actor, contact, "deleted", {field: [value, None] for field, value in kept.items()})
    session.delete(contact)
    refresh_search(session, account)


def restore_contact(session: Session, actor: Actor, account_id: uuid.UUID, contact_id: uuid.UUID) -> Contact:
    """Bring a removed contact back as it was; it is primary again only if no other became so.

    Raises AccountNotFound, ContactNotFound for one that was never removed, NotDeleted, DuplicateContact.
    """
    account = lock_account(session, account_id)
    removal = last_deletion(session, account_id, contact_id)
    if session.get(Contact, contact_id) is not None:
        raise NotDeleted("contact")
    if removal is None:
        raise ContactNotFound(contact_id)
    kept = from_snapshot({field: old for field, (old, _) in removal.fields.items()})
    kept["is_primary"] = bool(kept.get("is_primary")) and not _primary_of(session, account_id)
    contact = Contact(**kept, id=contact_id, account_id=account_id)
    key_contact(contact, account.country)
    columns = {name: value for name, value in vars(contact).items() if not name.startswith("_")}
    with _no_twin(session, contact):
        session.execute(insert(Contact).values(**columns, version=removal.version + 1))
    contact = get_contact(session, account_id, contact_id)
    record_change(session, actor, contact, "restored", {})
    refresh_search(session, account)
    return contact


def lock_contact(
    session: Session, account_id: uuid.UUID, contact_id: uuid.UUID, seen: int | None
) -> tuple[Account, Contact]:
    """Return an account and its contact, both kept from changes by others, the contact at version `seen`.

    Raises AccountNotFound, ContactNotFound, RecordChanged.
    """
    account = lock_account(session, account_id)
    contact = session.get(Contact, contact_id, with_for_update={"key_share": True}, populate_existing=True)
    if contact is None or contact.account_id != account_id:
        raise ContactNotFound(contact_id)
    check_version(session, contact, seen, WHAT)
    return account, contact


def _primary_of(session: Session, account_id: uuid.UUID) -> Contact | None:
    return session.scalars(select(Contact).where(Contact.account_id == account_id, Contact.is_primary)).first()


def _step_back(session: Session, actor: Actor, account_id: uuid.UUID) -> None:
    """Let the primary contact of the account be an ordinary one."""
    primary = _primary_of(session, account_id)
    if primary is not None:
        primary.is_primary = False
        primary.updated_at = datetime.now(UTC)
        session.flush()  # before another becomes it: there is one per account
        record_change(session, actor, primary, "updated", {"is_primary": [True, False]})


@contextmanager
def _no_twin(session: Session, contact: Contact) -> Iterator[None]:
    """Save what the block does; turn the refusal of the unique index into DuplicateContact."""
    account_id = contact.account_id
    try:
        with session.begin_nested():
            try:
                yield
            finally:
                key = contact.contact_key  # the rollback forgets it
    except IntegrityError as error:
        if not violates(error, "contact_account_id_contact_key_key"):
            raise
        twin = session.scalars(
            select(Contact).where(Contact.account_id == account_id, Contact.contact_key == key)
        ).one()
        name = contact_name(twin.first_name, twin.last_name)
        field = "email" if key.startswith("e:") else "last_name"
        raise DuplicateContact(twin.id, name, twin.email, twin.status, field) from error
