"""Settings, Roles: named sets of permissions (P2)."""

import uuid
from itertools import groupby
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from services.portal.caller import actor
from services.portal.domain import roles
from services.portal.domain.permissions import PERMISSIONS
from services.portal.schemas import RoleIn, load_form
from shared.db import read_only, unit_of_work
from shared.errors import Invalid
from shared.web import go_to, requires

blueprint = Blueprint("roles", __name__)


def _groups() -> list[tuple[str, list[Any]]]:
    return [(name, list(group)) for name, group in groupby(PERMISSIONS, lambda permission: permission.group)]


def _form_values() -> dict[str, Any]:
    form = request.form
    return {
        "name": form.get("name", ""),
        "description": form.get("description", ""),
        "permissions": form.getlist("permissions"),
    }


def _form(role: Any, values: dict[str, Any], errors: dict[str, list[str]], users: int = 0) -> str:
    return render_template("portal/role.html", role=role, values=values, errors=errors, groups=_groups(), users=users)


@blueprint.get("/settings/roles")
@requires("users.manage")
def list_roles() -> str:
    """Show all roles."""
    with read_only() as session:
        return render_template("portal/roles.html", roles=roles.list_roles(session), total=len(PERMISSIONS))


@blueprint.get("/settings/roles/<uuid:role_id>/menu")
@requires("users.manage")
def menu(role_id: uuid.UUID) -> str:
    """Return what can be done with a row of the list."""
    with read_only() as session:
        return render_template("portal/role_menu.html", role=roles.get_role(session, role_id))


@blueprint.get("/settings/roles/new")
@requires("users.manage")
def new_role() -> str:
    """Show an empty form."""
    return _form(None, {"permissions": ["customers.view"]}, {})


@blueprint.post("/settings/roles/new")
@requires("users.manage")
def add_role() -> Response:
    """Add a role."""
    typed = _form_values()
    try:
        with unit_of_work() as session:
            role = roles.create_role(session, actor(), load_form(RoleIn(), typed))
    except Invalid as error:
        return make_response(_form(None, typed, error.fields), error.status)
    return go_to("/settings/roles", f"The role {role.name} was added.")


@blueprint.get("/settings/roles/<uuid:role_id>")
@requires("users.manage")
def show_role(role_id: uuid.UUID) -> str:
    """Show one role to edit."""
    with read_only() as session:
        role = roles.get_role(session, role_id)
    values = {name: getattr(role, name) for name in ("name", "description", "permissions", "version")}
    return _form(role, values, {})


@blueprint.post("/settings/roles/<uuid:role_id>")
@requires("users.manage")
def change_role(role_id: uuid.UUID) -> Response:
    """Save the form."""
    typed = _form_values()
    seen = request.form.get("version", 0, int)
    try:
        with unit_of_work() as session:
            role = roles.edit_role(session, actor(), role_id, seen, load_form(RoleIn(), typed))
    except Invalid as error:
        with read_only() as session:
            shown = roles.get_role(session, role_id)
        return make_response(_form(shown, {**typed, "version": seen}, error.fields), error.status)
    return go_to("/settings/roles", f"The role {role.name} was saved.")


@blueprint.get("/settings/roles/<uuid:role_id>/delete")
@requires("users.manage")
def ask_delete(role_id: uuid.UUID) -> str:
    """Ask before a role is deleted."""
    with read_only() as session:
        return render_template("portal/role_delete.html", role=roles.get_role(session, role_id))


@blueprint.post("/settings/roles/<uuid:role_id>/delete")
@requires("users.manage")
def delete_role(role_id: uuid.UUID) -> Response:
    """Delete a role that nobody has."""
    with unit_of_work() as session:
        name = roles.get_role(session, role_id).name
        roles.delete_role(session, actor(), role_id)
    return go_to("/settings/roles", f"The role {name} was deleted.")
