"""The second contact of a row of customers (I1): beside the primary one, from the first import to export and undo."""

import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from services.customers.bulk.kinds import kind_of
from services.customers.bulk.target import customers_target
from services.customers.domain import contacts as people
from services.imports.domain.matching import suggest
from services.imports.domain.target import Target
from shared.bulk import SEEN
from tests.customers.bulk_chunks import account, apply, check_derived, contacts, counts, frame, refused, undo, undone
from tests.customers.conftest import BEN
from tests.customers.test_dry_run import changes, check
from tests.customers.test_newer import exported
from tests.customers.test_undo import state

BOTH = {
    "code": "K1",
    "name": "Acme",
    "country": "DE",
    "contact_first_name": "Zoe",
    "contact_last_name": "Doe",
    "contact_email": "zoe@acme.example",
    "second_contact_first_name": "Bo",
    "second_contact_last_name": "Day",
    "second_contact_phone": "030 901820",
    "second_contact_job_title": "Boss",
}
FIRST, SECOND = (uuid.UUID(int=number) for number in (21, 22))


def seen(session: Session, code: str = "K1") -> list[tuple[Any, ...]]:
    return [(one.first_name, one.last_name, one.email, one.phone, one.is_primary) for one in contacts(session, code)]


def test_row_with_two_contacts_makes_both_and_again_changes_nothing(session: Session) -> None:
    assert counts(apply(session, BOTH)) == {"created": 1}
    assert seen(session) == [
        ("Zoe", "Doe", "zoe@acme.example", None, True),
        ("Bo", "Day", None, "030 901820", False),
    ]
    assert contacts(session, "K1")[1].job_title == "Boss"
    assert all(word in account(session, "K1").search for word in ("zoe", "bo day", "4930901820"))
    check_derived(session)
    assert counts(apply(session, BOTH)) == {"unchanged": 1}


def test_second_contact_when_it_is_the_only_one_is_the_primary_one(session: Session) -> None:
    only = {name: text for name, text in BOTH.items() if not name.startswith("contact_")}
    apply(session, only)
    apply(session, {"code": "K2", "name": "Other"})
    apply(session, {**only, "code": "K2"})
    assert [seen(session, code) for code in ("K1", "K2")] == [[("Bo", "Day", None, "030 901820", True)]] * 2


def test_second_contact_when_known_is_found_among_the_others_and_changed(session: Session) -> None:
    apply(session, BOTH)
    told = check(session, {**BOTH, "second_contact_phone": None, "second_contact_email": "bo@acme.example"})
    answer = apply(session, {**BOTH, "second_contact_phone": None, "second_contact_email": "bo@acme.example"})
    assert counts(told) == counts(answer) == {"updated": 1}
    assert changes(told) == {"second_contact_email": (None, "bo@acme.example")}
    assert answer["fields"] == {"second_contact_email": 1}
    assert seen(session)[1] == ("Bo", "Day", "bo@acme.example", "030 901820", False)
    cleared = {**BOTH, "second_contact_email": "bo@acme.example", "second_contact_job_title": None}
    apply(session, cleared, blanks={"second_contact_job_title": "clear"})
    assert contacts(session, "K1")[1].job_title is None


def test_second_contact_of_the_name_of_the_first_is_another_person(session: Session) -> None:
    apply(session, {"code": "K1", "name": "Acme", "contact_last_name": "Lee", "contact_email": "a@acme.example"})
    twins = {
        "code": "K1", "contact_last_name": "Lee", "second_contact_last_name": "Lee",
        "second_contact_email": "b@acme.example",
    }  # fmt: skip
    assert counts(apply(session, twins)) == {"updated": 1}
    assert [one[2] for one in seen(session)] == ["a@acme.example", "b@acme.example"]
    assert counts(apply(session, twins)) == {"unchanged": 1}


@pytest.mark.parametrize("before", [[], [{"code": "K1", "name": "Acme"}], [BOTH]])
def test_row_that_has_a_contact_twice_or_without_a_name_is_refused(session: Session, before: Any) -> None:
    apply(session, *before)
    same = {**BOTH, "second_contact_email": "ZOE@acme.example"}
    nameless = {"code": "K1", "name": "Acme", "kind": "person", "second_contact_phone": "030 5550"}
    for row, code in ((same, "duplicate_contact"), (nameless, "contact_name_required")):
        assert refused(check(session, row)) == [(1, "second_contact_last_name", code)]
        assert refused(apply(session, row)) == [(1, "second_contact_last_name", code)]


def test_second_contact_when_the_import_is_taken_back_goes_or_is_as_before(session: Session) -> None:
    apply(session, BOTH, id=FIRST)
    before = state(session)
    later = {
        **BOTH, "second_contact_job_title": "Buyer", "contact_last_name": "Roe", "contact_email": "roe@acme.example",
        "contact_first_name": None,
    }  # fmt: skip
    apply(session, later, {"code": "K2", "name": "Two", "second_contact_last_name": "Poe"}, id=SECOND)
    assert len(contacts(session, "K1")) == 3
    assert undone(undo(session, SECOND)) == {"restored": 1, "removed": 1}
    assert state(session) == before
    bo = contacts(session, "K1")[1]
    people.edit_contact(session, BEN, bo.account_id, bo.id, {"job_title": "Chief"}, None)
    session.flush()
    kept = undo(session, FIRST)
    assert (undone(kept), kept["left"][0]["reason"]) == ({"kept": 1}, "contacts_changed")


# --- out and in again


PERSON = st.fixed_dictionaries(
    {"last_name": st.sampled_from(["Ann", "Bo", "Cy"])},
    optional={
        "first_name": st.sampled_from(["Ann", "X"]),
        "email": st.sampled_from(["a@ex.example", "b@ex.example", "c@ex.example"]),
        "phone": st.sampled_from(["030 1234567", "030 7654321"]),
    },
)


@settings(max_examples=60)
@given(persons=st.lists(PERSON, max_size=4), blank=st.sampled_from(["keep", "clear"]))
def test_export_when_it_comes_back_untouched_changes_nothing(
    session: Session, make_account: Any, persons: Any, blank: str
) -> None:
    with session.begin_nested() as everything_here:
        apply(session, {"code": "K1", "name": "Acme", "country": "DE"})
        rows = [{"account_code": "K1", **person} for person in persons]
        if rows:
            apply(session, *rows, kind="contacts", match="contact")
        before = state(session)
        [row] = exported(session)
        names = [f"{one.first_name or ''} {one.last_name}".strip() for one in contacts(session, "K1")]
        shown = [
            f"{row[f'{prefix}first_name'] or ''} {row[f'{prefix}last_name'] or ''}".strip()
            for prefix in ("contact_", "second_contact_")
        ]
        assert [name for name in shown if name] == names[:2]
        assert counts(apply(session, row, blank=blank)) == {"unchanged": 1}
        assert state(session) == before
        everything_here.rollback()


def test_export_when_its_second_contact_is_edited_changes_just_that_one(session: Session) -> None:
    apply(session, BOTH)
    [row] = exported(session)
    assert (row["second_contact_last_name"], row["contact_last_name"]) == ("Day", "Doe")
    assert counts(apply(session, {**row, "second_contact_job_title": "Buyer"})) == {"updated": 1}
    assert [one.job_title for one in contacts(session, "K1")] == [None, "Buyer"]


@pytest.mark.parametrize(
    ("values", "told"),
    [({"job_title": "Chief"}, "Second contact's job title"), ({"last_name": "Night"}, "Second contact's last name")],
)
def test_second_contact_when_changed_since_the_export_keeps_its_row_out(
    session: Session, values: Any, told: str
) -> None:
    """A renamed one is not found any more: the row would add it a second time."""
    apply(session, BOTH)
    [row] = exported(session)
    bo = contacts(session, "K1")[1]
    people.edit_contact(session, BEN, bo.account_id, bo.id, values, bo.version)
    session.flush()
    answer = apply(session, row)
    assert refused(answer) == [(1, None, "changed_since_export")]
    assert told in answer["refusals"][0]["message"]
    assert check(session, row)["newer"] == 1
    assert len(contacts(session, "K1")) == 2
    assert counts(apply(session, row, newer="overwrite")) == {"updated": 1}


def test_export_of_before_there_were_second_contacts_is_still_read(session: Session) -> None:
    apply(session, BOTH)
    [row] = exported(session)
    assert (row[SEEN] or "").startswith("v1c1s1-")
    bo = contacts(session, "K1")[1]
    people.edit_contact(session, BEN, bo.account_id, bo.id, {"job_title": "Chief"}, bo.version)
    session.flush()
    old = {name: text for name, text in row.items() if not name.startswith("second_")} | {SEEN: "v1c1"}
    assert counts(apply(session, old)) == {"unchanged": 1}


def test_second_contact_when_changed_since_keeps_its_fields_under_its_own_name(session: Session) -> None:
    apply(session, BOTH, id=SECOND)
    apply(session, {**BOTH, "contact_job_title": "Chief", "second_contact_job_title": "Buyer"}, id=FIRST)
    for one in contacts(session, "K1"):
        people.edit_contact(session, BEN, one.account_id, one.id, {"job_title": "Own"}, one.version)
    session.flush()
    answer = undo(session, FIRST)
    assert [(line["label"], line["field"]) for line in answer["left"]] == [
        ("Zoe Doe (K1 Acme)", "contact_job_title"),
        ("Bo Day (K1 Acme)", "second_contact_job_title"),
    ]


# --- the file


def test_file_without_a_second_contact_has_none_of_its_columns() -> None:
    check = kind_of("customers").check
    plain = check(frame({"code": "K1", "contact_last_name": "Doe"})).rows
    assert [name for name in plain.columns if name.startswith("second_")] == []
    assert len([name for name in check(frame(BOTH)).rows.columns if name.startswith("second_")]) == 6


def test_header_with_two_contacts_is_matched() -> None:
    header = ["Customer", "Contact 1 Name", "Contact 1 Email", "Contact 2 Name", "Contact 2 Email", "Contact 2 Mobile"]
    matches = suggest(header, Target.from_json(customers_target()))
    assert [match.field for match in matches] == [
        "code", "contact_last_name", "contact_email",
        "second_contact_last_name", "second_contact_email", "second_contact_phone2",
    ]  # fmt: skip
