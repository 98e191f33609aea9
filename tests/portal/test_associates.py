"""A6: users who are tied to an associate: what they may do, and when they may no longer come in."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.portal import consumers, copies_cli
from services.portal.domain import setup, switches, ties, users
from services.portal.domain.permissions import FOR_ASSOCIATES, OF_ASSOCIATES
from services.portal.errors import AdministratorIsForEmployees, AssociateMissing
from services.portal.models import AuditEntry, Role, User
from shared.db import unit_of_work
from shared.errors import NotFound
from shared.events.associates import AssociateDeleted
from shared.identity import HEADER, Identity, verify_identity
from shared.testing import SignedClient, client_as
from tests.portal.conftest import GOOD, Browser

DANA = uuid.uuid4()
ON = frozenset({"partner_management"})
Tied = Callable[..., User]


@pytest.fixture(autouse=True)
def _partner_management(app: Flask) -> None:
    with unit_of_work() as session:
        switches.switch(session, setup.SYSTEM, switches.PARTNER_MANAGEMENT, on=True)


def saved(session: Session, *, can_login: bool, name: str = "Dana Dealer") -> None:
    payload = {"associate_id": str(DANA), "code": "A1", "associate_name": name, "active": True, "can_login": can_login}
    consumers.keep_associate(session, {"payload": payload})


@pytest.fixture
def tied(make_user: Callable[..., User]) -> Tied:
    """tied("Staff") -> a user of Dana's, who may sign in, with this role."""

    def make(*roles: str, **values: Any) -> User:
        with unit_of_work() as session:
            saved(session, can_login=True)
        return make_user(*roles, kind="associate", associate_id=DANA, **values)

    return make


def identity_of(app: Flask, browser: Browser) -> Identity | None:
    answer = browser.client.get("/internal/identity", headers={"X-Forwarded-Uri": "/"})
    token = answer.headers.get(HEADER)
    return verify_identity(app.extensions["liaison.settings"].keys_dir, token) if token else None


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


def test_identity_of_an_associates_user_names_the_associate_and_lets_them_look(
    app: Flask, browser: Browser, tied: Tied
) -> None:
    browser.sign_in(tied().username, GOOD)
    identity = identity_of(app, browser)
    assert identity is not None
    assert (identity.kind, identity.associate_id, identity.permissions) == ("associate", DANA, OF_ASSOCIATES)
    assert not identity.sees_all


def test_role_of_an_associates_user_gives_no_more_than_associates_may_have(
    app: Flask, browser: Browser, tied: Tied
) -> None:
    user = tied("Manager")
    browser.sign_in(user.username, GOOD)
    identity = identity_of(app, browser)
    assert identity is not None
    assert identity.permissions == users.permissions_of(user) == FOR_ASSOCIATES
    assert not identity.permissions & {"import", "export", "undo", "jobs.all", "users.manage", "audit.view", "assign"}


def test_user_when_partner_management_is_off_may_do_nothing(app: Flask, browser: Browser, tied: Tied) -> None:
    browser.sign_in(tied("Staff").username, GOOD)
    with unit_of_work() as session:
        switches.switch(session, setup.SYSTEM, switches.PARTNER_MANAGEMENT, on=False)
    identity = identity_of(app, browser)
    assert identity is not None
    assert identity.permissions == frozenset()


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("kind", ["associate", "employee", "customer"])
def test_me_when_asked_tells_what_the_identity_gives(
    app: Flask, browser: Browser, tied: Tied, make_user: Callable[..., User], kind: str, on: bool
) -> None:
    """Whoever asks is told what the services will let them do, while partner management is off, too."""
    roles = () if kind == "customer" else ("Staff", "Manager")
    user = tied(*roles) if kind == "associate" else make_user(*roles, kind=kind)
    with unit_of_work() as session:
        switches.switch(session, setup.SYSTEM, switches.PARTNER_MANAGEMENT, on=on)
    told = browser.post("/api/portal/v1/sign-in", json={"username": user.username, "password": GOOD}).json
    identity = identity_of(app, browser)
    assert identity is not None
    assert bool(identity.permissions) is (kind == "employee" or (kind == "associate" and on))
    assert set(told["permissions"]) == identity.permissions
    assert set(browser.get("/api/portal/v1/me").json["permissions"]) == identity.permissions


def test_user_of_an_associate_while_partner_management_is_off_is_as_far_beyond_others(
    app: Flask, tied: Tied, make_user: Callable[..., User]
) -> None:
    """What they will have again when it is switched on counts: nobody takes it over meanwhile by a password."""
    user = tied("Staff")
    with unit_of_work() as session:
        switches.switch(session, setup.SYSTEM, switches.PARTNER_MANAGEMENT, on=False)
    answer = client_as(app, "users.manage").post(f"/api/portal/v1/users/{user.id}/password", json={})
    assert (answer.status_code, answer.json["code"]) == (403, "beyond_your_permissions")


@pytest.mark.parametrize("how", ["may not sign in", "was deleted"])
def test_session_when_the_associate_is_locked_out_ends_for_good(
    app: Flask, browser: Browser, tied: Tied, how: str
) -> None:
    user = tied()
    browser.sign_in(user.username, GOOD)
    assert identity_of(app, browser) is not None
    secret = browser.post("/api/portal/v1/tokens", json={"name": "script"}).json["token"]
    with unit_of_work() as session:
        if how == "was deleted":
            ties.forget_associates(session, [DANA])
        else:
            saved(session, can_login=False)
    assert identity_of(app, browser) is None
    again = Browser(app)
    assert again.sign_in(user.username, GOOD).status_code == 401
    with unit_of_work() as session:
        saved(session, can_login=True)
    assert identity_of(app, browser) is None, "the session of before does not come back"
    assert browser.ask("GET", "/api/x", {"Authorization": f"Bearer {secret}"}).status_code == 401, "nor does the token"
    again.sign_in(user.username, GOOD)
    assert identity_of(app, again) is not None


def test_user_when_switched_off_is_out_at_once(app: Flask, browser: Browser, tied: Tied) -> None:
    user = tied()
    browser.sign_in(user.username, GOOD)
    with unit_of_work() as session:
        users.set_active(session, setup.SYSTEM, user.id, False)
    assert identity_of(app, browser) is None


def test_user_of_the_kind_associate_is_tied_to_one(make_user: Callable[..., User], tied: Tied) -> None:
    for associate_id in (None, uuid.uuid4()):
        with pytest.raises(AssociateMissing):
            make_user(kind="associate", associate_id=associate_id)
    with unit_of_work() as session:
        saved(session, can_login=True)
        ties.forget_associates(session, [DANA])
    with pytest.raises(AssociateMissing):
        make_user(kind="associate", associate_id=DANA)
    user = tied()
    with unit_of_work() as session:
        user = users.edit_user(session, setup.SYSTEM, user.id, user.version, {"kind": "employee"})
    assert user.associate_id is None


def test_administrator_is_an_employee(tied: Tied, session: Session) -> None:
    with pytest.raises(AdministratorIsForEmployees):
        tied("Administrator")
    assert session.query(Role).filter(Role.is_administrator).count() == 1


class Associates:
    """Answers portal as associates would that has Dana alone."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self, path: str) -> dict[str, Any]:
        self.asked += 1
        if path != f"/internal/associates/{DANA}":
            raise NotFound("There is no such associate.")
        return {"code": "A1", "name": "Dana Dealer", "can_login": True}


@pytest.fixture
def associates(app: Flask) -> Iterator[Associates]:
    there = Associates()
    app.extensions["portal.peers"] = {"associates": there}
    yield there
    del app.extensions["portal.peers"]


@pytest.fixture
def ada(app: Flask) -> SignedClient:
    may = ("users.manage", "customers.view", "customers.edit", "associates.view")
    return client_as(app, *may, features=ON)


def test_user_when_added_by_api_is_tied(ada: SignedClient, associates: Associates) -> None:
    wish = {"username": "dana", "name": "Dana", "kind": "associate", "associate_id": str(DANA)}
    answer = ada.post("/api/portal/v1/users", json=wish)
    assert answer.status_code == 201
    assert answer.json["associate"] == {"id": str(DANA), "code": "A1", "name": "Dana Dealer", "can_login": True}
    ada.post("/api/portal/v1/users", json=wish | {"username": "dora"})
    assert associates.asked == 1, "what is known is not asked for again"
    unknown = ada.post("/api/portal/v1/users", json=wish | {"username": "x", "associate_id": str(uuid.uuid4())})
    assert (unknown.status_code, unknown.json["code"]) == (422, "associate_missing")


def test_user_when_partner_management_is_off_is_not_tied(app: Flask, associates: Associates) -> None:
    ada = client_as(app, "users.manage", "customers.view", "associates.view")
    wish = {"username": "dana", "name": "Dana", "kind": "associate", "associate_id": str(DANA)}
    answer = ada.post("/api/portal/v1/users", json=wish)
    assert (answer.status_code, answer.json["code"]) == (409, "partner_management_off")
    assert 'value="associate"' not in ada.get("/settings/users/new").text


def test_form_of_a_user_ties_by_a_choice(ada: SignedClient, associates: Associates, session: Session) -> None:
    typed = {"username": "dana", "name": "Dana", "kind": "associate", "first_password": "later", "active": "true"}
    refused = ada.post("/settings/users/new", data=typed | {"associate_name": "Dan"})
    assert refused.status_code == 422
    assert "Choose the associate" in refused.text
    assert 'value="Dan"' in refused.text
    chosen = ada.post("/settings/users/new", data=typed | {"associate_name": "Dana Dealer", "associate_id": str(DANA)})
    assert chosen.status_code in (200, 302, 303)
    user = users.user_named(session, "dana")
    assert user.associate_id == DANA
    assert "Dana Dealer" in ada.get(f"/settings/users/{user.id}").text
    assert "Associate: Dana Dealer" in ada.get("/settings/users").text


def test_user_when_an_import_or_its_undo_speaks_of_the_associate_may_sign_in_or_not(
    app: Flask, tied: Tied, browser: Browser
) -> None:
    """A10: an import lets nobody in; what it says of somebody who may sign in leaves that as it is."""
    user = tied()
    assert browser.sign_in(user.username, GOOD).status_code == 303
    with unit_of_work() as session:
        told = [[str(DANA), "A1", "Dana D.", True, True], [str(uuid.uuid4()), "A2", "Ben", True, False]]
        consumers.keep_associates(session, {"payload": {"associates": told}})
    found = identity_of(app, browser)
    assert found is not None
    assert found.associate_id == DANA
    with unit_of_work() as session:
        consumers.forget_associates(session, {"payload": {"associates": [[str(DANA), "A1", "Dana D."]]}})
    assert identity_of(app, browser) is None


class Owner:
    """Answers as associates does: rows of who may sign in, an empty feed, and where that stands."""

    def __init__(self, *rows: tuple[str, str, str, str]) -> None:
        self.rows = sorted(rows)

    def get(self, path: str, **_: Any) -> Any:
        if path == "/internal/events/newest":
            return {"pos": 41}
        return {"events": []} if path == "/internal/events" else {"rows": [list(row) for row in self.rows]}


def test_check_when_the_copy_differs_says_what_and_rebuild_mends_it(app: Flask, browser: Browser, tied: Tied) -> None:
    """`./liaison check`: an event that never came let a user in who may no longer."""
    browser.sign_in(tied().username, GOOD)
    other = str(uuid.uuid4())
    nobody: Any = Owner()
    owner: Any = Owner((str(DANA), "A1", "Dana Dealer", "no"), (other, "A2", "Ben", "yes"))
    assert sorted(copies_cli.check(owner)) == sorted(
        [
            f"sign-ins: {DANA} A1 Dana Dealer yes should be {DANA} A1 Dana Dealer no",
            f"sign-ins: {other} A2 Ben yes is missing here",
        ]
    )
    assert identity_of(app, browser) is not None
    assert copies_cli.make_anew(owner) == ["sign-ins: 2 rows"]
    assert identity_of(app, browser) is None
    assert copies_cli.check(owner) == []
    assert copies_cli.make_anew(nobody) == ["sign-ins: 0 rows"]
    assert copies_cli.check(owner) == [
        f"sign-ins: {one} is missing here" for one in sorted(" ".join(row) for row in owner.rows)
    ]


def test_rebuild_when_something_is_unread_leaves_it_to_the_audit_trail(app: Flask, session: Session) -> None:
    by = {"actor_id": str(uuid.uuid4()), "actor_name": "Ada Admin", "at": "2026-05-04T10:00:00+00:00", "ip": ""}
    told = {"associate_id": str(DANA), "code": "A1", "associate_name": "Dana Dealer", **by}

    class Behind(Owner):
        def get(self, path: str, **query: Any) -> Any:
            if path != "/internal/events" or query["after"] >= 41:
                return super().get(path, **query)
            return {"events": [{"pos": 41, "event_id": unread, "name": AssociateDeleted.name, "payload": told}]}

    owner: Any = Behind()
    unread = str(uuid.uuid4())
    copies_cli.make_anew(owner)
    assert copies_cli.check(owner) == []  # which reads the feed first
    noted = select(AuditEntry.subject_name).where(AuditEntry.action == "associate_deleted")
    assert session.scalars(noted).all() == ["Dana Dealer"]
