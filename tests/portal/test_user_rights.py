"""Who may manage whom: nobody rises by it, and an administrator is always left."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.portal.domain import credentials, setup, users
from services.portal.domain.actor import Actor
from services.portal.domain.permissions import ALL
from services.portal.errors import NotYourself
from services.portal.models import Role, User
from shared.db import unit_of_work
from shared.errors import DomainError

USERS = "/api/portal/v1/users"


def _role(session: Session, name: str) -> Role:
    return session.scalars(select(Role).where(Role.name == name)).one()


def test_pages_when_the_permission_is_missing_are_refused(signed_in: Callable[..., Any]) -> None:
    manager = signed_in("Manager")
    for url in ("/settings/users", "/settings/users/new", "/settings/roles", USERS, "/api/portal/v1/roles"):
        assert manager.get(url).status_code == 403, url
    assert manager.get("/settings").headers["Location"] == "/settings/audit"
    assert signed_in("Viewer").get("/settings/audit").status_code == 403


@pytest.fixture
def helpdesk(signed_in: Callable[..., Any], session: Session) -> Any:
    """Somebody who may manage users, but not everything."""
    admin = signed_in("Administrator")
    role = {"name": "Helpdesk", "permissions": ["users.manage", "customers.view", "associates.view"]}
    assert admin.post("/api/portal/v1/roles", json=role).status_code == 201
    return signed_in("Helpdesk")


def test_user_manager_when_not_administrator_can_not_rise(
    helpdesk: Any, make_user: Callable[..., User], session: Session
) -> None:
    """Nobody gives, or takes over, what they do not have: not by role, new user, password, or a role's permissions."""
    admin_role, viewer = _role(session, "Administrator"), _role(session, "Viewer")
    boss, staff = make_user("Administrator"), make_user("Staff")
    own = f"{USERS}/{helpdesk.user.id}"
    beyond = [
        helpdesk.open(
            "PATCH", own, json={"roles": [str(admin_role.id)]}, headers={"If-Match": f'"{helpdesk.user.version}"'}
        ),
        helpdesk.post(USERS, json={"username": "twin", "name": "Twin", "roles": [str(_role(session, "Manager").id)]}),
        helpdesk.post(f"{USERS}/{boss.id}/password", json={}),
        helpdesk.post(f"{USERS}/{staff.id}/deactivate"),
        helpdesk.open("PATCH", f"{USERS}/{boss.id}", json={"name": "x"}, headers={"If-Match": f'"{boss.version}"'}),
        helpdesk.post("/api/portal/v1/roles", json={"name": "All", "permissions": ["export"]}),
        helpdesk.open(
            "PATCH",
            f"/api/portal/v1/roles/{viewer.id}",
            json={"permissions": ["customers.view", "export"]},
            headers={"If-Match": f'"{viewer.version}"'},
        ),
    ]
    assert [(one.status_code, one.json["code"]) for one in beyond] == [(403, "beyond_your_permissions")] * len(beyond)
    fine = helpdesk.post(USERS, json={"username": "colleague", "name": "Colleague", "roles": [str(viewer.id)]})
    assert fine.status_code == 201


def test_roles_when_given_to_somebody_who_is_no_employee_are_refused(
    signed_in: Callable[..., Any], make_user: Callable[..., User], session: Session
) -> None:
    admin, viewer = signed_in("Administrator"), _role(session, "Viewer")
    given = {"username": "c", "name": "C", "kind": "customer", "roles": [str(viewer.id)]}
    assert admin.post(USERS, json=given).json["code"] == "roles_are_for_employees"
    user = make_user("Viewer")
    turned = admin.open(
        "PATCH", f"{USERS}/{user.id}", json={"kind": "vendor"}, headers={"If-Match": f'"{user.version}"'}
    )
    assert turned.json["code"] == "roles_are_for_employees"


def test_last_administrator_when_it_would_go_stays(
    signed_in: Callable[..., Any], make_user: Callable[..., User], session: Session
) -> None:
    admin = signed_in("Administrator")
    session.execute(text("UPDATE portal_user SET active = false WHERE username = 'admin'"))
    session.commit()
    strip = {"json": {"roles": []}, "headers": {"If-Match": f'"{admin.user.version}"'}}
    own = f"{USERS}/{admin.user.id}"
    make_user("Viewer")
    for cannot_sign_in in ({"password": None}, {"temporary": True}, {"active": False}):
        make_user("Administrator", **cannot_sign_in)
        refused = admin.open("PATCH", own, **strip)
        assert (refused.status_code, refused.json["code"]) == (409, "last_administrator"), cannot_sign_in
    assert "password of their own" in refused.json["detail"]
    make_user("Administrator")
    assert admin.open("PATCH", own, **strip).status_code == 200


def test_others_when_no_administrator_has_a_password_of_their_own_can_be_edited(
    helpdesk: Any, make_user: Callable[..., User], session: Session
) -> None:
    """After the command line gave the only administrator a temporary password, work goes on."""
    admins = "id IN (SELECT user_id FROM user_role JOIN role ON role.id = role_id WHERE is_administrator)"
    until = "temporary_until = now() + interval '1 day'"
    session.execute(text(f"UPDATE portal_user SET password_is_temporary = true, {until} WHERE {admins}"))
    session.commit()
    viewer = make_user("Viewer")
    patch = {"json": {"name": "New"}, "headers": {"If-Match": f'"{viewer.version}"'}}
    assert helpdesk.open("PATCH", f"{USERS}/{viewer.id}", **patch).status_code == 200
    assert helpdesk.post(f"{USERS}/{viewer.id}/deactivate").status_code == 200


def test_oneself_when_switched_off_by_a_slip_is_refused(
    signed_in: Callable[..., Any], make_user: Callable[..., User]
) -> None:
    make_user("Administrator")
    admin = signed_in("Administrator")
    assert admin.post(f"{USERS}/{admin.user.id}/deactivate").json["code"] == "not_yourself"
    page = admin.post(f"/settings/users/{admin.user.id}/deactivate")
    assert page.status_code == 409


def _somebody_waits(session: Session) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(session.execute(text(waiting)).scalar_one())


def test_two_administrators_when_each_switches_the_other_off_at_once_leave_one(portal_app: Any) -> None:
    """The second has to wait for the first to commit, and then sees that nobody else would be left."""
    with portal_app.app_context():
        with unit_of_work() as session:
            role = session.scalars(select(Role).where(Role.is_administrator)).one().id
            ready = "password_hash = 'x', password_is_temporary = false"
            others = [user.id for user in session.scalars(select(User).where(User.active))]
            session.execute(text("UPDATE portal_user SET active = false"))
            pair = [
                users.create_user(session, setup.SYSTEM, {"username": f"duel{number}", "name": "D", "roles": [role]}).id
                for number in range(2)
            ]
            session.execute(text(f"UPDATE portal_user SET {ready} WHERE username LIKE 'duel%'"))
        second: list[str] = []

        def strike_back() -> None:
            with portal_app.app_context():
                try:
                    with unit_of_work() as session:
                        users.set_active(session, Actor(pair[1], "D", ALL), pair[0], False)
                    second.append("done")
                except DomainError as error:
                    second.append(error.code)

        thread = threading.Thread(target=strike_back)
        with unit_of_work() as first:
            users.set_active(first, Actor(pair[0], "D", ALL), pair[1], False)
            thread.start()
            with portal_app.extensions["liaison.sessions"]() as watcher:
                while thread.is_alive() and not _somebody_waits(watcher):
                    watcher.rollback()
        thread.join()
        with unit_of_work() as session:
            left = session.scalars(select(User.id).where(User.active)).all()
            session.execute(text("DELETE FROM portal_user WHERE username LIKE 'duel%'"))
            session.execute(text("UPDATE portal_user SET active = true WHERE id = ANY(:ids)"), {"ids": others})
    assert (second, left) == (["last_administrator"], [pair[0]])


def test_temporary_password_when_for_oneself_is_refused(session: Session, make_user: Callable[..., User]) -> None:
    """With one the last administrator would be none any more, a day later for good."""
    boss = make_user("Administrator")
    for password in (None, "another good one 7"):
        with pytest.raises(NotYourself):
            credentials.set_password(session, Actor(boss.id, boss.name), boss.id, password)
    assert not boss.password_is_temporary
