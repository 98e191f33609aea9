"""What a chunk of customers does (I1, I6): created, updated, unchanged, skipped or refused, with history."""

import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.customers.domain import codes, history
from services.customers.domain.accounts import edit_account
from services.customers.models import Account, Change, Outbox, Receipt
from tests.customers.bulk_chunks import (
    CARLA,
    account,
    apply,
    changes,
    check_derived,
    contacts,
    counts,
    everything,
    job,
    refused,
    sample_rows,
)
from tests.customers.conftest import ADA

COBALT: dict[str, str | None] = {"code": "C1", "name": "Cobalt", "email": "office@cobalt.example", "city": "Lyon"}


# --- creating


def test_file_of_a_public_generator_when_imported_creates_every_customer_with_contact(session: Session) -> None:
    answer = apply(session, *sample_rows())
    assert counts(answer) == {"created": 3}
    bauer = account(session, "Ev0nA1ye7f")
    assert (bauer.name, bauer.kind, bauer.city, bauer.country) == ("Bauer, Poole and Sons", "company", "Łódź", "KR")
    assert (bauer.email, bauer.phone, bauer.website) == (None, None, "http://bauer.co.uk/")
    assert bauer.attributes == {"Index": "3", "Subscription Date": "2021-01-31"}
    assert (bauer.created_by, bauer.created_by_name, bauer.version) == (CARLA, "Carla Chief", 1)
    [shane] = contacts(session, "Ev0nA1ye7f")
    assert (shane.first_name, shane.last_name, shane.is_primary) == ("Shane", "O'Neil", True)
    assert (shane.phone, shane.phone_key) == ("001-951-364-3940x09329", "+19513643940")
    check_derived(session)


def test_chunk_when_it_created_records_leaves_their_ids_for_undo_and_one_event(session: Session) -> None:
    told = job()
    apply(session, *sample_rows(), id=told.id)
    receipt = session.scalars(select(Receipt).where(Receipt.job_id == told.id)).one()
    packed = receipt.created_ids or b""
    ids = {uuid.UUID(bytes=packed[at : at + 16]) for at in range(0, len(packed), 16)}
    assert ids == set(session.scalars(select(Account.id)))
    [event] = session.scalars(select(Outbox).where(Outbox.name == "customers.accounts_imported.v1"))
    assert event.payload == {
        "job_id": str(told.id),
        "chunk_no": 1,
        "created": 3,
        "updated": 0,
        "file_name": "customers.csv",
        "actor_id": str(CARLA),
        "actor_name": "Carla Chief",
    }
    assert changes(session) == []


def test_created_record_when_its_history_is_read_names_the_job(session: Session) -> None:
    told = job()
    apply(session, COBALT, id=told.id)
    entries, _ = history.read_history(session, account(session, "C1").id)
    assert [(entry.action, entry.actor_name, entry.job_id) for entry in entries] == [
        ("created", "Carla Chief", told.id)
    ]


def test_row_when_roles_and_kind_are_blank_makes_a_company_that_buys(session: Session) -> None:
    apply(session, COBALT, {"code": "C2", "name": "Jo", "kind": "person", "roles": "vendor"})
    one, two = account(session, "C1"), account(session, "C2")
    assert (one.kind, one.is_customer, one.is_vendor) == ("company", True, False)
    assert (two.kind, two.is_customer, two.is_vendor) == ("person", False, True)


def test_row_without_name_when_it_has_a_contact_is_that_person(session: Session) -> None:
    answer = apply(
        session,
        {"code": "P1", "contact_first_name": "Ada", "contact_last_name": "Lovelace", "contact_email": "ada@ex.example"},
        {"code": "P2", "contact_first_name": "Cher"},
        {"code": "P3", "kind": "company", "contact_last_name": "Nobody"},
        {"code": "P4"},
    )
    assert counts(answer) == {"created": 2, "failed": 2}
    assert refused(answer) == [(3, "name", "name_required"), (4, "name", "name_required")]
    ada, cher = account(session, "P1"), account(session, "P2")
    assert (ada.name, ada.kind, cher.name) == ("Ada Lovelace", "person", "Cher")
    assert [(one.first_name, one.last_name) for one in contacts(session, "P2")] == [(None, "Cher")]
    check_derived(session)


def test_contact_without_name_when_new_is_the_person_or_refused(session: Session) -> None:
    answer = apply(
        session,
        {"code": "N1", "name": "Jo Ray", "kind": "person", "contact_email": "jo@ray.example"},
        {"code": "N2", "name": "Ray Ltd", "contact_email": "jo@ray.example"},
    )
    assert refused(answer) == [(2, "contact_last_name", "contact_name_required")]
    assert [one.last_name for one in contacts(session, "N1")] == ["Jo Ray"]


def test_row_when_text_is_hard_to_carry_arrives_unchanged(session: Session) -> None:
    hard = {
        "code": "00042",
        "name": 'Quote " comma , semi ; back\\slash \\N \\. “x” 🙂 مرحبا <b>&amp;</b>',
        "notes": 'line one\nline "two"\n\\.\n,;',
        "tags": 'a "b" \\c;{d};NULL;ü',
        "_attributes": '{"k\\"ey": "v\\\\al,{}"}',
        "street": "NULL",
        "contact_last_name": "\\N",
    }
    assert counts(apply(session, hard)) == {"created": 1}
    one = account(session, "00042")
    assert (one.name, one.notes, one.street) == (hard["name"], hard["notes"], "NULL")
    assert one.tags == ['a "b" \\c', "{d}", "NULL", "ü"]
    assert one.attributes == {'k"ey': "v\\al,{}"}
    assert contacts(session, "00042")[0].last_name == "\\N"
    assert counts(apply(session, hard)) == {"unchanged": 1}


def test_row_when_a_name_has_500_letters_is_created(session: Session) -> None:
    assert counts(apply(session, {"code": "L", "name": "é" * 500, "contact_last_name": "ß" * 300})) == {"created": 1}


def test_chunk_when_the_planner_believes_in_an_empty_table_counts_it(session: Session) -> None:
    rows = [{"code": f"A{number}", "name": "x", "contact_last_name": "y"} for number in range(50)]
    apply(session, *rows)
    session.execute(text("LOCK TABLE account IN SHARE UPDATE EXCLUSIVE MODE"))  # as ANALYZE does, before its row here
    session.execute(text("UPDATE pg_class SET reltuples = 0, relpages = 5000 WHERE oid = 'account'::regclass"))
    apply(session, *rows)
    found = session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'account'::regclass"))
    assert found is not None
    assert found >= 50


# --- matching


def test_row_when_its_code_is_blank_is_refused(session: Session) -> None:
    answer = apply(session, COBALT, {"code": None, "name": "Nameless"})
    assert refused(answer) == [(2, "code", "code_required")]
    assert counts(answer) == {"created": 1, "failed": 1}


def test_rows_without_a_code_when_all_are_only_added_get_one(session: Session) -> None:
    taken = codes.next_codes(session, 1)[0]
    theirs = f"{taken[0]}{int(taken[1:]) + 1}"
    rows = [{"code": None, "name": "Ann"}, {"code": theirs, "name": "Bo"}, {"code": None, "name": "Ann"}]
    answer = apply(session, *rows, mode="create")
    assert counts(answer) == {"created": 3}
    made = dict(session.execute(select(Account.code, Account.name)).all())
    assert made.pop(theirs) == "Bo"
    assert list(made.values()) == ["Ann", "Ann"]


def test_row_when_its_code_is_written_otherwise_finds_the_account(session: Session) -> None:
    apply(session, COBALT)
    assert counts(apply(session, {"code": " c\u200b1", "city": "Nice"})) == {"updated": 1}
    assert account(session, "C1").city == "Nice"


def test_row_when_its_key_comes_twice_in_a_chunk_is_refused_the_second_time(session: Session) -> None:
    answer = apply(session, COBALT, {**COBALT, "code": "c1", "city": "Nice"})
    assert refused(answer) == [(2, "code", "repeated_key")]
    assert account(session, "C1").city == "Lyon"


def test_email_when_it_is_the_accounts_or_its_primary_contacts_finds_the_account(session: Session) -> None:
    apply(
        session, COBALT, {"code": "C2", "name": "Dune", "contact_last_name": "Doe", "contact_email": "Doe@dune.example"}
    )
    answer = apply(
        session,
        {"email": "OFFICE@cobalt.example", "notes": "one"},
        {"email": "doe@dune.example", "notes": "two"},
        match="email",
        mode="update",
    )
    assert counts(answer) == {"updated": 2}
    cobalt, dune = account(session, "C1"), account(session, "C2")
    assert (cobalt.notes, cobalt.email) == ("one", "office@cobalt.example")
    assert (dune.notes, dune.email) == ("two", None)
    check_derived(session)


def test_email_of_a_person_when_the_file_has_no_other_finds_the_account(session: Session) -> None:
    apply(session, *sample_rows())
    again = [{name: cell for name, cell in row.items() if name != "code"} for row in sample_rows()]
    assert counts(apply(session, *again, match="email")) == {"unchanged": 3}


def test_email_when_it_fits_several_accounts_is_refused_naming_them(session: Session) -> None:
    apply(session, COBALT, {**COBALT, "code": "C2"})
    answer = apply(session, {"email": "office@cobalt.example", "city": "Nice"}, match="email")
    assert refused(answer) == [(1, "email", "ambiguous_match")]
    assert "C1, C2" in answer["refusals"][0]["message"]
    assert account(session, "C1").city == "Lyon"


def test_email_when_blank_and_needed_is_refused(session: Session) -> None:
    answer = apply(session, {"email": None, "name": "Cobalt"}, {"email": "a@b.example", "name": "A"}, match="email")
    assert refused(answer) == [(1, "email", "email_required")]


def test_code_when_missing_and_matched_by_email_is_given(session: Session) -> None:
    apply(session, *({"email": f"{one}@ex.example", "name": one} for one in "abc"), match="email")
    codes = session.scalars(select(Account.code).order_by(Account.code)).all()
    assert len(codes) == 3
    assert all(code.startswith("C1") and code[1:].isdigit() for code in codes)


def test_code_when_matched_by_email_is_taken_for_new_accounts_and_never_changed(session: Session) -> None:
    apply(session, COBALT)
    answer = apply(
        session,
        {"email": "office@cobalt.example", "name": "Cobalt", "code": "C9"},
        {"email": "new@ex.example", "name": "New", "code": "c1"},
        {"email": "one@ex.example", "name": "One", "code": "C7"},
        {"email": "two@ex.example", "name": "Two", "code": "c7"},
        match="email",
    )
    assert refused(answer) == [(1, "code", "code_differs"), (2, "code", "code_taken"), (4, "code", "repeated_code")]
    assert sorted(session.scalars(select(Account.code))) == ["C1", "C7"]


def test_account_when_two_rows_speak_of_it_gets_both(session: Session) -> None:
    apply(session, {**COBALT, "contact_last_name": "Doe", "contact_email": "doe@cobalt.example"})
    answer = apply(
        session,
        {"email": "office@cobalt.example", "notes": "first"},
        {"email": "doe@cobalt.example", "notes": "second"},
        match="email",
    )
    assert counts(answer) == {"updated": 2}
    one = account(session, "C1")
    assert (one.notes, one.version) == ("second", 3)


# --- modes


@pytest.mark.parametrize(
    ("mode", "expected", "city"),
    [
        ("create", {"created": 1, "skipped": 1}, "Lyon"),
        ("update", {"updated": 1, "skipped": 1}, "Nice"),
        ("both", {"created": 1, "updated": 1}, "Nice"),
    ],
)
def test_mode_when_chosen_skips_what_it_leaves_out(
    session: Session, mode: str, expected: dict[str, int], city: str
) -> None:
    apply(session, COBALT)
    answer = apply(session, {"code": "C1", "city": "Nice"}, {"code": "C2", "name": "Dune", "city": "Nice"}, mode=mode)
    assert counts(answer) == expected
    assert account(session, "C1").city == city


def test_same_file_when_it_comes_again_writes_nothing(session: Session) -> None:
    rows = [*sample_rows(), COBALT, {"code": "P1", "contact_first_name": "Cher", "contact_phone": "1234567"}]
    apply(session, *rows)
    before = everything(session)
    assert counts(apply(session, *rows)) == {"unchanged": 5}
    assert everything(session) == before


# --- updating


def test_row_when_fields_differ_changes_them_and_tells_so_once(session: Session) -> None:
    apply(session, {**COBALT, "tags": "a;b", "roles": "customer", "_attributes": '{"Size": "4", "Since": "2020"}'})
    told = job()
    answer = apply(
        session,
        {
            "code": "C1",
            "name": "Cobalt SA",
            "city": "Lyon",
            "tags": "b",
            "roles": "both",
            "_attributes": '{"Size": "5"}',
        },
        id=told.id,
    )
    assert counts(answer) == {"updated": 1}
    [(fields, version)] = changes(session)
    assert fields == {
        "name": ["Cobalt", "Cobalt SA"],
        "tags": [["a", "b"], ["b"]],
        "is_vendor": [False, True],
        "attributes": [{"Size": "4", "Since": "2020"}, {"Size": "5", "Since": "2020"}],
    }
    change = session.scalars(select(Change)).one()
    assert (change.job_id, change.actor_id, change.actor_name) == (told.id, CARLA, "Carla Chief")
    assert account(session, "C1").version == version == 2
    check_derived(session)


def test_history_when_written_by_a_person_and_by_an_import_has_one_form(
    session: Session, make_account: Callable[..., Account]
) -> None:
    values = {"city": "Nice", "tags": ["x"], "is_vendor": True, "country": "FR", "notes": None}
    for code in ("C1", "C2"):
        make_account(code=code, city="Lyon", tags=["a"], notes="n", country="DE")
    edit_account(session, ADA, account(session, "C1").id, values, None)
    session.flush()
    row = {"code": "C2", "city": "Nice", "tags": "x", "roles": "both", "country": "FR", "notes": None}
    apply(session, row, blank="clear")
    by_hand, by_import = (fields for fields, _ in changes(session))
    assert by_hand == by_import


def test_blank_when_it_keeps_leaves_everything(session: Session) -> None:
    apply(session, {**COBALT, "phone": "12345", "contact_last_name": "Doe", "contact_phone": "99999"})
    before = everything(session)
    blank = dict.fromkeys(("name", "email", "city", "phone", "contact_last_name", "contact_phone"))
    assert counts(apply(session, {"code": "C1", **blank})) == {"unchanged": 1}
    assert everything(session) == before


def test_blank_when_it_clears_empties_mapped_fields_but_never_name_kind_and_roles(session: Session) -> None:
    full = {
        **COBALT,
        "kind": "person",
        "roles": "vendor",
        "tags": "a",
        "notes": "n",
        "phone": "12345",
        "website": "a.de",
    }
    apply(session, full)
    blanks = dict.fromkeys(("name", "kind", "roles", "email", "city", "tags", "notes", "phone"))
    assert counts(apply(session, {"code": "C1", **blanks}, blank="clear")) == {"updated": 1}
    one = account(session, "C1")
    assert (one.name, one.kind, one.is_customer, one.is_vendor) == ("Cobalt", "person", False, True)
    assert (one.email, one.email_key, one.city, one.tags, one.notes, one.phone_key) == (
        None,
        None,
        None,
        [],
        None,
        None,
    )
    assert one.website == "https://a.de"
    assert counts(apply(session, {"code": "C1", **blanks}, blank="clear")) == {"unchanged": 1}


def test_inactive_account_when_updated_stays_inactive(session: Session, make_account: Callable[..., Account]) -> None:
    made = make_account(code="C1")
    session.execute(text("UPDATE account SET status = 'inactive', status_reason = 'closed'"))
    assert counts(apply(session, {"code": "C1", "city": "Nice"})) == {"updated": 1}
    session.expire_all()
    one = session.get_one(Account, made.id)
    assert (one.status, one.city) == ("inactive", "Nice")
