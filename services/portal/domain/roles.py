"""Roles: named sets of permissions (P2)."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.portal.domain import audit
from services.portal.domain.actor import Actor
from services.portal.domain.permissions import in_order
from services.portal.errors import AdministratorIsFixed, RoleInUse, RoleNameTaken, RoleNotFound
from services.portal.models import Role, UserRole
from shared.errors import Stale
from shared.keys import clean, name_key


def list_roles(session: Session) -> Sequence[tuple[Role, int]]:
    """Return all roles, the administrator first, each with how many users have it."""
    count = select(func.count()).where(UserRole.role_id == Role.id).scalar_subquery()
    query = select(Role, count).order_by(Role.is_administrator.desc(), Role.name_key)
    return [(role, users) for role, users in session.execute(query)]


def get_role(session: Session, role_id: uuid.UUID) -> Role:
    """Return a role; raise RoleNotFound."""
    role = session.get(Role, role_id)
    if role is None:
        raise RoleNotFound
    return role


def create_role(session: Session, actor: Actor, values: Mapping[str, Any]) -> Role:
    """Add a role. `values`: name, description, permissions, none of which the actor lacks."""
    role = Role(description="", permissions=[])
    _fill(role, values)
    actor.must_have(role.permissions)
    session.add(role)
    _flush(session, role)
    audit.note(session, "role_added", actor, _subject(role), {"permissions": role.permissions})
    return role


def edit_role(session: Session, actor: Actor, role_id: uuid.UUID, seen: int, changes: Mapping[str, Any]) -> Role:
    """Change a role; whoever has it has the new permissions from the next request on."""
    role = _lock(session, actor, role_id, seen)
    before = {"name": role.name, "description": role.description, "permissions": role.permissions}
    with session.no_autoflush:
        _fill(role, changes)
        actor.must_have(role.permissions)
    fields = {field: [old, getattr(role, field)] for field, old in before.items() if old != getattr(role, field)}
    if fields:
        audit.note(session, "role_edited", actor, _subject(role), {"fields": fields})
    _flush(session, role)
    return role


def delete_role(session: Session, actor: Actor, role_id: uuid.UUID, seen: int | None = None) -> None:
    """Delete a role that nobody has."""
    role = _lock(session, actor, role_id, seen)
    users = session.scalar(select(func.count()).where(UserRole.role_id == role.id)) or 0
    if users:
        raise RoleInUse(role.name, users)
    audit.note(session, "role_deleted", actor, _subject(role), {"permissions": role.permissions})
    session.delete(role)
    session.flush()


def _lock(session: Session, actor: Actor, role_id: uuid.UUID, seen: int | None) -> Role:
    role = session.scalar(select(Role).where(Role.id == role_id).with_for_update())
    if role is None:
        raise RoleNotFound
    if role.is_administrator:
        raise AdministratorIsFixed
    if seen is not None and role.version != seen:
        raise Stale("This role")
    actor.must_have(role.permissions)
    return role


def _fill(role: Role, values: Mapping[str, Any]) -> None:
    if "name" in values:
        role.name = clean(values["name"])
        role.name_key = name_key(role.name)
    if "description" in values:
        role.description = clean(values["description"] or "")
    if "permissions" in values:
        role.permissions = in_order(set(values["permissions"]))


def _flush(session: Session, role: Role) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", "") == "role_name_key_key":
            raise RoleNameTaken(role.name) from error
        raise


def _subject(role: Role) -> audit.Subject:
    return audit.Subject("role", role.id, role.name)
