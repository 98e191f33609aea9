"""What is kept right whenever an account or a contact changes: keys, and the words by which it is found."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.customers.domain.natural_keys import contact_key
from services.customers.domain.records import contact_name
from services.customers.domain.search import SearchedContact, search_text
from services.customers.errors import AccountNotFound
from services.customers.models import Account, Contact
from shared.countries import phone_region
from shared.keys import code_key, email_key, name_key, phone_key


def lock_account(session: Session, account_id: uuid.UUID) -> Account:
    """Return an account that no other transaction can change, nor its contacts, before this one ends.

    Raises AccountNotFound.
    """
    account = session.get(Account, account_id, with_for_update={"key_share": True}, populate_existing=True)
    if account is None:
        raise AccountNotFound(account_id)
    return account


def key_account(account: Account) -> None:
    """Set the keys of an account from what it says."""
    region = phone_region(account.country)
    account.code_key = code_key(account.code)
    account.name_key = name_key(account.name)
    account.email_key = email_key(account.email) if account.email else None
    account.phone_key = phone_number(account.phone, region)
    account.phone2_key = phone_number(account.phone2, region)


def key_contact(contact: Contact, country: str | None) -> None:
    """Set the keys of a contact; its phones are read by the rules of the account's `country`."""
    region = phone_region(country)
    contact.name_key = name_key(contact_name(contact.first_name, contact.last_name))
    contact.email_key = email_key(contact.email) if contact.email else None
    contact.phone_key = phone_number(contact.phone, region)
    contact.phone2_key = phone_number(contact.phone2, region)
    contact.contact_key = contact_key(contact.email_key, contact.name_key, contact.phone_key)


def phone_number(text: str | None, region: str | None) -> str | None:
    """Return the number part of a phone's key, None for nothing."""
    return (phone_key(text, region)[0] or None) if text else None


def contacts_of(session: Session, account: Account) -> Sequence[Contact]:
    """Return all contacts of an account, the primary one first, then by name."""
    return session.scalars(
        select(Contact)
        .where(Contact.account_id == account.id)
        .order_by(Contact.is_primary.desc(), Contact.name_key, Contact.id)
    ).all()


def words_of(account: Account, contacts: Sequence[Contact]) -> str:
    """Return what live search looks through for an account with these contacts."""
    return search_text(
        name=account.name,
        code_key=account.code_key,
        city=account.city,
        email_key=account.email_key,
        phone_keys=(account.phone_key, account.phone2_key),
        contacts=[
            SearchedContact(one.first_name, one.last_name, one.email_key, (one.phone_key, one.phone2_key))
            for one in contacts
        ],
    )


def refresh_search(session: Session, account: Account) -> None:
    """Bring the words of an account up to date after a change of its contacts; its version stays."""
    session.flush()
    words = words_of(account, contacts_of(session, account))
    if words != account.search:
        session.execute(
            update(Account)
            .where(Account.id == account.id)
            .values(search=words)
            .execution_options(synchronize_session=False)
        )
        session.refresh(account, ["search"])
