"""Settings, Roles (P2): sets of permissions, and the one that stays."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.portal.domain.permissions import ALL
from services.portal.models import AuditEntry, Role

ROLES = "/api/portal/v1/roles"


def _role(session: Session, name: str) -> Role:
    return session.scalars(select(Role).where(Role.name == name)).one()


def test_role_when_added_and_changed_works_from_the_next_request_on(signed_in: Callable[..., Any]) -> None:
    admin = signed_in("Administrator")
    made = admin.post(ROLES, json={"name": "Caller", "permissions": ["customers.view"]})
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    caller = signed_in("Caller")
    assert caller.get("/api/portal/v1/audit").status_code == 403
    wider = {"json": {"permissions": ["audit.view", "customers.view"]}, "headers": {"If-Match": '"1"'}}
    changed = admin.open("PATCH", f"{ROLES}/{made.json['id']}", **wider)
    assert changed.json["permissions"] == ["customers.view", "audit.view"]
    assert caller.get("/api/portal/v1/audit").status_code == 200
    assert admin.open("PATCH", f"{ROLES}/{made.json['id']}", **wider).status_code == 412


def test_role_when_edited_on_screen_keeps_what_was_ticked(signed_in: Callable[..., Any], session: Session) -> None:
    admin = signed_in("Administrator")
    form = {"name": "Two", "description": "d", "permissions": ["export", "import"]}
    assert admin.post("/settings/roles/new", form).status_code == 303
    role = _role(session, "Two")
    page = admin.get(f"/settings/roles/{role.id}").text
    assert page.count(" checked") == 2 + 1  # and the switch for single keys
    again = admin.post(f"/settings/roles/{role.id}", {**form, "name": "", "version": role.version})
    assert (again.status_code, "This is needed." in again.text) == (422, True)
    stale = admin.post(f"/settings/roles/{role.id}", {**form, "version": role.version + 1})
    assert stale.status_code == 412
    twin = admin.post("/settings/roles/new", {**form, "name": "TWO"})
    assert (twin.status_code, "Another role has this name" in twin.text) == (422, True)


def test_role_when_a_permission_is_unknown_is_refused(signed_in: Callable[..., Any]) -> None:
    answer = signed_in("Administrator").post(ROLES, json={"name": "X", "permissions": ["root"]})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["permissions.0"])


def test_role_when_users_have_it_is_not_deleted(signed_in: Callable[..., Any], session: Session) -> None:
    admin = signed_in("Administrator")
    signed_in("Viewer")
    viewer = _role(session, "Viewer")
    tag = {"headers": {"If-Match": f'"{viewer.version}"'}}
    refused = admin.open("DELETE", f"{ROLES}/{viewer.id}", **tag)
    assert (refused.status_code, refused.json["code"], refused.json["users"]) == (409, "role_in_use", 1)
    assert "1 user has" in admin.post(f"/settings/roles/{viewer.id}/delete").text
    manager = _role(session, "Manager")
    assert admin.post(f"/settings/roles/{manager.id}/delete").status_code == 303
    assert admin.get(f"{ROLES}/{manager.id}").json["code"] == "role_not_found"


@pytest.mark.parametrize("how", ["strip", "rename", "delete", "page"])
def test_administrator_role_when_touched_stays_as_it_is(
    signed_in: Callable[..., Any], session: Session, how: str
) -> None:
    admin, role = signed_in("Administrator"), _role(session, "Administrator")
    tag = {"headers": {"If-Match": f'"{role.version}"'}}
    url = f"{ROLES}/{role.id}"
    answer = {
        "strip": lambda: admin.open("PATCH", url, json={"permissions": []}, **tag),
        "rename": lambda: admin.open("PATCH", url, json={"name": "Boss"}, **tag),
        "delete": lambda: admin.open("DELETE", url, **tag),
        "page": lambda: admin.post(f"/settings/roles/{role.id}", {"name": "Boss", "version": role.version}),
    }[how]()
    assert answer.status_code == 409
    session.expire_all()
    assert (role.name, set(role.permissions)) == ("Administrator", ALL)


def test_list_when_shown_counts_users_and_explains_permissions(signed_in: Callable[..., Any]) -> None:
    admin = signed_in("Administrator")
    roles = {one["name"]: one["users"] for one in admin.get(ROLES).json["items"]}
    assert roles["Administrator"] == 2
    assert next(iter(roles)) == "Administrator"
    explained = admin.get("/api/portal/v1/permissions").json["items"]
    assert {one["name"] for one in explained} == ALL
    page = admin.get("/settings/roles/new").text.replace("&#39;", "'")
    assert all(one["label"] in page and one["explanation"] in page for one in explained)


def test_permission_change_when_made_is_in_the_trail(signed_in: Callable[..., Any], session: Session) -> None:
    admin = signed_in("Administrator")
    made = admin.post(ROLES, json={"name": "Caller", "permissions": ["customers.view"]}).json
    narrow = {"json": {"permissions": []}, "headers": {"If-Match": '"1"'}}
    admin.open("PATCH", f"{ROLES}/{made['id']}", **narrow)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "role_edited")).one()
    assert entry.details == {"fields": {"permissions": [["customers.view"], []]}}
    assert "permissions: customers.view → nothing" in admin.get("/settings/audit").text
