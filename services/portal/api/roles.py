"""Roles and permissions by API."""

import uuid
from typing import Any

from services.portal.api.blueprint import blueprint
from services.portal.caller import actor
from services.portal.domain import roles
from services.portal.domain.permissions import PERMISSIONS
from services.portal.schemas import PermissionOut, RoleChange, RoleIn, RoleOut, RoleWithUsers
from shared.db import read_only, unit_of_work
from shared.web import etag_of, idempotent, page_of, requires, seen_version
from shared.web.described import needs_version


@blueprint.route("/permissions", methods=["GET"])
@requires("users.manage")
@blueprint.response(200, page_of(PermissionOut))
def list_permissions() -> dict[str, Any]:
    """Return what can be permitted, in words."""
    return {"items": PERMISSIONS, "next": None}


@blueprint.route("/roles", methods=["GET"])
@requires("users.manage")
@blueprint.response(200, page_of(RoleWithUsers))
def list_roles() -> dict[str, Any]:
    """Return all roles."""
    with read_only() as session:
        found = roles.list_roles(session)
    return {"items": [{**RoleOut().dump(role), "users": users} for role, users in found], "next": None}


@blueprint.route("/roles", methods=["POST"])
@requires("users.manage")
@idempotent
@blueprint.arguments(RoleIn)
@blueprint.response(201, RoleOut)
def add_role(values: dict[str, Any]) -> tuple[Any, int, dict[str, str]]:
    """Add a role, with permissions that you have yourself."""
    with unit_of_work() as session:
        role = roles.create_role(session, actor(), values)
    return role, 201, {"ETag": etag_of(role.version), "Location": f"/api/portal/v1/roles/{role.id}"}


@blueprint.route("/roles/<uuid:role_id>", methods=["GET"])
@requires("users.manage")
@blueprint.response(200, RoleOut)
def show_role(role_id: uuid.UUID) -> tuple[Any, int, dict[str, str]]:
    """Return one role."""
    with read_only() as session:
        role = roles.get_role(session, role_id)
    return role, 200, {"ETag": etag_of(role.version)}


@blueprint.route("/roles/<uuid:role_id>", methods=["PATCH"])
@requires("users.manage")
@needs_version(blueprint)
@blueprint.arguments(RoleChange)
@blueprint.response(200, RoleOut)
def change_role(changes: dict[str, Any], role_id: uuid.UUID) -> tuple[Any, int, dict[str, str]]:
    """Change a role; it works for all who have it from their next request on."""
    seen = seen_version()
    with unit_of_work() as session:
        role = roles.edit_role(session, actor(), role_id, seen, changes)
    return role, 200, {"ETag": etag_of(role.version)}


@blueprint.route("/roles/<uuid:role_id>", methods=["DELETE"])
@requires("users.manage")
@needs_version(blueprint)
@blueprint.response(204)
def remove_role(role_id: uuid.UUID) -> None:
    """Delete a role that nobody has."""
    seen = seen_version()
    with unit_of_work() as session:
        roles.delete_role(session, actor(), role_id, seen)
