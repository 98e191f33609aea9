"""Accounts (C1, C8): codes, keys, versions, deletion and the way back."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.domain import accounts, contacts
from services.customers.domain.listing import accounts_with_code
from services.customers.domain.search import SearchQuery, find_accounts
from services.customers.domain.status import set_account_status
from services.customers.errors import AccountNotFound, DuplicateContact, RoleMissing
from services.customers.models import Account, Contact, Outbox
from shared.db import unit_of_work
from shared.errors import CodeTaken, NotDeleted, ReasonMissing, RecordChanged
from tests.customers.conftest import ADA, BEN

Make = Callable[..., Any]


def found(session: Session, text: str, **choices: Any) -> list[str]:
    return [one.name for one in find_accounts(session, SearchQuery(text=text, **choices)).items]


def test_account_when_created_has_the_keys_of_shared_keys(make_account: Make) -> None:
    account = make_account(
        "  Étoile   Labs ".strip(),
        code="00Ab\u00a07",
        email="Office@Etoile.Example",
        phone="04 72 00 00 00",
        country="FR",
    )
    assert (account.code_key, account.name_key) == ("00ab7", "étoile labs")
    assert (account.email_key, account.phone_key) == ("office@etoile.example", "+33472000000")
    assert (account.version, account.status, account.created_by_name) == (1, "active", "Ada Admin")


def test_code_when_blank_is_given_and_passes_over_those_taken_by_hand(make_account: Make) -> None:
    first = make_account("One")
    number = int(first.code.removeprefix("C"))
    make_account("By hand", code=f"c{number + 1}")
    assert make_account("Two").code == f"C{number + 2}"


def test_code_when_taken_names_its_owner(make_account: Make, session: Session) -> None:
    owner = make_account("Cobalt Labs", code="00417")
    with pytest.raises(CodeTaken) as refusal:
        accounts.create_account(session, ADA, {"name": "Other", "code": " 00417\u200b"})
    assert refusal.value.sentence == "The code 00417 already belongs to Cobalt Labs."
    assert refusal.value.extra["existing"] == {"id": str(owner.id), "code": "00417", "name": "Cobalt Labs"}
    assert make_account("Third", code="417").code == "417", "leading zeros count"


def test_code_when_changed_to_a_taken_one_is_refused_and_the_session_lives_on(
    make_account: Make, session: Session
) -> None:
    make_account("Cobalt Labs", code="A1")
    other = make_account("Other", code="A2")
    with pytest.raises(CodeTaken):
        accounts.edit_account(session, ADA, other.id, {"code": "a1"}, 1)
    assert accounts.get_account(session, other.id).code == "A2"


def test_account_when_neither_customer_nor_vendor_is_refused(make_account: Make, session: Session) -> None:
    with pytest.raises(RoleMissing):
        accounts.create_account(session, ADA, {"name": "Nobody", "is_customer": False})
    account = make_account("Vendor", is_vendor=True, is_customer=False)
    with pytest.raises(RoleMissing):
        accounts.edit_account(session, ADA, account.id, {"is_vendor": False}, 1)


def test_edit_when_read_before_another_edit_tells_what_changed(make_account: Make, session: Session) -> None:
    account = make_account(city="Ghent")
    accounts.edit_account(session, BEN, account.id, {"city": "Lyon"}, 1)
    with pytest.raises(RecordChanged) as refusal:
        accounts.edit_account(session, ADA, account.id, {"city": "Paris"}, 1)
    (change,) = refusal.value.extra["changes"]
    assert refusal.value.extra["version"] == 2
    assert (change["actor_name"], change["field"], change["was"], change["now"]) == (
        "Ben Baker",
        "city",
        "Ghent",
        "Lyon",
    )


def test_edit_when_nothing_changes_leaves_version_and_history(make_account: Make, session: Session) -> None:
    account = make_account(tags=["a"], attributes={"Shoe": "43"}, email="a@b.example")
    same = {"name": account.name, "tags": ["a"], "attributes": {"Shoe": "43"}, "email": "a@b.example"}
    assert accounts.edit_account(session, ADA, account.id, same, 1).version == 1


def test_edit_when_saved_keeps_the_search_text_right(make_account: Make, make_contact: Make, session: Session) -> None:
    account = make_account("Cobalt Labs", city="Ghent")
    make_contact(account, "Petrov", first_name="Chloe")
    accounts.edit_account(session, ADA, account.id, {"city": "Lyon", "name": "Quartz"}, None)
    assert found(session, "lyon quartz petrov") == ["Quartz"]
    assert found(session, "ghent") == found(session, "cobalt") == []


def test_country_when_changed_reads_phones_by_its_rules(
    make_account: Make, make_contact: Make, session: Session
) -> None:
    account = make_account(phone="030 23125000")
    contact = make_contact(account, phone="030 23125001")
    assert (account.phone_key, contact.phone_key) == ("03023125000", "03023125001")
    changed = accounts.edit_account(session, ADA, account.id, {"country": "DE"}, None)
    assert changed.phone_key == "+493023125000"
    assert contacts.get_contact(session, account.id, contact.id).phone_key == "+493023125001"


def test_country_when_it_makes_two_contacts_one_is_refused(
    make_account: Make, make_contact: Make, session: Session
) -> None:
    account = make_account()
    make_contact(account, "Petrov", phone="030 23125001")
    make_contact(account, "Petrov", phone="+49 30 23125001")
    with pytest.raises(DuplicateContact):
        accounts.edit_account(session, ADA, account.id, {"country": "DE"}, None)


def test_account_when_unknown_is_not_found(session: Session) -> None:
    nobody = uuid.uuid4()
    for call in (
        lambda: accounts.get_account(session, nobody),
        lambda: accounts.edit_account(session, ADA, nobody, {}, 1),
        lambda: accounts.delete_account(session, ADA, nobody, 1),
        lambda: accounts.restore_account(session, ADA, nobody),
    ):
        with pytest.raises(AccountNotFound):
            call()


def test_deletion_when_undone_brings_back_all_of_it(make_account: Make, make_contact: Make, session: Session) -> None:
    account = make_account("Cobalt Labs", code="007", tags=["a"], attributes={"Shoe": "43"}, notes="x", country="FR")
    contact = make_contact(account, "Petrov", phone="04 72 00 00 00", job_title="Owner")
    with unit_of_work() as work:
        set_account_status(work, ADA, account.id, "inactive", "Closed down")
    before = as_dict(accounts.get_account(session, account.id))
    contact_before = as_dict(contacts.get_contact(session, account.id, contact.id))
    accounts.delete_account(session, BEN, account.id, 2)
    session.expunge_all()
    assert session.scalars(select(Contact)).all() == []
    assert found(session, "cobalt", status="all") == []
    restored = accounts.restore_account(session, BEN, account.id)
    after = as_dict(restored)
    assert after.pop("version") == before.pop("version") + 1
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= {"updated_at"}
    contact_after = as_dict(contacts.get_contact(session, account.id, contact.id))
    assert contact_after.pop("version") == contact_before.pop("version") + 1
    assert {name for name in contact_after if contact_after[name] != contact_before[name]} <= {"updated_at"}
    assert found(session, "petrov", status="inactive") == ["Cobalt Labs"]


def as_dict(record: Account | Contact) -> dict[str, Any]:
    return {column.name: getattr(record, column.name) for column in record.__table__.columns}


def test_deletion_when_stale_or_not_done_is_refused(make_account: Make, session: Session) -> None:
    account = make_account(code="007")
    with pytest.raises(RecordChanged):
        accounts.delete_account(session, ADA, account.id, 9)
    with pytest.raises(NotDeleted):
        accounts.restore_account(session, ADA, account.id)
    accounts.delete_account(session, ADA, account.id, 1)
    make_account("Newcomer", code="007")
    with pytest.raises(CodeTaken):
        accounts.restore_account(session, ADA, account.id)


def test_status_when_changed_is_recorded_and_told(make_account: Make, session: Session) -> None:
    account = make_account(code="007")
    with pytest.raises(ReasonMissing):
        set_account_status(session, ADA, account.id, "inactive", None)
    inactive = set_account_status(session, BEN, account.id, "inactive", "Closed down", 1)
    assert (inactive.status, inactive.status_reason, inactive.status_by_name) == (
        "inactive",
        "Closed down",
        "Ben Baker",
    )
    assert inactive.status_at is not None
    assert set_account_status(session, ADA, account.id, "inactive", "Closed down").version == 2, "nothing to do"
    assert found(session, account.name) == []
    active = set_account_status(session, ADA, account.id, "active", None)
    assert (active.status, active.status_reason, active.version) == ("active", None, 3)
    told = session.scalars(select(Outbox).order_by(Outbox.event_id)).all()
    assert {(event.name, event.payload["active"], event.payload["reason"], event.payload["ip"]) for event in told} == {
        ("customers.account_status_changed.v1", False, "Closed down", BEN.ip),
        ("customers.account_status_changed.v1", True, "", ADA.ip),
    }


def test_lookup_by_code_when_written_otherwise_finds_that_one_only(make_account: Make, session: Session) -> None:
    make_account("One", code="AB-1")
    make_account("Two", code="AB-10")
    assert [one.name for one in accounts_with_code(session, "ab-1 ")] == ["One"]
    assert accounts_with_code(session, "AB") == []
    assert accounts_with_code(session, "--") == []
