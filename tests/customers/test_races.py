"""Two people at once, over connections of their own: nothing is lost, nothing is there twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from services.customers.app import create_app
from services.customers.domain import accounts, contacts
from services.customers.domain.search import SearchQuery, find_accounts
from services.customers.domain.status import set_account_status
from services.customers.errors import DuplicateContact
from services.customers.models import Account, Change, Contact
from shared.db import read_only, unit_of_work
from shared.errors import CodeTaken, DomainError, NotDeleted, RecordChanged
from shared.settings import Settings
from tests.customers.conftest import ADA, BEN

AT_ONCE = 6
Work = Callable[[Any, int], Any]


@pytest.fixture(scope="module")
def raced(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """An app on a database of its own, in which things are really committed."""
    app = create_app(make_settings("customers", make_database("customers")))
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture(autouse=True)
def emptied(raced: Flask) -> Iterator[None]:
    yield
    with raced.app_context(), unit_of_work() as session:
        session.execute(text("TRUNCATE account, contact, change, outbox"))


def all_at_once(app: Flask, work: Work) -> list[Any]:
    """Run `work` in as many transactions at the same moment; return what each gave, or the refusal it met."""
    barrier = Barrier(AT_ONCE)

    def one(number: int) -> Any:
        with app.app_context():
            barrier.wait(10)
            try:
                with unit_of_work() as session:
                    return work(session, number)
            except DomainError as refusal:
                return refusal

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def new_account(app: Flask, **values: Any) -> Any:
    with app.app_context(), unit_of_work() as session:
        return accounts.create_account(session, ADA, {"name": "Cobalt Labs", **values})


def refusals(results: list[Any]) -> list[type]:
    return [type(one) for one in results if isinstance(one, DomainError)]


def test_code_when_taken_at_once_goes_to_one(raced: Flask) -> None:
    results = all_at_once(raced, lambda session, _: accounts.create_account(session, ADA, {"name": "X", "code": "007"}))
    assert refusals(results) == [CodeTaken] * (AT_ONCE - 1)
    (winner,) = [one for one in results if isinstance(one, Account)]
    assert {one.extra["existing"]["id"] for one in results if isinstance(one, CodeTaken)} == {str(winner.id)}


def test_code_when_automatic_and_typed_at_once_is_given_to_all(raced: Flask) -> None:
    first = new_account(raced)
    number = int(first.code.removeprefix("C"))

    def create(session: Any, place: int) -> Any:
        typed = {"code": f"C{number + 2}"} if place == 0 else {}
        return accounts.create_account(session, ADA, {"name": f"X {place}", **typed})

    results = all_at_once(raced, create)
    assert set(refusals(results)) <= {CodeTaken}, "only the typed one may come too late"
    assert len({one.code for one in results if isinstance(one, Account)}) >= AT_ONCE - 1


def test_customer_when_brought_back_at_once_is_there_once(raced: Flask) -> None:
    account = new_account(raced)
    with raced.app_context(), unit_of_work() as session:
        accounts.delete_account(session, ADA, account.id, None)
    results = all_at_once(raced, lambda session, _: accounts.restore_account(session, ADA, account.id))
    assert refusals(results) == [NotDeleted] * (AT_ONCE - 1)


def test_edit_when_made_at_once_from_one_version_succeeds_once(raced: Flask) -> None:
    account = new_account(raced)
    results = all_at_once(
        raced, lambda session, number: accounts.edit_account(session, BEN, account.id, {"city": f"City {number}"}, 1)
    )
    assert refusals(results) == [RecordChanged] * (AT_ONCE - 1)
    with raced.app_context(), read_only() as session:
        assert accounts.get_account(session, account.id).version == 2
        assert len(session.scalars(select(Change).where(Change.action == "updated")).all()) == 1


def test_edits_when_made_at_once_without_version_all_stand_in_history(raced: Flask) -> None:
    account = new_account(raced)
    all_at_once(
        raced, lambda session, number: accounts.edit_account(session, BEN, account.id, {"city": f"City {number}"}, None)
    )
    with raced.app_context(), read_only() as session:
        changes = session.scalars(select(Change).order_by(Change.version)).all()
        assert [one.version for one in changes] == list(range(1, AT_ONCE + 2))
        chain = [one.fields["city"] for one in changes[1:]]
        assert [old for old, _ in chain[1:]] == [new for _, new in chain[:-1]]


def test_contact_when_added_at_once_is_there_once(raced: Flask) -> None:
    account = new_account(raced)
    results = all_at_once(
        raced,
        lambda session, _: contacts.add_contact(session, ADA, account.id, {"last_name": "X", "email": "x@y.example"}),
    )
    assert refusals(results) == [DuplicateContact] * (AT_ONCE - 1)


def test_contacts_when_added_at_once_are_all_found_and_one_is_primary(raced: Flask) -> None:
    account = new_account(raced)
    all_at_once(
        raced,
        lambda session, number: contacts.add_contact(
            session, ADA, account.id, {"last_name": f"Person{number}", "is_primary": number % 2 == 0}
        ),
    )
    with raced.app_context(), read_only() as session:
        assert len([one for one in session.scalars(select(Contact)) if one.is_primary]) == 1
        for number in range(AT_ONCE):
            assert find_accounts(session, SearchQuery(text=f"person{number}")).count == 1


def test_status_when_set_at_once_is_recorded_once(raced: Flask) -> None:
    account = new_account(raced)
    all_at_once(raced, lambda session, _: set_account_status(session, ADA, account.id, "inactive", "Closed"))
    with raced.app_context(), read_only() as session:
        assert session.get_one(Account, account.id).version == 2
        assert len(session.scalars(select(Change).where(Change.action == "status")).all()) == 1
