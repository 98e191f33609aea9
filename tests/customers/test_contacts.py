"""Contacts (C4), each once per account (C5), one of them primary."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.domain import accounts, contacts
from services.customers.domain.natural_keys import contact_key
from services.customers.domain.search import SearchQuery, find_accounts
from services.customers.domain.status import set_contact_status
from services.customers.errors import ContactNotFound, DuplicateContact
from services.customers.models import Contact, Outbox
from shared.errors import NotDeleted, ReasonMissing, RecordChanged
from tests.customers.conftest import ADA, BEN

Make = Callable[..., Any]


def primaries(session: Session, account: Any) -> list[str]:
    return [one.last_name for one in contacts.list_contacts(session, account.id) if one.is_primary]


def test_first_contact_when_added_is_primary_and_steps_back_for_another(
    make_account: Make, make_contact: Make, session: Session
) -> None:
    account = make_account()
    first = make_contact(account, "Almeida")
    make_contact(account, "Becker")
    assert primaries(session, account) == ["Almeida"]
    third = make_contact(account, "Castellanos", is_primary=True)
    assert primaries(session, account) == ["Castellanos"]
    contacts.edit_contact(session, ADA, account.id, first.id, {"is_primary": True}, None)
    assert primaries(session, account) == ["Almeida"]
    assert session.get_one(Contact, third.id).version == 2, "stepping back is a change of its own"
    assert [one.last_name for one in contacts.list_contacts(session, account.id)] == [
        "Almeida",
        "Becker",
        "Castellanos",
    ]


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({"last_name": "Petrov", "email": "C@P.example"}, {"last_name": "Other", "email": "c@p.example "}, "email"),
        ({"last_name": "Petrov", "phone": "+33 4 72"}, {"last_name": "PETROV", "phone": "0033472"}, "last_name"),
        ({"first_name": "Chloe", "last_name": "Petrov"}, {"last_name": "chloe  petrov"}, "last_name"),
    ],
)
def test_contact_when_it_is_there_already_is_refused(
    make_account: Make, make_contact: Make, session: Session, first: dict[str, str], second: dict[str, str], field: str
) -> None:
    account = make_account()
    existing = make_contact(account, **first)
    with pytest.raises(DuplicateContact) as refusal:
        contacts.add_contact(session, ADA, account.id, {**second, "email": second.get("email", "").strip() or None})
    assert refusal.value.extra["existing"]["id"] == str(existing.id)
    assert refusal.value.extra["can_reactivate"] is False
    assert list(refusal.value.fields) == [field]
    make_contact(make_account("Another account"), **first)


def test_contact_when_inactive_counts_and_may_be_made_active(
    make_account: Make, make_contact: Make, session: Session
) -> None:
    account = make_account()
    existing = make_contact(account, "Petrov")
    set_contact_status(session, ADA, account.id, existing.id, "inactive", "Left")
    with pytest.raises(DuplicateContact) as refusal:
        contacts.add_contact(session, ADA, account.id, {"last_name": "Petrov"})
    assert refusal.value.extra["can_reactivate"] is True
    assert "make it active again" in refusal.value.sentence


def test_contact_when_edited_into_another_is_refused(make_account: Make, make_contact: Make, session: Session) -> None:
    account = make_account()
    make_contact(account, "Petrov", email="c@p.example")
    other = make_contact(account, "Becker", email="b@p.example")
    with pytest.raises(DuplicateContact):
        contacts.edit_contact(session, ADA, account.id, other.id, {"email": "c@p.example"}, 1)
    assert contacts.get_contact(session, account.id, other.id).email == "b@p.example"


def test_keys_when_of_different_kinds_never_meet() -> None:
    assert len({contact_key("x", "y", "z"), contact_key(None, "x", None), contact_key(None, "y", "x")}) == 3


def test_contact_when_changed_is_found_by_its_new_words(
    make_account: Make, make_contact: Make, session: Session
) -> None:
    account = make_account("Cobalt Labs")
    contact = make_contact(account, "Petrov", email="chloe@p.example")
    assert names(session, "petrov") == names(session, "chloe@p.example") == ["Cobalt Labs"]
    contacts.edit_contact(session, ADA, account.id, contact.id, {"last_name": "Quinn"}, 1)
    assert (names(session, "quinn"), names(session, "petrov")) == (["Cobalt Labs"], [])
    contacts.remove_contact(session, ADA, account.id, contact.id, 2)
    assert names(session, "quinn") == []
    contacts.restore_contact(session, ADA, account.id, contact.id)
    assert names(session, "quinn") == ["Cobalt Labs"]
    assert accounts.get_account(session, account.id).version == 1, "the account itself did not change"


def names(session: Session, text: str) -> list[str]:
    return [one.name for one in find_accounts(session, SearchQuery(text=text)).items]


def test_removal_when_undone_leaves_the_primary_of_now(
    make_account: Make, make_contact: Make, session: Session
) -> None:
    account = make_account()
    first, _ = make_contact(account, "Almeida", job_title="Owner"), make_contact(account, "Becker")
    with pytest.raises(NotDeleted):
        contacts.restore_contact(session, ADA, account.id, first.id)
    contacts.remove_contact(session, ADA, account.id, first.id, None)
    assert primaries(session, account) == []
    make_contact(account, "Castellanos", is_primary=True)
    back = contacts.restore_contact(session, BEN, account.id, first.id)
    assert (back.job_title, back.version, back.is_primary) == ("Owner", 2, False)
    assert primaries(session, account) == ["Castellanos"]


def test_contact_when_of_another_account_is_not_found(make_account: Make, make_contact: Make, session: Session) -> None:
    contact, other = make_contact(make_account("One")), make_account("Two")
    for call in (
        lambda: contacts.get_contact(session, other.id, contact.id),
        lambda: contacts.edit_contact(session, ADA, other.id, contact.id, {}, None),
        lambda: contacts.remove_contact(session, ADA, other.id, contact.id, None),
        lambda: contacts.restore_contact(session, ADA, make_account("Three").id, other.id),
    ):
        with pytest.raises(ContactNotFound):
            call()


def test_edit_when_stale_tells_what_changed(make_account: Make, make_contact: Make, session: Session) -> None:
    contact = make_contact(account := make_account(), "Petrov")
    contacts.edit_contact(session, BEN, account.id, contact.id, {"job_title": "Owner"}, 1)
    with pytest.raises(RecordChanged) as refusal:
        contacts.edit_contact(session, ADA, account.id, contact.id, {"job_title": "Boss"}, 1)
    assert [(one["field"], one["now"]) for one in refusal.value.extra["changes"]] == [("job_title", "Owner")]


def test_status_when_changed_is_told(make_account: Make, make_contact: Make, session: Session) -> None:
    account = make_account("Cobalt Labs")
    contact = make_contact(account, "Petrov", first_name="Chloe")
    with pytest.raises(ReasonMissing):
        set_contact_status(session, ADA, account.id, contact.id, "inactive", None)
    assert set_contact_status(session, ADA, account.id, contact.id, "inactive", "Left", 1).version == 2
    event = session.scalars(select(Outbox)).one()
    assert event.name == "customers.contact_status_changed.v1"
    assert (event.payload["contact_name"], event.payload["account_name"]) == ("Chloe Petrov", "Cobalt Labs")
