"""What a row does to the contacts of its account (C4, C5, I1)."""

from collections.abc import Callable

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.customers.models import Account, Contact, Receipt
from tests.customers.bulk_chunks import (
    account,
    apply,
    changes,
    check_derived,
    contacts,
    counts,
    job,
    refused,
)

COBALT: dict[str, str | None] = {"code": "C1", "name": "Cobalt", "email": "office@cobalt.example", "city": "Lyon"}


def with_contact(session: Session, **contact: str) -> None:
    apply(session, {**COBALT, **{f"contact_{name}": value for name, value in contact.items()}})


def test_contact_when_its_email_is_known_is_updated(session: Session) -> None:
    with_contact(session, first_name="Ann", last_name="Doe", email="ann@cobalt.example")
    row = {"code": "C1", "contact_last_name": "Roe", "contact_email": "ANN@cobalt.example", "contact_job_title": "Boss"}
    assert counts(apply(session, row)) == {"updated": 1}
    [ann] = contacts(session, "C1")
    assert (ann.first_name, ann.last_name, ann.job_title, ann.version) == ("Ann", "Roe", "Boss", 2)
    assert account(session, "C1").version == 1
    [(fields, version)] = changes(session)
    assert fields == {
        "last_name": ["Doe", "Roe"],
        "job_title": [None, "Boss"],
        "email": ["ann@cobalt.example", "ANN@cobalt.example"],
    }
    assert version == 2
    check_derived(session)


def test_contact_when_only_the_primary_ones_email_changed_is_that_person(session: Session) -> None:
    with_contact(session, first_name="Ann", last_name="Doe", email="ann@cobalt.example")
    row = {"code": "C1", "contact_first_name": "ann", "contact_last_name": "DOE", "contact_email": "doe@new.example"}
    assert counts(apply(session, row)) == {"updated": 1}
    [ann] = contacts(session, "C1")
    assert (ann.email, ann.contact_key) == ("doe@new.example", "e:doe@new.example")


def test_contact_when_unknown_is_added_beside_the_primary_one(session: Session) -> None:
    with_contact(session, last_name="Doe", email="doe@cobalt.example")
    told = job()
    row = {"code": "C1", "contact_last_name": "Poe", "contact_email": "poe@cobalt.example"}
    assert counts(apply(session, row, id=told.id)) == {"updated": 1}
    doe, poe = contacts(session, "C1")
    assert (doe.last_name, doe.is_primary, poe.last_name, poe.is_primary) == ("Doe", True, "Poe", False)
    assert poe.created_job == told.id
    receipt = session.scalars(select(Receipt).where(Receipt.job_id == told.id)).one()
    assert receipt.created_ids == poe.id.bytes
    assert "poe" in account(session, "C1").search
    assert changes(session) == []
    assert counts(apply(session, row)) == {"unchanged": 1}
    check_derived(session)


def test_contact_when_the_account_has_none_becomes_primary(session: Session) -> None:
    apply(session, COBALT)
    apply(session, {"code": "C1", "contact_last_name": "Doe"})
    assert [one.is_primary for one in contacts(session, "C1")] == [True]


def test_contact_without_name_when_there_is_a_primary_one_is_that_one(session: Session) -> None:
    with_contact(session, first_name="Ann", last_name="Doe")
    assert counts(apply(session, {"code": "C1", "contact_phone": "+33 1 23 45 67 89"})) == {"updated": 1}
    [ann] = contacts(session, "C1")
    assert (ann.first_name, ann.last_name, ann.phone_key) == ("Ann", "Doe", "+33123456789")
    assert ann.contact_key == "p:+33123456789:ann doe"


def test_contact_without_name_when_there_is_none_is_refused_and_nothing_of_the_row_is_written(session: Session) -> None:
    apply(session, COBALT)
    answer = apply(session, {"code": "C1", "city": "Nice", "contact_phone": "12345"})
    assert refused(answer) == [(1, "contact_last_name", "contact_name_required")]
    assert account(session, "C1").city == "Lyon"


def test_contact_when_it_would_be_there_twice_is_refused(
    session: Session, make_account: Callable[..., Account], make_contact: Callable[..., Contact]
) -> None:
    made = make_account(code="C1")
    make_contact(made, "Doe", phone="030 901820")
    make_contact(made, "Doe", phone="+49 30 901820")
    answer = apply(session, {"code": "C1", "country": "DE", "city": "Berlin"})
    assert refused(answer) == [(1, "contact_last_name", "duplicate_contact")]
    assert account(session, "C1").city is None


def test_contact_when_blank_clears_loses_what_is_mapped_and_blank(session: Session) -> None:
    with_contact(
        session, first_name="Ann", last_name="Doe", email="ann@cobalt.example", phone="12345", job_title="Boss"
    )
    row = {
        "code": "C1",
        "contact_first_name": None,
        "contact_last_name": "Doe",
        "contact_email": "ann@cobalt.example",
        "contact_phone": None,
    }
    apply(session, row, blank="clear")
    [ann] = contacts(session, "C1")
    assert (ann.first_name, ann.last_name, ann.phone, ann.job_title) == (None, "Doe", None, "Boss")
    only_email = {"contact_first_name": None, "contact_last_name": None, "contact_email": "ann@cobalt.example"}
    apply(session, {"code": "C1", "contact_first_name": "Ann", "contact_last_name": "Doe"})
    assert counts(apply(session, {"code": "C1", **only_email}, blank="clear")) == {"unchanged": 1}
    blanks = dict.fromkeys(("contact_last_name", "contact_email", "contact_phone"))
    assert counts(apply(session, {"code": "C1", **blanks}, blank="clear")) == {"unchanged": 1}


def test_contact_when_made_by_a_person_is_found_and_inactive_ones_too(
    session: Session, make_account: Callable[..., Account], make_contact: Callable[..., Contact]
) -> None:
    made = make_contact(make_account(code="C1"), "Doe", first_name="Ann", phone="030 123456")
    session.execute(text("UPDATE contact SET status = 'inactive'"))
    row = {"code": "C1", "contact_first_name": "Ann", "contact_last_name": "Doe", "contact_job_title": "Boss"}
    assert counts(apply(session, row)) == {"updated": 1}
    [ann] = contacts(session, "C1")
    assert (ann.id, ann.status, ann.job_title) == (made.id, "inactive", "Boss")


def test_country_when_it_changes_reads_all_phones_by_its_rules(
    session: Session, make_account: Callable[..., Account], make_contact: Callable[..., Contact]
) -> None:
    made = make_account(code="C1", phone="030 901820", country="DE")
    make_contact(made, "Doe", phone="01 23 45 67 89")
    make_contact(made, "Poe", phone="01 98 76 54 32")
    apply(session, {"code": "C1", "country": "France", "contact_last_name": "Doe"})
    assert [one.phone_key for one in contacts(session, "C1")] == ["+33123456789", "+33198765432"]
    check_derived(session)
