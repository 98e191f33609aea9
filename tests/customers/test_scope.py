"""A6: an associate's user sees the accounts that are linked with the associate now, and nothing of any other."""

import itertools
import uuid
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from services.customers.domain import accounts, contacts, copies, search, search_sql
from services.customers.domain.history import read_history
from services.customers.domain.looked_after import find_looked_after
from services.customers.domain.scope import limit_session
from services.customers.domain.search import SearchQuery, find_accounts
from services.customers.errors import AccountNotFound
from services.customers.models import Account, AccountAssociate, Change, Contact
from shared.db import read_only, unit_of_work
from shared.testing import SignedClient, client_as

DANA, EVE = uuid.uuid4(), uuid.uuid4()
ROLES = ("manages", "sales")
ON = frozenset({"partner_management"})


@pytest.fixture
def link(app: Flask) -> Callable[..., None]:
    """link(account, DANA) lets Dana look after the account."""

    def make(account: Account, associate_id: uuid.UUID, role: str = "manages", *, ended: bool = False) -> None:
        links = [[str(account.id), str(associate_id), role]]
        with unit_of_work() as session:
            copies.change_links(session, links if ended else [], [] if ended else links)

    return make


@pytest.fixture
def dana(app: Flask) -> SignedClient:
    """Dana Dealer, as portal tells of her."""
    return client_as(
        app, "customers.view", "associates.view", name="Dana Dealer", kind="associate", associate_id=DANA, features=ON
    )


def test_list_when_asked_by_an_associate_has_their_accounts_alone(
    dana: SignedClient, make_account: Callable[..., Account], link: Callable[..., None]
) -> None:
    mine, _, eves = make_account("Cobalt Labs"), make_account("Cobalt Mines"), make_account("Cobalt Paint")
    link(mine, DANA)
    link(eves, EVE)
    for address in ("/api/customers/v1/accounts", "/api/customers/v1/accounts?q=cobalt"):
        answer = dana.get(address).json
        assert [one["name"] for one in answer["items"]] == ["Cobalt Labs"]
        assert answer["count"] == 1
    page = dana.get("/customers?q=cob").text
    assert "Cobalt" in page
    assert "Mines" not in page
    assert "Paint" not in page


def test_associate_without_customers_is_not_told_to_do_what_staff_does(dana: SignedClient) -> None:
    for address in ("/customers", f"/customers/fragments/of-associate/{DANA}"):
        page = dana.get(address).text
        assert "Nobody has given you a customer to look after yet." in page
        assert "Open a customer" not in page


def test_account_when_foreign_is_not_found_on_any_way(
    dana: SignedClient, make_account: Callable[..., Account], make_contact: Callable[..., Contact]
) -> None:
    foreign = make_account()
    contact = make_contact(foreign)
    one = f"accounts/{foreign.id}"
    for way in (one, f"{one}/contacts", f"{one}/contacts/{contact.id}", f"{one}/history"):
        assert dana.get(f"/api/customers/v1/{way}").status_code == 404, way
    for way in (
        f"{foreign.id}",
        f"{foreign.id}/menu",
        f"{foreign.id}/history",
        f"{foreign.id}/contacts/{contact.id}/menu",
    ):
        assert dana.get(f"/customers/{way}").status_code == 404, way


def test_account_when_its_link_ends_is_gone_with_the_next_request(
    dana: SignedClient, make_account: Callable[..., Account], link: Callable[..., None]
) -> None:
    account = make_account()
    address = f"/api/customers/v1/accounts/{account.id}"
    link(account, DANA)
    assert dana.get(address).status_code == 200
    link(account, DANA, ended=True)
    assert dana.get(address).status_code == 404
    link(account, DANA, "service")
    assert dana.get(address).json["name"] == account.name


def test_user_when_neither_employee_nor_tied_sees_nothing(app: Flask, make_account: Callable[..., Account]) -> None:
    make_account()
    for kind in ("associate", "customer", "vendor"):
        stranger = client_as(app, "customers.view", kind=kind)
        assert stranger.get("/api/customers/v1/accounts").json["items"] == []


def test_associate_when_given_more_edits_their_own_accounts_alone(
    app: Flask, make_account: Callable[..., Account], make_contact: Callable[..., Contact], link: Callable[..., None]
) -> None:
    mine, foreign = make_account(code="1"), make_account("Zephyr Foods", code="2")
    contact = make_contact(foreign)
    link(mine, DANA)
    dana = client_as(app, "customers.view", "customers.edit", kind="associate", associate_id=DANA)
    api = "/api/customers/v1/accounts"
    head = {"If-Match": '"1"'}
    assert dana.patch(f"{api}/{mine.id}", json={"city": "Lyon"}, headers=head).json["city"] == "Lyon"
    added = dana.post(f"{api}/{mine.id}/contacts", json={"last_name": "Petrov"})
    assert added.status_code == 201
    assert dana.delete(f"{api}/{mine.id}/contacts/{added.json['id']}", headers=head).status_code == 204
    assert dana.patch(f"{api}/{foreign.id}", json={"city": "Lyon"}, headers=head).status_code == 404
    assert dana.post(f"{api}/{foreign.id}/contacts", json={"last_name": "X"}).status_code == 404
    assert dana.delete(f"{api}/{foreign.id}/contacts/{contact.id}", headers=head).status_code == 404
    assert dana.post(api, json={"name": "New"}).status_code == 403
    taken = dana.patch(f"{api}/{mine.id}", json={"code": "2"}, headers={"If-Match": '"2"'})
    assert (taken.status_code, "Zephyr" in taken.text) == (403, False)


def test_read_when_only_the_helper_stands_is_narrowed(
    session: Session, make_account: Callable[..., Account], make_contact: Callable[..., Contact], link: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The first wall alone: without stepping into the role, PostgreSQL would show everything."""
    monkeypatch.setattr(search_sql, "OWN_ACCOUNTS", "account")
    monkeypatch.setattr("shared.scope._ENTER", text("SELECT cast(:role AS text), cast(:associate AS text)"))
    mine, foreign = make_account("Cobalt Labs"), make_account("Cobalt Mines")
    contact = make_contact(foreign)
    link(mine, DANA)
    with read_only() as limited:
        limit_session(limited, DANA)
        assert limited.scalar(text("SELECT count(*) FROM account")) == 2, "the second wall stands still"
        assert [one.name for one in limited.scalars(select(Account))] == ["Cobalt Labs"]
        assert limited.get(Contact, contact.id) is None
        assert [one.name for one in find_accounts(limited, SearchQuery(text="cobalt")).items] == ["Cobalt Labs"]
        for read in (accounts.get_account, contacts.list_contacts, read_history):
            with pytest.raises(AccountNotFound):
                read(limited, foreign.id)  # type: ignore[operator]


def test_read_when_only_row_level_security_stands_is_narrowed(
    app: Flask, make_account: Callable[..., Account], make_contact: Callable[..., Contact], link: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The second wall alone: statements that ask for everything."""
    mine, foreign = make_account("Cobalt Labs"), make_account("Cobalt Mines")
    make_contact(foreign)
    link(mine, DANA)
    link(foreign, EVE)
    with read_only() as limited:
        limit_session(limited, DANA)
        for table, count in (("account", 1), ("contact", 0), ("account_associate", 1)):
            assert limited.scalar(text(f"SELECT count(*) FROM {table}")) == count, table
        assert set(limited.scalars(text("SELECT account_id FROM change"))) == {mine.id}
        assert limited.connection().execute(update(Account.__table__).values(city="Lyon")).rowcount == 1
    with read_only() as limited:
        limit_session(limited, None)
        assert limited.scalar(text("SELECT count(*) FROM account")) == 0


def test_view_that_search_reads_when_asked_for_everything_has_their_own_alone(
    app: Flask, make_account: Callable[..., Account], link: Callable[..., None], session: Session
) -> None:
    """The second wall of live search, whose owner is not under row-level security."""
    mine, foreign = make_account("Cobalt Labs"), make_account("Cobalt Mines")
    link(mine, DANA)
    link(foreign, EVE)
    for associate_id, own in ((DANA, {mine.id}), (EVE, {foreign.id}), (uuid.uuid4(), set()), (None, set())):
        with read_only() as limited:
            limit_session(limited, associate_id)
            assert set(limited.scalars(text("SELECT id FROM own_account"))) == own
            assert set(limited.scalars(text("SELECT id FROM own_account WHERE search LIKE '%cobalt%'"))) == own
    with read_only() as limited:
        limit_session(limited, DANA)
        with pytest.raises(ProgrammingError, match="permission denied"):
            limited.execute(text("UPDATE own_account SET status = 'inactive'"))


def test_view_that_search_reads_when_nobody_is_named_is_empty(
    customers_app: Flask, make_account: Callable[..., Account], link: Callable[..., None]
) -> None:
    link(make_account("Cobalt Labs"), DANA)
    with read_only() as session:
        session.execute(text("SELECT set_config('liaison.associate', '', true)"))
        assert session.scalar(text("SELECT count(*) FROM own_account")) == 0
        assert "name" not in session.execute(text("SELECT * FROM own_account")).keys()  # noqa: SIM118 - no mapping


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    deeds=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([DANA, EVE]), st.sampled_from(ROLES), st.booleans()))
)
def test_scope_is_whoever_is_linked_now_in_any_role(
    app: Flask, make_account: Callable[..., Account], link: Callable[..., None], deeds: list[Any]
) -> None:
    """Whatever began and ended before, in whichever role: seen is what has a link now, by every way of reading."""
    known = [make_account(f"Cobalt {number}") for number in range(4)]
    open_links = set()
    for number, associate_id, role, begins in deeds:
        link(known[number], associate_id, role, ended=not begins)
        (open_links.add if begins else open_links.discard)((number, associate_id, role))
    for me in (DANA, EVE):
        mine = {known[number].id for number, associate_id, _ in open_links if associate_id == me}
        with read_only() as limited:
            limit_session(limited, me)
            for few, typed in itertools.product((0, search_sql.FEW_OWN), ("", "c", "cobalt", "obal")):
                with patch.object(search, "FEW_OWN", few):
                    found = find_accounts(limited, SearchQuery(text=typed, status="all"))
                assert {one.id for one in found.items} == mine
                assert found.count == len(mine)
            looked_after = find_looked_after(limited, me, SearchQuery(text="obal", status="all"))
            assert {one.id for one in looked_after.items} == mine
            assert set(limited.scalars(select(Account.id))) == mine
            assert set(limited.scalars(text("SELECT id FROM account"))) == mine
            assert {one.id for one in known if limited.get(Account, one.id)} == mine
    with unit_of_work() as session:
        for account in known:
            session.execute(text("DELETE FROM account WHERE id = :id"), {"id": account.id})
        copies.clear_copies(session)


def test_session_of_an_employee_when_opened_is_as_ever(session: Session, make_account: Callable[..., Account]) -> None:
    make_account()
    assert session.scalar(text("SELECT current_user = session_user")) is True
    assert session.scalar(select(Change.action)) == "created"
    assert session.scalars(select(AccountAssociate)).all() == []
