"""What the tests of customers share: one migrated database, one outer transaction per test, builders."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from services.customers.app import create_app
from services.customers.domain import accounts, contacts
from services.customers.models import Account, Contact
from shared.db import unit_of_work
from shared.history import Actor
from shared.settings import Settings
from shared.testing import SignedClient, client_as, outer_transaction

EVERYTHING = ("customers.view", "customers.edit", "customers.delete", "set_status", "import")
ADA = Actor(uuid.uuid5(uuid.NAMESPACE_URL, "Ada Admin"), "Ada Admin", "203.0.113.7")
BEN = Actor(uuid.uuid5(uuid.NAMESPACE_URL, "Ben Baker"), "Ben Baker", "203.0.113.8")


@pytest.fixture(scope="session")
def customers_app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """The app on a database of its own."""
    app = create_app(make_settings("customers", make_database("customers")))
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def app(customers_app: Flask) -> Iterator[Flask]:
    """The app; all that a test does to the database is taken back."""
    with customers_app.app_context(), outer_transaction(customers_app):
        yield customers_app


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A unit of work that commits into the test's outer transaction."""
    with unit_of_work() as session:
        yield session


@pytest.fixture
def client(app: Flask) -> SignedClient:
    """Ada, who may do everything."""
    return client_as(app, *EVERYTHING)


@pytest.fixture
def viewer(app: Flask) -> SignedClient:
    """Vera, who may only look."""
    return client_as(app, "customers.view", name="Vera Viewer")


@pytest.fixture
def make_account(app: Flask) -> Callable[..., Account]:
    """make_account("Cobalt Labs", code="00417") -> Account."""

    def make(name: str = "Cobalt Labs", actor: Actor = ADA, **values: Any) -> Account:
        with unit_of_work() as session:
            return accounts.create_account(session, actor, {"name": name, **values})

    return make


@pytest.fixture
def make_contact(app: Flask) -> Callable[..., Contact]:
    """make_contact(account, "Petrov", first_name="Chloe") -> Contact."""

    def make(account: Account, last_name: str = "Petrov", actor: Actor = ADA, **values: Any) -> Contact:
        with unit_of_work() as session:
            return contacts.add_contact(session, actor, account.id, {"last_name": last_name, **values})

    return make


def toast_of(response: Any) -> dict[str, Any]:
    """Return the message that an answer leaves for the next page, or for this one."""
    cookie = re.search("liaison_toast=([^;]+)", response.headers.get("Set-Cookie", ""))
    if cookie:
        return dict(json.loads(unquote(cookie[1])))
    return dict(json.loads(response.headers["HX-Trigger"])["liaison:toast"])
