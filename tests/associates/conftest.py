"""What the tests of associates share: a database of its own, builders, and a stand-in for what customers answers."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from services.associates.app import create_app
from services.associates.domain import associates, links
from services.associates.domain.links import AccountFacts
from services.associates.models import Associate, Link
from shared.db import unit_of_work
from shared.history import Actor
from shared.keys import code_key
from shared.settings import Settings
from shared.testing import SignedClient, client_as, outer_transaction

EVERYTHING = (
    "associates.view", "associates.edit", "associates.delete", "assign", "set_status", "customers.view",
)  # fmt: skip
ON = frozenset({"partner_management"})
ADA = Actor(uuid.uuid5(uuid.NAMESPACE_URL, "Ada Admin"), "Ada Admin", "203.0.113.7")


class KnownAccounts:
    """Answers as customers does about accounts; `add` lets there be one."""

    def __init__(self) -> None:
        self.accounts: dict[str, AccountFacts] = {}

    def add(self, name: str = "Cobalt Labs", code: str = "00417") -> AccountFacts:
        account = AccountFacts(uuid.uuid4(), code, name)
        self.accounts[str(account.id)] = account
        return account

    def post(self, path: str, json: dict[str, Any]) -> dict[str, Any]:
        if path == "/internal/accounts/by-code":
            there = [(code_key(one.code), one) for one in self.accounts.values() if code_key(one.code) in json["codes"]]
            found = [{"key": key, "id": str(one.id), "code": one.code, "name": one.name} for key, one in there]
            return {"accounts": found}
        assert path == "/internal/accounts/known"
        known = [self.accounts[one] for one in json["ids"] if one in self.accounts]
        return {"accounts": [{"id": str(one.id), "code": one.code, "name": one.name} for one in known]}


@pytest.fixture(scope="session")
def associates_app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    app = create_app(make_settings("associates", make_database("associates")))
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def app(associates_app: Flask) -> Iterator[Flask]:
    with associates_app.app_context(), outer_transaction(associates_app):
        yield associates_app


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    with unit_of_work() as session:
        yield session


@pytest.fixture
def known(app: Flask) -> Iterator[KnownAccounts]:
    accounts = KnownAccounts()
    app.extensions["associates.customers"] = accounts
    yield accounts
    del app.extensions["associates.customers"]


@pytest.fixture
def client(app: Flask) -> SignedClient:
    """Ada, who may do everything, where partner management is on."""
    return client_as(app, *EVERYTHING, features=ON)


@pytest.fixture
def make_associate(app: Flask) -> Callable[..., Associate]:
    def make(name: str = "Dana Dealer", **values: Any) -> Associate:
        with unit_of_work() as session:
            return associates.create_associate(session, ADA, {"name": name, **values})

    return make


@pytest.fixture
def make_link(app: Flask) -> Callable[..., Link]:
    def make(account: AccountFacts, associate: Associate, role: str = "manages", **more: Any) -> Link:
        with unit_of_work() as session:
            return links.begin_link(session, ADA, account, associate.id, role, **more)

    return make
