"""Imports of contacts (of many accounts, by code) and of vendors (product row I1)."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from services.customers.bulk.contact_target import TARGET_FIELDS, contacts_target
from services.customers.bulk.rows import CONTACT_ROW
from services.customers.bulk.vendor_target import vendors_target
from services.customers.models import Account, Receipt
from services.imports.domain.matching import suggest
from services.imports.domain.target import Target
from shared.bulk import COUNTS
from tests.customers.bulk_chunks import (
    account,
    changes,
    check_derived,
    contacts,
    counts,
    everything,
    job,
    refused,
    undo,
    undone,
)
from tests.customers.bulk_chunks import apply as apply_any
from tests.customers.test_dry_run import check

ANN = {"account_code": "C1", "first_name": "Ann", "last_name": "Lee", "email": "ann@ex.example"}


def apply(session: Session, *rows: dict[str, Any], **choices: Any) -> dict[str, Any]:
    """Apply rows as a chunk of contacts; it is what a check told before."""
    choices = {"kind": "contacts", "match": "contact", **choices}
    before = everything(session)
    told = check(session, *rows, **choices)
    assert everything(session) == before
    answer = apply_any(session, *rows, **choices)
    assert (counts(told), refused(told)) == (counts(answer), refused(answer))
    assert sum(answer[name] for name in COUNTS) == len(rows)
    check_derived(session)
    return answer


def names(session: Session, code: str) -> list[str]:
    return [f"{one.first_name or ''} {one.last_name}".strip() for one in contacts(session, code)]


def test_contacts_when_imported_join_their_accounts(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("One", code="C1", country="DE")
    make_account("Two", code="C2")
    told = job(kind="contacts", match="contact")
    answer = apply(
        session,
        ANN | {"job_title": "Boss", "phone": "030 901820"},
        {"account_code": "c2 ", "first_name": "Cher"},
        {"account_code": "C1", "first_name": "Bo", "last_name": "Day"},
        id=told.id,
    )
    assert counts(answer) == {"created": 3}
    ann, bo = contacts(session, "C1")
    assert (ann.is_primary, ann.job_title, ann.phone_key, ann.contact_key) == (
        True, "Boss", "+4930901820", "e:ann@ex.example"
    )  # fmt: skip
    assert (bo.is_primary, names(session, "C2")) == (False, ["Cher"])
    assert (ann.created_by_name, ann.created_job) == ("Carla Chief", told.id)
    assert len(session.get_one(Receipt, (told.id, 1)).created_ids or b"") == 48
    assert "ann" in account(session, "C1").search
    assert account(session, "C1").version == 1


def test_contact_that_is_known_is_updated_with_history(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("One", code="C1")
    apply(session, ANN, {"account_code": "C1", "last_name": "Day", "phone": "030 1"})
    again = apply(
        session,
        ANN | {"email": "ANN@ex.example", "job_title": "Boss"},
        {"account_code": "C1", "last_name": "Day", "email": "day@ex.example"},
    )
    assert counts(again) == {"updated": 2}
    assert [one.email for one in contacts(session, "C1")] == ["ANN@ex.example", "day@ex.example"]
    assert [fields for fields, _ in changes(session)] == [
        {"email": ["ann@ex.example", "ANN@ex.example"], "job_title": [None, "Boss"]},
        {"email": [None, "day@ex.example"]},
    ]
    before = everything(session)
    same = apply(session, ANN | {"email": "ANN@ex.example", "job_title": "Boss"})
    assert counts(same) == {"unchanged": 1}
    assert everything(session) == before


def test_namesakes_with_other_addresses_are_two_people(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("One", code="C1")
    apply(session, ANN, ANN | {"email": "other@ex.example"}, ANN | {"email": None, "phone": "030 5"})
    assert len(contacts(session, "C1")) == 2  # the third may be either, so it is refused
    answer = apply(session, ANN | {"email": None})
    assert refused(answer) == [(1, "last_name", "ambiguous_match")]
    assert "Fits 2 contacts of C1" in answer["refusals"][0]["message"]


def test_rows_that_cannot_be_are_refused(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("One", code="C1")
    answer = apply(
        session,
        ANN | {"account_code": "NO"},
        ANN | {"account_code": None},
        {"account_code": "C1", "phone": "030 1"},
        ANN | {"email": "nonsense"},
        ANN,
        ANN | {"email": "Ann@EX.example"},
    )
    assert counts(answer) == {"created": 1, "failed": 5}
    assert refused(answer) == [
        (1, "account_code", "account_not_found"),
        (2, "account_code", "code_required"),
        (3, "last_name", "contact_name_required"),
        (4, "email", "invalid"),
        (6, "email", "repeated_key"),
    ]
    assert answer["refusals"][4]["message"] == "E-mail: This contact came before, on line 6."


def test_modes_leave_out_what_they_say(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("One", code="C1")
    new = {"account_code": "C1", "last_name": "New"}
    assert counts(apply(session, ANN, mode="update")) == {"skipped": 1}
    apply(session, ANN)
    assert counts(apply(session, ANN | {"job_title": "x"}, new, mode="create")) == {"skipped": 1, "created": 1}
    assert contacts(session, "C1")[0].job_title is None


def test_blank_cells_keep_or_clear(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("One", code="C1")
    apply(session, ANN | {"job_title": "Boss", "phone": "030 1"})
    blank = {**ANN, "first_name": None, "last_name": None, "job_title": None, "phone": None}
    assert counts(apply(session, blank)) == {"unchanged": 1}
    apply(session, blank, blank="clear", blanks={"phone": "keep"})
    [ann] = contacts(session, "C1")
    assert (ann.first_name, ann.last_name, ann.job_title, ann.phone) == ("Ann", "Lee", None, "030 1")


def test_import_of_contacts_when_undone_leaves_what_was(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("One", code="C1")
    apply(session, ANN)
    told = job()
    apply(session, ANN | {"job_title": "Boss"}, {"account_code": "C1", "last_name": "Day"}, id=told.id)
    assert undone(undo(session, told.id, kind="contacts")) == {"removed": 1, "restored": 1}
    assert names(session, "C1") == ["Ann Lee"]
    assert contacts(session, "C1")[0].job_title is None
    check_derived(session)


CELLS = st.fixed_dictionaries(
    {
        "account_code": st.sampled_from(["C1", "c1", "C2", "NO", None]),
        "first_name": st.sampled_from([None, "Ann", "Bo"]),
        "last_name": st.sampled_from([None, "Lee", "LEE", "Day"]),
        "email": st.sampled_from([None, "a@ex.example", "b@ex.example", "bad"]),
        "phone": st.sampled_from([None, "030 901820", "+49 30 901820"]),
    }
)


@settings(max_examples=25)
@given(rows=st.lists(CELLS, min_size=1, max_size=6), mode=st.sampled_from(["update", "both"]))
def test_rows_when_folded_are_as_if_they_came_one_by_one(session: Session, rows: Any, mode: str) -> None:
    def seen() -> list[Any]:
        return [
            [(one.first_name, one.last_name, one.email, one.phone, one.is_primary) for one in contacts(session, code)]
            for code in ("C1", "C2")
        ]

    with session.begin_nested() as here:
        apply_any(session, {"code": "C1", "name": "One", "country": "DE"}, {"code": "C2", "name": "Two"})
        with session.begin_nested() as together:
            answer = apply(session, *rows, mode=mode, repeated="fold")
            folded = seen()
            together.rollback()
        singles = [apply(session, row, mode=mode) for row in rows]
        assert seen() == folded
        assert {name: sum(one[name] for one in singles) for name in COUNTS} == {name: answer[name] for name in COUNTS}
        here.rollback()


def test_target_of_contacts_fits_its_rule_book_and_many_headers() -> None:
    assert [field.name for field in TARGET_FIELDS] == list(CONTACT_ROW.fields)
    target = Target.from_json(contacts_target())
    header = ["Customer Id", "First Name", "Last Name", "Title", "Email", "Mobile", "Tel"]
    assert [match.field for match in suggest(header, target)] == [
        "account_code", "first_name", "last_name", "job_title", "email", "phone2", "phone"
    ]  # fmt: skip


def test_sample_of_contacts_goes_in(session: Session, make_account: Callable[..., Account]) -> None:
    make_account("Harbour Print", code="C00123")
    make_account("Weber", code="C00124", country="DE")
    assert counts(apply(session, *contacts_target()["sample"])) == {"created": 3}


# --- vendors


def test_vendors_when_new_are_vendors_only_and_known_customers_become_both(session: Session) -> None:
    choices = {"kind": "vendors"}
    apply_any(session, {"code": "K1", "name": "Known"})
    answer = apply_any(
        session,
        {"code": "K1", "name": "Known"},
        {"code": "V1", "name": "New"},
        {"code": "V2", "name": "Said", "roles": "customer"},
        **choices,
    )
    assert counts(answer) == {"created": 2, "updated": 1}
    roles = {
        code: (account(session, code).is_customer, account(session, code).is_vendor) for code in ("K1", "V1", "V2")
    }
    assert roles == {"K1": (True, True), "V1": (False, True), "V2": (True, False)}
    assert changes(session) == [({"is_vendor": [False, True]}, 2)]
    again = [{"code": "K1", "name": "Known"}, {"code": "V1", "name": "New"}]
    assert counts(apply_any(session, *again, **choices)) == {"unchanged": 2}


def test_target_of_vendors_knows_their_columns() -> None:
    target = Target.from_json(vendors_target())
    found = [match.field for match in suggest(["Supplier No", "Vendor name", "City"], target)]
    assert found == ["code", "name", "city"]
    assert "vendor" in target.instructions[0]
    assert target.instructions[-1].startswith("Whoever is in the file becomes a vendor, a known customer too")
