"""Rows of one key (I6): refused or applied in their order; keys that fit several customers; blanks field by field."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from tests.customers.bulk_chunks import account, apply, check_derived, contacts, counts, refused
from tests.customers.test_dry_run import check

ROW = st.fixed_dictionaries(
    {
        "code": st.sampled_from(["K1", "k1", "K2"]),
        "name": st.sampled_from([None, "a", "B", "Ann"]),
        "email": st.sampled_from([None, "a@ex.example", "bad"]),
        "country": st.sampled_from([None, "DE", "France"]),
        "phone": st.sampled_from([None, "030 901820"]),
        "tags": st.sampled_from([None, "a", "a;b"]),
        "_attributes": st.sampled_from([None, '{"a": "1"}', '{"a": "2", "b": "3"}']),
        "contact_last_name": st.sampled_from([None, "Doe", "Roe"]),
        "contact_email": st.sampled_from([None, "d@ex.example"]),
    },
    optional={
        "second_contact_last_name": st.sampled_from([None, "Doe", "Poe"]),
        "second_contact_email": st.sampled_from([None, "p@ex.example"]),
    },
)
SHOWN = ("name", "kind", "email", "country", "phone", "tags", "attributes", "search")


def seen(session: Session) -> list[Any]:
    """What two ways must have in common: everything but versions and history."""
    found: list[Any] = []
    for code in ("K1", "k1", "K2"):
        try:
            one = account(session, code)
        except Exception:  # there is none
            continue
        people = [(person.last_name, person.email, person.is_primary) for person in contacts(session, code)]
        found.append((one.code, [getattr(one, name) for name in SHOWN], people))
    return found


@settings(max_examples=25)
@given(rows=st.lists(ROW, min_size=1, max_size=7), mode=st.sampled_from(["update", "both"]))
def test_rows_of_a_key_when_folded_are_as_if_they_came_one_by_one(session: Session, rows: Any, mode: str) -> None:
    with session.begin_nested() as here:
        apply(session, {"code": "K1", "name": "Old", "email": "old@ex.example", "tags": "x"})
        told = check(session, *rows, mode=mode, repeated="fold")
        with session.begin_nested() as together:
            answer = apply(session, *rows, mode=mode, repeated="fold")
            assert (counts(told), refused(told)) == (counts(answer), refused(answer))
            check_derived(session)
            folded = seen(session)
            together.rollback()
        one_by_one = dict.fromkeys(("created", "updated", "unchanged", "skipped", "failed"), 0)
        for row in rows:
            single = apply(session, row, mode=mode)
            one_by_one = {name: count + single[name] for name, count in one_by_one.items()}
        assert seen(session) == folded
        assert counts(answer) == counts({**one_by_one, "refusals": []})
        here.rollback()


@settings(max_examples=20)
@given(rows=st.lists(ROW, min_size=1, max_size=5), blank=st.sampled_from(["keep", "clear"]))
def test_rows_of_a_key_when_folded_are_the_row_of_their_last_cells(session: Session, rows: Any, blank: str) -> None:
    contacts_of_row = ("contact_last_name", "contact_email", "second_contact_last_name", "second_contact_email")
    plain = [{**row, **dict.fromkeys(("email", *contacts_of_row), None), "code": "K1"} for row in rows]
    cells = {name: next((row[name] for row in reversed(plain) if row[name]), None) for name in plain[0]}
    for row in (*plain, cells):
        del row["_attributes"]
    with session.begin_nested() as here:
        apply(session, {"code": "K1", "name": "Old", "phone": "030 1", "tags": "x", "country": "DE"})
        with session.begin_nested() as together:
            apply(session, *plain, repeated="fold", blank=blank)
            folded = seen(session)
            together.rollback()
        apply(session, cells, blank=blank)
        assert seen(session) == folded
        here.rollback()


def test_rows_of_a_key_unless_folded_are_refused(session: Session) -> None:
    rows = [{"code": "C1", "name": "One"}, {"code": " c1", "name": "Two"}]
    assert refused(apply(session, *rows)) == [(2, "code", "repeated_key")]
    assert counts(apply(session, *rows, repeated="fold")) == {"unchanged": 1, "updated": 1}
    assert account(session, "C1").name == "Two"


@pytest.mark.parametrize(
    ("others", "words"), [(1, "2 customers: C0, C1."), (6, "7 customers: C0, C1, C2, C3, C4 and 2 more.")]
)
def test_address_of_several_customers_is_refused_and_says_how_many(session: Session, others: int, words: str) -> None:
    same = [{"code": f"C{at}", "name": f"N{at}", "email": "info@ex.example"} for at in range(1 + others)]
    apply(session, *same)
    answer = apply(session, {"email": "INFO@ex.example", "city": "Bonn"}, match="email")
    assert refused(answer) == [(1, "email", "ambiguous_match")]
    assert answer["refusals"][0]["message"] == f"E-mail: Fits {words}"


def test_blank_cells_when_a_field_has_its_own_rule_follow_it(session: Session) -> None:
    before = {"code": "C1", "name": "One", "city": "Bonn", "source": "Fair", "notes": "x", "tags": "a",
              "contact_last_name": "Doe", "contact_phone": "030 1", "contact_job_title": "Boss"}  # fmt: skip
    apply(session, before)
    blank = dict.fromkeys(before, None) | {"code": "C1", "contact_last_name": "Doe"}
    apply(session, blank, blank="clear", blanks={"city": "keep", "tags": "keep", "contact_phone": "keep"})
    one, [doe] = account(session, "C1"), contacts(session, "C1")
    assert (one.city, one.source, one.notes, one.tags) == ("Bonn", None, None, ["a"])
    assert (doe.phone, doe.job_title) == ("030 1", None)
    again = apply(session, blank, blanks={"city": "clear", "tags": "clear"})
    assert counts(again) == {"updated": 1}
    assert (account(session, "C1").city, account(session, "C1").tags) == (None, [])
    assert counts(apply(session, blank, blanks={"city": "clear", "tags": "clear"})) == {"unchanged": 1}
