"""A portal on a database of its own, builders for its people, and a browser that the gateway stands before."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from services.portal.app import create_app
from services.portal.domain import credentials, setup, users
from services.portal.models import Role, User
from shared.db import unit_of_work
from shared.identity import HEADER
from shared.settings import Settings
from shared.testing import outer_transaction

GOOD = "teapot granite marmalade"
OTHER = "seventeen wet umbrellas"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def portal_url(make_database: Callable[[str], str]) -> str:
    return make_database("portal")


@pytest.fixture(scope="session")
def portal_app(portal_url: str, make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    app = create_app(make_settings("portal", portal_url))
    app.config["SIGN_IN_LIMIT"] = "100000 per minute"
    with app.app_context(), unit_of_work() as session:
        setup.prepare(session)
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def app(portal_app: Flask) -> Iterator[Flask]:
    """The portal, inside a transaction that is rolled back after the test."""
    with outer_transaction(portal_app), portal_app.app_context():
        yield portal_app


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session for looking and arranging; what it flushes is seen by the app."""
    with app.extensions["liaison.sessions"]() as one:
        yield one


@pytest.fixture
def make_user(app: Flask) -> Callable[..., User]:
    """make_user("Manager", name="Ada", password=GOOD, temporary=False) -> a user with these roles."""

    def make(*roles: str, password: str | None = GOOD, temporary: bool = False, **values: Any) -> User:
        number = next(_numbers)
        with unit_of_work() as session:
            given = {"username": f"user{number}", "name": f"Person {number}", **values}
            known = {role.name: role.id for role in session.query(Role)}
            user = users.create_user(session, setup.SYSTEM, {**given, "roles": [known[name] for name in roles]})
            if password:
                credentials.set_password(session, setup.SYSTEM, user.id, password, temporary=temporary)
        return user

    return make


class Browser:
    """A browser with cookies, whose requests go by the identity endpoint first, as the gateway does it."""

    def __init__(self, app: Flask, ip: str = "203.0.113.7") -> None:
        self.client = app.test_client()
        self.ip = ip

    def _headers(self, extra: dict[str, str]) -> dict[str, str]:
        return {
            "X-Forwarded-For": self.ip,
            "Sec-Fetch-Site": "same-origin",
            "User-Agent": "Mozilla/5.0 Firefox/140.0 (Linux)",
            **extra,
        }

    def ask(self, method: str, url: str, headers: dict[str, str] | None = None) -> Any:
        """Ask the identity endpoint about a request."""
        forwarded = {"X-Forwarded-Method": method, "X-Forwarded-Uri": url, "Accept": "text/html", **(headers or {})}
        return self.client.get("/internal/identity", headers=self._headers(forwarded))

    def open(self, method: str, url: str, headers: dict[str, str] | None = None, **rest: Any) -> Any:
        sent = self._headers(headers or {})
        sent.pop(HEADER, None)
        if not url.startswith(("/sign-in", "/api/portal/v1/sign-in")):
            asked = self.ask(method, url, headers)
            if asked.status_code != 200:
                return asked
            sent[HEADER] = asked.headers[HEADER]
        return self.client.open(url, method=method, headers=sent, **rest)

    def get(self, url: str, **rest: Any) -> Any:
        return self.open("GET", url, **rest)

    def post(self, url: str, data: Any = None, **rest: Any) -> Any:
        return self.open("POST", url, data=data, **rest)

    def sign_in(self, username: str, password: str = GOOD, next: str = "/") -> Any:  # noqa: A002
        return self.post("/sign-in", {"username": username, "password": password, "next": next})


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def make_browser(app: Flask) -> Callable[..., Browser]:
    return lambda **rest: Browser(app, **rest)


@pytest.fixture
def signed_in(make_user: Callable[..., User], make_browser: Callable[..., Browser]) -> Callable[..., Browser]:
    """signed_in("Administrator") -> a browser in which a fresh user of that role is signed in (`.user`)."""

    def make(*roles: str, **values: Any) -> Browser:
        user = make_user(*roles, **values)
        one = make_browser()
        assert one.sign_in(user.username).status_code == 303
        one.user = user  # type: ignore[attr-defined]
        return one

    return make
