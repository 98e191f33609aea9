"""Taking back what a chunk did (I10), record by record and field by field."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.customers.domain import accounts, copies
from services.customers.domain import contacts as people
from services.customers.domain.history import read_history
from services.customers.domain.status import set_account_status, set_contact_status
from services.customers.models import Account, Change, Contact, Outbox
from tests.customers.bulk_chunks import (
    account,
    apply,
    check_derived,
    contacts,
    counts,
    reasons,
    sample_rows,
    undo,
    undone,
)
from tests.customers.conftest import ADA, BEN

FIRST, SECOND, THIRD = (uuid.UUID(int=number) for number in (1, 2, 3))
ACME = {"code": "K1", "name": "Acme", "phone": "030 901820", "country": "DE", "tags": "a;b", "notes": "old"}
ANN = {"contact_first_name": "Ann", "contact_last_name": "Doe", "contact_email": "ann@acme.example"}
MORE = {"contact_last_name": "Doe", "contact_job_title": "Boss"}
Edit = Callable[[Session], Any]


def state(session: Session) -> list[Any]:
    """Return all that people see of all records, without versions and moments."""
    session.expire_all()
    kept = []
    for one in session.scalars(select(Account).order_by(Account.code_key)):
        values = {c.name: getattr(one, c.name) for c in Account.__table__.columns if c.name not in MOVES}
        theirs = [
            {c.name: getattr(each, c.name) for c in Contact.__table__.columns if c.name not in MOVES}
            for each in contacts(session, one.code)
        ]
        kept.append((values, theirs))
    return kept


MOVES = ("version", "updated_at", "search")


# Created


def test_created_records_when_untouched_are_removed_with_their_contacts(session: Session) -> None:
    apply(session, *sample_rows(), id=FIRST)
    answer = undo(session, FIRST)
    assert undone(answer) == {"removed": 3}
    assert (answer["left"], answer["repeated"]) == ([], False)
    assert session.scalars(select(Account)).all() == session.scalars(select(Contact)).all() == []


def test_undo_when_it_comes_again_answers_the_same_and_does_nothing(session: Session) -> None:
    apply(session, ACME, id=FIRST)
    first = undo(session, FIRST)
    apply(session, ACME, id=SECOND)
    assert undo(session, FIRST) == first | {"repeated": True}
    assert account(session, "K1").created_job == SECOND


def edit_name(session: Session) -> None:
    one = account(session, "K1")
    accounts.edit_account(session, BEN, one.id, {"city": "Ghent"}, None)


def make_inactive(session: Session) -> None:
    set_account_status(session, BEN, account(session, "K1").id, "inactive", "moved")


def add_contact(session: Session) -> None:
    people.add_contact(session, BEN, account(session, "K1").id, {"last_name": "Poe"})


def edit_contact(session: Session) -> None:
    one = account(session, "K1")
    people.edit_contact(session, BEN, one.id, contacts(session, "K1")[0].id, {"job_title": "Buyer"}, None)


def contact_inactive(session: Session) -> None:
    one = account(session, "K1")
    set_contact_status(session, BEN, one.id, contacts(session, "K1")[0].id, "inactive", "left")


def remove_contact(session: Session) -> None:
    people.remove_contact(session, BEN, account(session, "K1").id, contacts(session, "K1")[0].id, None)


def bring_back(session: Session) -> None:
    one = account(session, "K1").id
    accounts.delete_account(session, BEN, one, None)
    accounts.restore_account(session, BEN, one)


def later_import(session: Session) -> None:
    apply(session, {"code": "K1", "notes": "newer"}, id=SECOND)


def later_contact(session: Session) -> None:
    apply(session, {"code": "K1", "contact_last_name": "Roe", "contact_email": "roe@acme.example"}, id=SECOND)


def give_to_associate(session: Session) -> None:
    dana = uuid.uuid4()
    copies.save_associate(session, dana, "A1", "Dana Dealer", active=True)
    copies.change_links(session, [], [[str(account(session, "K1").id), str(dana), "manages"]])


@pytest.mark.parametrize(
    ("edit", "reason", "words"),
    [
        (give_to_associate, "looked_after", "Dana Dealer looks after it."),
        (edit_name, "changed", "Ben Baker changed it since."),
        (make_inactive, "status_changed", "Ben Baker made it active or inactive since."),
        (add_contact, "contacts_changed", "Ben Baker added a contact since."),
        (edit_contact, "contacts_changed", "Ben Baker changed a contact since."),
        (contact_inactive, "contacts_changed", "Ben Baker changed a contact since."),
        (remove_contact, "contacts_changed", "Ben Baker removed a contact since."),
        (bring_back, "brought_back", "Ben Baker brought it back after it was deleted."),
        (later_import, "changed", "Another import by Carla Chief changed it since."),
        (later_contact, "contacts_changed", "Another import by Carla Chief added a contact since."),
    ],
)
def test_created_customer_when_touched_since_stays_with_all_it_has(
    session: Session, edit: Edit, reason: str, words: str
) -> None:
    apply(session, ACME | ANN, {"code": "K2", "name": "Bolt"}, id=FIRST)
    edit(session)
    before = state(session)
    answer = undo(session, FIRST)
    assert undone(answer) == {"removed": 1, "kept": 1}
    assert reasons(answer) == [("customer", None, reason)]
    assert answer["left"][0]["message"] == words
    assert answer["left"][0]["label"] == "K1 Acme"
    assert answer["left"][0]["url"] == f"/customers/{account(session, 'K1').id}"
    assert state(session) == before[:1]


def test_created_customer_when_deleted_since_is_gone(session: Session) -> None:
    apply(session, ACME | ANN, {"code": "K2", "name": "Bolt"}, id=FIRST)
    accounts.delete_account(session, BEN, account(session, "K1").id, None)
    assert undone(undo(session, FIRST)) == {"removed": 1, "gone": 1}


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_created_customer_when_only_its_own_import_changed_it_goes(session: Session, order: tuple[int, int]) -> None:
    told = {"id": FIRST, "match": "email"}
    apply(session, {"email": "a@acme.example", "name": "Acme", **ANN}, **told)
    answer = apply(session, {"contact_email": "ann@acme.example", "notes": "n", **MORE}, **told, no=2)
    assert counts(answer) == {"updated": 1}
    answers = [undone(undo(session, FIRST, no)) for no in order]
    assert {"removed": 1} in answers
    assert not any("kept" in one or "gone" in one for one in answers)
    assert session.scalars(select(Account)).all() == []


# Updated


def test_updated_customer_gets_back_every_field_and_contact(session: Session, make_account: Any) -> None:
    make_account(
        "Acme", code="K1", email="old@acme.example", phone="030 901820", country="DE", tags=["a", 'b "x", y'],
        attributes={"size": "9", "since": "2001"}, notes="line\ntwo", is_vendor=True,
    )  # fmt: skip
    apply(session, {"code": "K1", **ANN, "contact_phone": "030 5"}, id=SECOND)
    before, words = state(session), account(session, "K1").search
    everything = {
        "code": "K1", "name": "Ácme & Söhne", "kind": "person", "roles": "customer", "email": "new@acme.example",
        "phone": "040 1", "phone2": "040 23", "website": "acme.example", "tax_id": "T1", "street": "S 1",
        "city": "Łódź", "region": "R", "postal_code": "01", "country": "FR", "tags": "c", "source": "fair",
        "notes": "new", "_attributes": json.dumps({"size": "10", "colour": "red"}),
        "contact_first_name": "Ann", "contact_last_name": "Doe", "contact_email": "ann@acme.example",
        "contact_job_title": "Boss", "contact_phone": "040 999",
    }  # fmt: skip
    assert counts(apply(session, everything, id=FIRST)) == {"updated": 1}
    assert state(session) != before
    answer = undo(session, FIRST)
    assert (undone(answer), answer["left"]) == ({"restored": 1}, [])
    assert state(session) == before
    assert (account(session, "K1").search, account(session, "K1").version) == (words, 3)
    check_derived(session)


def test_field_when_changed_since_stays_and_the_others_go_back(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1", phone="030 901820", city="Ghent", attributes={"a": "1", "b": "1"})
    row = {"code": "K1", "phone": "040 12345", "city": "Lyon", "name": "Acme Ltd"}
    apply(session, row | {"_attributes": '{"a": "2", "b": "2", "c": "2"}'}, id=FIRST)
    edit = {"city": "Oslo", "attributes": {"a": "2", "b": "3", "c": "2"}}
    accounts.edit_account(session, BEN, one.id, edit, None)
    answer = undo(session, FIRST)
    assert undone(answer) == {"kept": 1}
    assert reasons(answer) == [("customer", "attributes.b", "changed"), ("customer", "city", "changed")]
    assert answer["left"][1]["message"] == "Ben Baker changed it since."
    now = account(session, "K1")
    assert (now.name, now.phone, now.city) == ("Acme", "030 901820", "Oslo")
    assert now.attributes == {"a": "1", "b": "3"}
    check_derived(session)


def test_field_when_somebody_put_the_old_value_back_needs_nothing(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon"}, id=FIRST)
    accounts.edit_account(session, BEN, one.id, {"city": "Ghent"}, None)
    version = account(session, "K1").version
    assert undone(undo(session, FIRST)) == {}
    assert account(session, "K1").version == version


def test_field_when_changed_and_changed_back_to_the_imported_value_stays(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon"}, id=FIRST)
    for city in ("Oslo", "Lyon"):
        accounts.edit_account(session, BEN, one.id, {"city": city}, None)
    assert reasons(undo(session, FIRST)) == [("customer", "city", "changed")]
    assert account(session, "K1").city == "Lyon"


def test_field_when_a_later_import_changed_it_stays_and_says_so(session: Session, make_account: Any) -> None:
    make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon", "notes": "n"}, id=FIRST)
    apply(session, {"code": "K1", "city": "Oslo"}, id=SECOND)
    answer = undo(session, FIRST)
    assert answer["left"][0]["message"] == "Another import by Carla Chief changed it since."
    assert (account(session, "K1").city, account(session, "K1").notes) == ("Oslo", None)


def test_status_when_changed_since_stays_and_fields_go_back(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon"}, id=FIRST)
    set_account_status(session, BEN, one.id, "inactive", "moved")
    assert undone(undo(session, FIRST)) == {"restored": 1}
    assert (account(session, "K1").city, account(session, "K1").status) == ("Ghent", "inactive")


def test_customer_when_deleted_since_an_update_is_gone(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1")
    apply(session, {"code": "K1", "city": "Lyon"}, id=FIRST)
    accounts.delete_account(session, BEN, one.id, None)
    assert undone(undo(session, FIRST)) == {"gone": 1}


def test_customer_when_deleted_and_brought_back_since_an_update_gets_its_fields(
    session: Session, make_account: Any
) -> None:
    one = make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon"}, id=FIRST)
    accounts.delete_account(session, BEN, one.id, None)
    accounts.restore_account(session, BEN, one.id)
    assert undone(undo(session, FIRST)) == {"restored": 1}
    assert account(session, "K1").city == "Ghent"


def test_role_when_it_would_be_the_last_one_stays(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1")
    apply(session, {"code": "K1", "roles": "both"}, id=FIRST)
    accounts.edit_account(session, BEN, one.id, {"is_customer": False}, None)
    answer = undo(session, FIRST)
    assert reasons(answer) == [("customer", "roles", "role_missing")]
    assert account(session, "K1").is_vendor


# Contacts of customers that were there


def test_added_contact_when_untouched_is_removed(session: Session, make_account: Any) -> None:
    make_account("Acme", code="K1")
    words = account(session, "K1").search
    apply(session, {"code": "K1", **ANN}, id=FIRST)
    assert undone(undo(session, FIRST)) == {"restored": 1}
    assert contacts(session, "K1") == []
    assert (account(session, "K1").search, account(session, "K1").version) == (words, 1)


def test_added_contact_when_changed_since_stays(session: Session, make_account: Any) -> None:
    make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon", **ANN}, id=FIRST)
    edit_contact(session)
    answer = undo(session, FIRST)
    assert undone(answer) == {"kept": 1}
    assert reasons(answer) == [("contact", None, "changed")]
    assert answer["left"][0]["label"] == "Ann Doe (K1 Acme)"
    assert account(session, "K1").city == "Ghent"


def test_contact_field_when_another_contact_took_its_place_stays(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", **ANN}, id=SECOND)
    changed = {"contact_first_name": "Ann", "contact_last_name": "Doe", "contact_email": "new@acme.example"}
    assert counts(apply(session, {"code": "K1", "city": "Lyon", **changed}, id=FIRST)) == {"updated": 1}
    people.add_contact(session, BEN, one.id, {"last_name": "Poe", "email": "ann@acme.example"})
    answer = undo(session, FIRST)
    assert reasons(answer) == [("contact", "contact_email", "duplicate_contact")]
    assert [each.email for each in contacts(session, "K1")] == ["new@acme.example", "ann@acme.example"]
    assert account(session, "K1").city == "Ghent"
    check_derived(session)


def test_contacts_when_an_import_exchanged_their_addresses_get_them_back(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1")
    for name in ("Doe", "Poe"):
        people.add_contact(session, ADA, one.id, {"last_name": name, "email": f"{name}@acme.example"})
    before = state(session)
    for no, (name, email) in enumerate([("Doe", "x"), ("Poe", "doe"), ("Doe", "poe")], 1):
        row = {"code": "K1", "contact_last_name": name, "contact_email": f"{email}@acme.example"}
        assert counts(apply(session, row, id=FIRST, no=no)) == {"updated": 1}
    for no in (2, 1, 3):
        undo(session, FIRST, no)
    assert state(session) == before
    check_derived(session)


# Several jobs, several chunks


def test_jobs_when_undone_newest_first_leave_nothing(session: Session, make_account: Any) -> None:
    make_account("Acme", code="K1", city="Ghent")
    before = state(session)
    rows: list[dict[str, str | None]] = [
        {"code": "K1", "city": "Lyon", "_attributes": '{"a": "1"}', **ANN},
        {"code": "K1", "city": "Oslo", "_attributes": '{"a": "2"}', "contact_email": "new@acme.example"},
        {"code": "K1", "city": "Lyon", "contact_last_name": "Roe", "contact_email": "roe@acme.example"},
    ]
    for job_id, row in zip((FIRST, SECOND, THIRD), rows, strict=True):
        apply(session, row, {"code": "K2", "name": "Bolt", "notes": str(job_id)}, id=job_id)
    for job_id in (THIRD, SECOND, FIRST):
        assert undo(session, job_id)["left"] == []
    assert state(session) == before
    check_derived(session)


def test_record_when_two_chunks_of_a_job_changed_it_gets_back_the_first_value_in_any_order(
    session: Session, make_account: Any
) -> None:
    make_account("Acme", code="K1", city="Ghent")
    for no, city in enumerate(("Lyon", "Oslo", "Rome"), 1):
        apply(session, {"code": "K1", "city": city}, id=FIRST, no=no)
    assert [undone(undo(session, FIRST, no)) for no in (2, 1, 3)] == [{"restored": 1}, {}, {}]
    assert account(session, "K1").city == "Ghent"


@pytest.mark.parametrize("older", [FIRST, SECOND], ids=["created", "changed"])
def test_import_when_it_brought_back_what_it_found_stands_in_nobodys_way(session: Session, older: uuid.UUID) -> None:
    apply(session, ACME, id=FIRST)
    if older == SECOND:
        apply(session, {"code": "K1", "notes": "newer"}, id=SECOND)
    before = state(session)
    for no, notes in enumerate(["other", before[0][0]["notes"]]):
        apply(session, {"code": "K1", "notes": notes}, id=THIRD, no=no)
    for no in range(2):
        assert undone(undo(session, THIRD, no)) == {}
    assert state(session) == before
    assert undo(session, older)["left"] == []


def test_import_whose_contact_went_stands_in_nobodys_way(session: Session) -> None:
    apply(session, ACME, id=FIRST)
    apply(session, {"code": "K1", **ANN}, id=SECOND)
    apply(session, {"code": "K1", "contact_email": ANN["contact_email"], "contact_job_title": "Boss"}, id=SECOND, no=2)
    assert undo(session, SECOND)["left"] == []
    assert undone(undo(session, FIRST)) == {"removed": 1}


def test_chunk_when_never_applied_has_nothing_to_take_back_and_never_comes(session: Session) -> None:
    assert undone(undo(session, FIRST)) == {}
    with pytest.raises(Exception, match="another content"):
        apply(session, ACME, id=FIRST)


# What is told


def test_history_tells_who_took_what_back(session: Session, make_account: Any) -> None:
    one = make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon", **ANN}, {"code": "K2", "name": "Bolt"}, id=FIRST)
    created = account(session, "K2").id
    undo(session, FIRST)
    entries, _ = read_history(session, one.id)
    found = [
        (entry.actor_name, entry.job_id, entry.contact_name, [(c.field, c.old, c.new) for c in entry.changes])
        for entry in entries
        if entry.action == "undone"
    ]
    assert sorted(found, key=str) == [
        ("Uma Undoer", FIRST, "Ann Doe", [("first_name", "Ann", None), ("last_name", "Doe", None)]),
        ("Uma Undoer", FIRST, None, [("city", "Lyon", "Ghent")]),
    ]
    assert [entry.action for entry in read_history(session, created)[0]] == ["undone"]
    events = session.scalars(select(Outbox).where(Outbox.name == "customers.accounts_taken_back.v2")).all()
    assert [(one.payload["removed"], one.payload["restored"]) for one in events] == [([str(created)], 1)]


def test_versions_when_taken_back_only_go_up(session: Session, make_account: Any) -> None:
    make_account("Acme", code="K1", city="Ghent")
    apply(session, {"code": "K1", "city": "Lyon"}, id=FIRST)
    undo(session, FIRST)
    versions = session.scalars(select(Change.version).order_by(Change.version)).all()
    assert (versions, account(session, "K1").version) == ([1, 2, 3], 3)
