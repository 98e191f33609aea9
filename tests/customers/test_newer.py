"""I13: an export that comes back does not overwrite what others changed since, unless it is told to."""

import csv
import io
import uuid
from typing import Any

import pytest
from sqlalchemy.orm import Session

from services.customers.bulk.export import ExportForm, stream_export
from services.customers.bulk.target import TARGET_FIELDS
from services.customers.domain import accounts, contacts
from services.customers.domain.search import SearchQuery
from shared.bulk import SEEN
from shared.cells import MARK
from shared.history import Actor
from tests.customers.bulk_chunks import account, apply, counts, refused
from tests.customers.bulk_chunks import contacts as contacts_of
from tests.customers.test_dry_run import check, state

BEN = Actor(uuid.uuid4(), "Ben Baker")
NAMES = {field.label: field.name for field in TARGET_FIELDS} | {MARK: SEEN}
CONTACT_NAMES = {"Customer code": "account_code", "First name": "first_name", "Last name": "last_name"} | {
    "E-mail": "email", "Phone": "phone", MARK: SEEN
}  # fmt: skip


def exported(session: Session, kind: str = "customers") -> list[dict[str, str | None]]:
    """Return the rows of an export as an import of it maps them."""
    data = b"".join(stream_export(session, kind, SearchQuery(status="all"), ExportForm([])))
    names = NAMES if kind == "customers" else CONTACT_NAMES
    rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    return [{names[name]: text or None for name, text in row.items() if name in names} for row in rows]


@pytest.fixture
def rows(session: Session, make_account: Any, make_contact: Any) -> list[dict[str, str | None]]:
    """An export of two accounts, one with a contact."""
    make_contact(
        make_account("Cobalt", code="C1", city="Lyon"), "Petrov", email="p@cobalt.example", phone="030 1234567"
    )
    make_account("Dot", code="D1", city="Rome")
    return exported(session)


def edit(session: Session, code: str, **values: Any) -> None:
    one = account(session, code)
    accounts.edit_account(session, BEN, one.id, values, one.version)
    session.flush()


def edit_contact(session: Session, **values: Any) -> None:
    one = contacts_of(session, "C1")[0]
    contacts.edit_contact(session, BEN, one.account_id, one.id, values, one.version)
    session.flush()


def test_row_when_it_would_overwrite_a_newer_change_is_refused_and_says_whose(session, rows):
    edit(session, "C1", city="Nice")
    answer = apply(session, *rows)
    assert counts(answer) == {"unchanged": 1, "failed": 1}
    assert refused(answer) == [(1, None, "changed_since_export")]
    assert answer["refusals"][0]["message"].startswith("Ben Baker changed City after this export, on 20")
    assert account(session, "C1").city == "Nice"


def test_row_when_told_to_overwrites_newer_changes(session, rows):
    edit(session, "C1", city="Nice")
    assert counts(apply(session, *rows, newer="overwrite")) == {"unchanged": 1, "updated": 1}
    assert account(session, "C1").city == "Lyon"


def test_row_when_only_other_fields_were_changed_since_is_imported(session, rows):
    """What the file holds of a newer field is what is there, or it has no column for it."""
    edit(session, "C1", city="Nice", notes="Call in May")
    without = [{name: text for name, text in row.items() if name not in ("city", "notes")} for row in rows]
    without[0]["name"] = "Cobalt & Sons"
    assert counts(apply(session, *without)) == {"unchanged": 1, "updated": 1}
    assert (account(session, "C1").name, account(session, "C1").city) == ("Cobalt & Sons", "Nice")


def test_row_when_it_says_what_the_others_said_is_unchanged(session, rows):
    edit(session, "C1", city="Nice")
    assert counts(apply(session, rows[0] | {"city": "Nice"})) == {"unchanged": 1}


@pytest.mark.parametrize("mark", [None, "7", "vc", "v99999999999", "V1"])
def test_row_when_it_shows_no_version_is_imported(session, rows, mark):
    """A row that was added by hand, or of a file that only has a column of this name."""
    edit(session, "C1", city="Nice")
    assert counts(apply(session, rows[0] | {SEEN: mark})) == {"updated": 1}


def test_contact_when_changed_since_keeps_its_row_out(session, rows):
    edit_contact(session, phone="030 7654321")
    answer = apply(session, *rows)
    assert refused(answer) == [(1, None, "changed_since_export")]
    assert "Contact's phone" in answer["refusals"][0]["message"]
    assert counts(apply(session, *rows, newer="overwrite"))["updated"] == 1
    assert contacts_of(session, "C1")[0].phone == "030 1234567"


def test_contact_when_renamed_since_is_not_added_a_second_time(session, rows):
    edit_contact(session, email="chloe@cobalt.example", last_name="Petrova", phone=None)
    assert refused(apply(session, *rows)) == [(1, None, "changed_since_export")]
    assert len(contacts_of(session, "C1")) == 1


def test_export_of_contacts_when_it_comes_back_late_is_refused_too(session, rows):
    people = exported(session, "contacts")
    edit_contact(session, phone="030 7654321", job_title="Boss")
    told = {"kind": "contacts", "match": "contact"}
    assert check(session, *people, **told)["newer"] == 1
    assert refused(apply(session, *people, **told)) == [(1, None, "changed_since_export")]
    assert counts(apply(session, *people, **told, newer="overwrite")) == {"updated": 1}


def test_rows_when_the_job_itself_changed_the_record_before_are_applied(session, rows):
    """Rows of one account, folded, and another chunk of the same job: what the job did is no newer change."""
    told = {"repeated": "fold", "id": uuid.uuid4()}
    assert counts(apply(session, rows[0] | {"city": "A"}, rows[0] | {"city": "B"}, **told)) == {"updated": 2}
    assert counts(apply(session, rows[0] | {"city": "C"}, no=2, **told)) == {"updated": 1}
    assert account(session, "C1").city == "C"


@pytest.mark.parametrize("newer", ["refuse", "overwrite"])
def test_check_tells_how_many_were_changed_since_and_what_the_import_does(session, rows, newer):
    edit(session, "C1", city="Nice")
    edit(session, "D1", city="Oslo")
    before = state(session)
    told = check(session, *rows, newer=newer)
    assert state(session) == before
    assert told["newer"] == 2
    assert counts(told) == counts(apply(session, *rows, newer=newer))
