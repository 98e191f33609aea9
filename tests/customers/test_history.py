"""History (C17): every change, field by field, by people and jobs alike; replayed, it gives the record of now."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.customers.domain import accounts, contacts
from services.customers.domain.history import read_history
from services.customers.domain.records import ACCOUNT_FIELDS, DEFAULTS
from services.customers.domain.status import set_account_status
from services.customers.errors import AccountNotFound
from services.customers.models import Account, Change, Contact
from services.customers.schemas import AccountPatch
from shared.db import unit_of_work, uuid7
from tests.customers.conftest import ADA, BEN
from tests.customers.counting import counted

Make = Callable[..., Any]


def test_history_when_read_tells_all_in_order(make_account: Make, make_contact: Make, session: Session) -> None:
    account = make_account("Cobalt Labs", code="007", city="Ghent", attributes={"Shoe": "43", "Hat": "7"})
    accounts.edit_account(
        session, BEN, account.id, {"city": "Lyon", "attributes": {"Shoe": "44", "Hat": "7"}, "is_vendor": True}, 1
    )
    contact = make_contact(account, "Petrov", first_name="Chloe")
    set_account_status(session, ADA, account.id, "inactive", "Closed down")
    contacts.remove_contact(session, ADA, account.id, contact.id, 1)
    entries, following = read_history(session, account.id)
    told = [
        (one.action, one.actor_name, one.contact_name, [(c.field, c.old, c.new) for c in one.changes])
        for one in sorted(entries, key=lambda one: (one.contact_id is not None, one.version, one.action))
    ]
    assert following is None
    assert told == [
        (
            "created",
            "Ada Admin",
            None,
            [
                ("code", None, "007"),
                ("name", None, "Cobalt Labs"),
                ("city", None, "Ghent"),
                ("attributes.Hat", None, "7"),
                ("attributes.Shoe", None, "43"),
            ],
        ),
        (
            "updated",
            "Ben Baker",
            None,
            [("is_vendor", False, True), ("city", "Ghent", "Lyon"), ("attributes.Shoe", "43", "44")],
        ),
        (
            "status",
            "Ada Admin",
            None,
            [("status", "active", "inactive"), ("status_reason", None, "Closed down")],
        ),
        (
            "created",
            "Ada Admin",
            "Chloe Petrov",
            [("first_name", None, "Chloe"), ("last_name", None, "Petrov"), ("is_primary", None, True)],
        ),
        ("deleted", "Ada Admin", "Chloe Petrov", []),
    ]


def test_history_when_paged_gives_every_entry_once(make_account: Make, session: Session) -> None:
    account = make_account()
    for number in range(7):
        accounts.edit_account(session, ADA, account.id, {"city": f"City {number}"}, None)
    seen, before = [], None
    while True:
        entries, before = read_history(session, account.id, limit=3, before=before)
        seen += [one.version for one in entries]
        if before is None:
            break
    assert sorted(seen) == list(range(1, 9))


def test_history_when_a_job_created_the_record_says_so(
    make_account: Make, make_contact: Make, session: Session
) -> None:
    account, job = make_account(), uuid7()
    contact = make_contact(account)
    session.execute(update(Account).values(created_job=job))
    session.execute(update(Contact).values(created_job=job))
    for change in session.scalars(select(Change)):
        session.delete(change)  # a job writes none for what it creates
    session.add(
        Change(account_id=account.id, actor_id=ADA.id, actor_name=ADA.name, job_id=job, action="updated",
               fields={"city": ["Ghent", "Lyon"]}, version=2)
    )  # fmt: skip
    session.expire_all()
    entries, _ = read_history(session, account.id)
    assert {(one.action, one.job_id, one.contact_id) for one in entries} == {
        ("updated", job, None),
        ("created", job, None),
        ("created", job, contact.id),
    }


def test_history_when_the_account_is_deleted_stays(make_account: Make, session: Session) -> None:
    account = make_account("Cobalt Labs", code="007")
    accounts.delete_account(session, ADA, account.id, 1)
    entries, _ = read_history(session, account.id)
    deletion = next(one for one in entries if one.action == "deleted")
    assert [(one.field, one.old) for one in deletion.changes] == [("code", "007"), ("name", "Cobalt Labs")]
    with pytest.raises(AccountNotFound):
        read_history(session, uuid.uuid4())


def test_history_of_a_removed_contact_when_read_asks_for_this_account_alone(
    app: Flask, make_account: Make, make_contact: Make, session: Session
) -> None:
    account = make_account("Cobalt Labs")
    contact = make_contact(account, "Petrov", first_name="Chloe")
    contacts.remove_contact(session, ADA, account.id, contact.id, 1)
    session.commit()
    with counted(app) as statements:
        entries, _ = read_history(session, account.id)
    assert {one.contact_name for one in entries if one.contact_id} == {"Chloe Petrov"}
    asked = [statement for statement in statements if "FROM change" in statement]
    assert len(asked) == 2
    assert all("change.account_id = " in statement for statement in asked), "what has no index reads the whole table"


texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)
edits = st.fixed_dictionaries(
    {},
    optional={
        "name": texts.filter(lambda text: any(sign.isalnum() for sign in text)),
        "city": texts,
        "notes": texts,
        "country": st.sampled_from(["FR", "Germany", "Narnia", ""]),
        "tags": st.lists(texts, max_size=3),
        "attributes": st.dictionaries(texts.filter(str.isalnum), texts, max_size=3),
        "is_vendor": st.booleans(),
        "kind": st.sampled_from(["company", "person"]),
    },
)


@settings(max_examples=20)
@given(st.lists(edits, min_size=1, max_size=4))
def test_history_when_replayed_gives_the_record_of_now(make_account: Make, patches: list[dict[str, Any]]) -> None:
    account = make_account("Cobalt Labs")
    for patch in patches:
        with unit_of_work() as work:
            accounts.edit_account(work, BEN, account.id, AccountPatch().load(patch), None)
    with unit_of_work() as work:
        replayed: dict[str, Any] = {**DEFAULTS, "tags": [], "attributes": {}}
        changes = work.scalars(select(Change).where(Change.account_id == account.id).order_by(Change.version)).all()
        for change in changes:
            for field, (old, new) in change.fields.items():
                assert change.action == "created" or (replayed.get(field) or None) == (old or None)
                replayed[field] = new
        now = accounts.get_account(work, account.id)
        assert [change.version for change in changes] == list(range(1, now.version + 1))
        assert {field: replayed.get(field) for field in ACCOUNT_FIELDS} == {
            field: getattr(now, field) for field in ACCOUNT_FIELDS
        }
