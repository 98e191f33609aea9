"""Accounts: create, read, edit, delete, bring back (C1, C8)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from services.customers.domain.codes import next_codes
from services.customers.domain.history import check_version, last_deletion, record_change
from services.customers.domain.keeping import contacts_of, key_account, key_contact, lock_account, words_of
from services.customers.domain.records import ACCOUNT_FIELDS, CONTACT_FIELDS, DEFAULTS, contact_name
from services.customers.domain.scope import must_see_all
from services.customers.errors import AccountNotFound, DuplicateContact, RoleMissing, UnknownAccount
from services.customers.models import Account, Contact, Outbox
from shared.codes import one_code, with_free_code
from shared.db import uuid7
from shared.errors import NotDeleted
from shared.events.customers import AccountDeleted, AccountRestored
from shared.history import Actor
from shared.keys import code_key
from shared.outbox import record
from shared.records import (
    EMPTY,
    ORIGIN_FIELDS,
    STATUS_FIELDS,
    apply_changes,
    changes_of,
    first_values,
    from_snapshot,
    snapshot,
)

WHAT = "This customer"


def create_account(session: Session, actor: Actor, values: Mapping[str, Any]) -> Account:
    """Add an account; without a code it gets the next automatic one.

    Raises CodeTaken, RoleMissing; Forbidden for who sees only a part of the accounts, as a new one is nobody's yet.
    """
    must_see_all(session, "You see the customers that you look after. Ask us to add another one.")
    if values.get("code"):
        return _insert_account(session, actor, values)
    return with_free_code(
        lambda: next_codes(session, 1)[0], lambda code: _insert_account(session, actor, {**values, "code": code})
    )


def get_account(session: Session, account_id: uuid.UUID) -> Account:
    """Return an account or raise AccountNotFound."""
    account = session.get(Account, account_id)
    if account is None:
        raise AccountNotFound(account_id)
    return account


def find_account_by_code(session: Session, code: str) -> Account | None:
    """Return the account with this code, however it is written."""
    return session.scalars(select(Account).where(Account.code_key == code_key(code))).first()


def account_meant(session: Session, text: str | None) -> uuid.UUID | None:
    """Return the id of the account that `text` means, its id or its code, None for nothing; raise UnknownAccount."""
    if not text:
        return None
    account = session.get(Account, as_uuid) if (as_uuid := _uuid(text)) else None
    account = account or find_account_by_code(session, text)
    if account is None:
        raise UnknownAccount(text)
    return account.id


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def known_accounts(session: Session, ids: Sequence[uuid.UUID]) -> Sequence[Any]:
    """Return (id, code, name) of those of these accounts that there are."""
    return session.execute(select(Account.id, Account.code, Account.name).where(Account.id.in_(ids))).all()


def accounts_by_code(session: Session, codes: Iterable[str]) -> Sequence[Any]:
    """Return (code_key, id, code, name) of the accounts that these codes mean, however they are written."""
    keys = {code_key(code) for code in codes}
    columns = (Account.code_key, Account.id, Account.code, Account.name)
    return session.execute(select(*columns).where(Account.code_key.in_(keys))).all()


def recent_accounts(session: Session, limit: int) -> Sequence[Account]:
    """Return the accounts that were added last, newest first."""
    return session.scalars(select(Account).order_by(Account.id.desc()).limit(limit)).all()


def has_accounts(session: Session) -> bool:
    """Tell whether there is any account at all."""
    return session.scalars(select(Account.id).limit(1)).first() is not None


def edit_account(
    session: Session, actor: Actor, account_id: uuid.UUID, values: Mapping[str, Any], seen: int | None
) -> Account:
    """Change the given fields of an account that was read at version `seen`.

    Raises AccountNotFound, RecordChanged, CodeTaken, RoleMissing; DuplicateContact where another country would make
    the phones of two of its contacts the same; Forbidden for another code by who sees only a part of the accounts.
    """
    account = _locked(session, account_id, seen)
    changes = changes_of(account, values, ACCOUNT_FIELDS)
    if not changes:
        return account
    if "code" in changes:  # whether a code is taken tells of accounts that are not theirs
        must_see_all(session, "The code of a customer is ours to change.")
    contacts = contacts_of(session, account)  # before the changes: a query would save them half done
    with _one_code(session, str(values.get("code", account.code))):
        apply_changes(account, changes)
        _check_roles(account)
        key_account(account)
        if "country" in changes:
            _key_contacts(contacts, account.country)
        account.search = words_of(account, contacts)
        account.updated_at = datetime.now(UTC)
    record_change(session, actor, account, "updated", changes)
    return account


def delete_account(session: Session, actor: Actor, account_id: uuid.UUID, seen: int | None) -> None:
    """Delete an account with its contacts; its history stays and holds what it takes to bring it back.

    Raises AccountNotFound, RecordChanged.
    """
    account = _locked(session, account_id, seen)
    kept = snapshot(account, (*ACCOUNT_FIELDS, *STATUS_FIELDS, *ORIGIN_FIELDS))
    contacts = [
        {**snapshot(one, ("id", "version", *CONTACT_FIELDS, *STATUS_FIELDS, *ORIGIN_FIELDS))}
        for one in contacts_of(session, account)
    ]
    fields = {name: [value, None] for name, value in (kept | ({"contacts": contacts} if contacts else {})).items()}
    record_change(session, actor, account, "deleted", fields)
    record(session, Outbox, AccountDeleted(**_told(actor, account)))
    session.delete(account)
    session.flush()


def restore_account(session: Session, actor: Actor, account_id: uuid.UUID) -> Account:
    """Bring a deleted account back as it was, with its contacts; its version goes on.

    Raises AccountNotFound for one that was never deleted, NotDeleted for one that is there, CodeTaken when its code
    was given away meanwhile.
    """
    deletion = last_deletion(session, account_id)
    if deletion is not None:  # whoever brings it back at this moment, too, waits here
        session.refresh(deletion, with_for_update=True)
    if session.get(Account, account_id) is not None:
        raise NotDeleted("customer")
    if deletion is None:
        raise AccountNotFound(account_id)
    kept = {name: old for name, (old, _) in deletion.fields.items()}
    contacts = [_restored_contact(account_id, values, kept.get("country")) for values in kept.pop("contacts", [])]
    account = Account(**from_snapshot(kept), id=account_id)
    key_account(account)
    account.search = words_of(account, contacts)
    columns = {name: value for name, value in vars(account).items() if not name.startswith("_")}
    with _one_code(session, account.code):
        session.execute(insert(Account).values(**columns, version=deletion.version + 1))
    for contact in contacts:
        columns = {name: value for name, value in vars(contact).items() if not name.startswith("_")}
        session.execute(insert(Contact).values(**columns))
    account = get_account(session, account_id)
    record_change(session, actor, account, "restored", {})
    record(session, Outbox, AccountRestored(**_told(actor, account)))
    return account


def _told(actor: Actor, account: Account) -> dict[str, str]:
    return {
        "account_id": str(account.id),
        "code": account.code,
        "account_name": account.name,
        "actor_id": str(actor.id),
        "actor_name": actor.name,
        "at": datetime.now(UTC).isoformat(),
        "ip": actor.ip,
    }


def _insert_account(session: Session, actor: Actor, values: Mapping[str, Any]) -> Account:
    account = Account(id=uuid7(), created_by=actor.id, created_by_name=actor.name)
    given = {field: values[field] for field in ACCOUNT_FIELDS if values.get(field) not in EMPTY}
    for field, value in given.items():
        setattr(account, field, value)
    _check_roles(account)
    key_account(account)
    account.search = words_of(account, ())
    with _one_code(session, account.code):
        session.add(account)
    record_change(session, actor, account, "created", first_values(given, DEFAULTS))
    return account


def _locked(session: Session, account_id: uuid.UUID, seen: int | None) -> Account:
    account = lock_account(session, account_id)
    check_version(session, account, seen, WHAT)
    return account


def _one_code(session: Session, code: str) -> AbstractContextManager[None]:
    return one_code(session, "account_code_key_key", lambda: find_account_by_code(session, code))


def _check_roles(account: Account) -> None:
    if account.is_customer is False and not account.is_vendor:
        raise RoleMissing


def _key_contacts(contacts: Sequence[Contact], country: str | None) -> None:
    """Read the contacts' phones by the rules of another country."""
    seen: dict[str, Contact] = {}
    for contact in contacts:
        key_contact(contact, country)
        if twin := seen.get(contact.contact_key):
            name = contact_name(twin.first_name, twin.last_name)
            raise DuplicateContact(twin.id, name, twin.email, twin.status, "country")
        seen[contact.contact_key] = contact


def _restored_contact(account_id: uuid.UUID, values: Mapping[str, Any], country: str | None) -> Contact:
    kept = from_snapshot(values)
    contact = Contact(**kept | {"version": kept["version"] + 1}, account_id=account_id)
    key_contact(contact, country)
    return contact
