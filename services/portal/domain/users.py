"""People who can sign in: finding, adding, editing, switching on and off (P2)."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.portal.domain import access, audit, tokens
from services.portal.domain.actor import Actor
from services.portal.domain.permissions import permitted
from services.portal.domain.switches import PARTNER_MANAGEMENT, is_on
from services.portal.domain.ties import tie_user
from services.portal.errors import (
    AdministratorIsForEmployees,
    CodeTaken,
    LastAdministrator,
    NotYourself,
    RoleNotFound,
    RolesAreForEmployees,
    UserInUse,
    UsernameTaken,
    UserNotFound,
)
from services.portal.models import Outbox, Role, User, UserRole
from shared.errors import Stale
from shared.events.portal import UserChanged, UserRemoved
from shared.keys import clean, code_key, name_key
from shared.outbox import record

PLAIN_FIELDS = ("username", "name", "email", "kind", "code")


def search_users(
    session: Session,
    words: str = "",
    *,
    active: bool | None = None,
    limit: int = 50,
    after: tuple[str, uuid.UUID] | None = None,
) -> Sequence[User]:
    """Return users whose name, username, code or e-mail contains every word, by name, behind the place `after`."""
    query = select(User).order_by(User.name_key, User.id).limit(limit)
    for word in name_key(words).split()[:8]:
        query = query.where(User.search.contains(word, autoescape=True))
    if active is not None:
        query = query.where(User.active == active)
    if after:
        query = query.where(tuple_(User.name_key, User.id) > after)
    return session.scalars(query).all()


def get_user(session: Session, user_id: uuid.UUID) -> User:
    """Return a user; raise UserNotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise UserNotFound
    return user


def user_named(session: Session, username: str) -> User:
    """Return the user of this name, any case; raise UserNotFound."""
    user = session.scalar(select(User).where(User.username_key == code_key(username)))
    if user is None:
        raise UserNotFound
    return user


def permissions_of(user: User, *, partner_management: bool = True) -> frozenset[str]:
    """Return what a user may do; of an associate's user, what they may while partner management is on.

    Whether somebody may do more than the actor hangs on that, as it can be switched on at any time.
    """
    return permitted(
        user.kind,
        frozenset().union(*(role.permissions for role in user.roles)),
        is_administrator=any(role.is_administrator for role in user.roles),
        partner_management=partner_management,
    )


def permissions_now(session: Session, user: User) -> frozenset[str]:
    """Return what a user may do at this moment, as the identity of their requests tells it."""
    return permissions_of(user, partner_management=is_on(session, PARTNER_MANAGEMENT))


def own_words(user: User) -> list[str]:
    """Return the words that a password of this user must not be made of."""
    return [user.name, user.username, user.email or "", user.code or ""]


def create_user(session: Session, actor: Actor, values: Mapping[str, Any]) -> User:
    """Add a user, without a password.

    `values`: username, name, email, kind, code, active, roles (ids), associate_id (known by `ties.learn_associate`).
    """
    user = User(roles=[], **{field: values.get(field) for field in PLAIN_FIELDS}, active=values.get("active", True))
    user.kind = values.get("kind") or "employee"
    _tidy(user)
    tie_user(session, user, values.get("associate_id"))
    _give_roles(session, actor, user, values.get("roles") or [])
    session.add(user)
    _save(session, user)
    session.refresh(user)
    details = {"username": user.username, "roles": [role.name for role in user.roles]}
    audit.note(session, "user_added", actor, subject_of(user), details)
    return user


def edit_user(session: Session, actor: Actor, user_id: uuid.UUID, seen: int, changes: Mapping[str, Any]) -> User:
    """Change some fields of a user, `roles` and `active` among them; raise Stale when version `seen` is not current."""
    user = lock_user(session, actor, user_id, seen)
    was_administrator = _is_administrator(user)
    with session.no_autoflush:
        before = _plain(user)
        for field in PLAIN_FIELDS:
            if field in changes:
                setattr(user, field, changes[field])
        _tidy(user)
        if "associate_id" in changes or user.kind != before["kind"]:
            tie_user(session, user, changes.get("associate_id", user.associate_id))
        if "roles" in changes or user.kind != before["kind"]:
            _change_roles(session, actor, user, changes.get("roles", [role.id for role in user.roles]))
        if changes.get("active", user.active) != user.active:
            _switch(session, actor, user, changes["active"])
        after = _plain(user)
        fields = {field: [old, after[field]] for field, old in before.items() if old != after[field]}
        if fields:
            audit.note(session, "user_edited", actor, subject_of(user), {"fields": fields})
    if session.is_modified(user):
        _save(session, user)
        if was_administrator and not _is_administrator(user):
            _keep_an_administrator(session)
    return user


def remove_user(session: Session, actor: Actor, user: User) -> None:
    """Remove a locked user who never signed in; whoever is more than that is switched off instead, and stays."""
    actor.must_have(permissions_of(user))
    if user.last_sign_in_at is not None:
        raise UserInUse
    audit.note(session, "user_removed", actor, subject_of(user), {"username": user.username})
    was_administrator = _is_administrator(user)
    session.delete(user)
    session.flush()
    if was_administrator:
        _keep_an_administrator(session)
    record(session, Outbox, UserRemoved(user_id=str(user.id), username=user.username))


def set_active(session: Session, actor: Actor, user_id: uuid.UUID, active: bool) -> User:
    """Switch a user on or off; off ends their sessions and access tokens at once, and for good."""
    user = lock_user(session, actor, user_id)
    if user.active != active:
        was_administrator = _is_administrator(user)
        _switch(session, actor, user, active)
        _save(session, user)
        if was_administrator:
            _keep_an_administrator(session)
    return user


def lock_user(session: Session, actor: Actor, user_id: uuid.UUID, seen: int | None = None) -> User:
    """Return a user to change; raise BeyondYourPermissions when they may do what the actor may not."""
    user = session.scalar(select(User).where(User.id == user_id).with_for_update())
    if user is None:
        raise UserNotFound
    if seen is not None and user.version != seen:
        raise Stale("This user")
    actor.must_have(permissions_of(user))
    return user


def subject_of(user: User) -> audit.Subject:
    """Return the user as the subject of an audit entry."""
    return audit.Subject("user", user.id, user.name)


def _plain(user: User) -> dict[str, Any]:
    """Return the fields of a user as the audit trail tells them."""
    associate = user.associate and f"{user.associate.name} ({user.associate.code})"
    return {**{field: getattr(user, field) for field in PLAIN_FIELDS}, "associate": associate}


def _tidy(user: User) -> None:
    user.username = clean(user.username)
    user.name = clean(user.name)
    user.email = clean(user.email or "") or None
    user.code = clean(user.code or "") or None
    user.username_key = code_key(user.username)
    user.name_key = name_key(user.name)
    user.code_key = code_key(user.code) if user.code else None
    user.search = name_key(" ".join(own_words(user)))


def _give_roles(session: Session, actor: Actor, user: User, role_ids: Iterable[uuid.UUID]) -> None:
    wanted = set(role_ids)
    roles = session.scalars(select(Role).where(Role.id.in_(wanted)).with_for_update(read=True)).all()
    if len(roles) != len(wanted):
        raise RoleNotFound
    if roles and user.kind not in ("employee", "associate"):
        raise RolesAreForEmployees
    if user.kind != "employee" and any(role.is_administrator for role in roles):
        raise AdministratorIsForEmployees
    user.roles = sorted(roles, key=lambda role: role.name_key)
    actor.must_have(permissions_of(user))


def _change_roles(session: Session, actor: Actor, user: User, role_ids: Iterable[uuid.UUID]) -> None:
    before = {role.name for role in user.roles}
    _give_roles(session, actor, user, role_ids)
    after = {role.name for role in user.roles}
    if before != after:
        details = {"added": sorted(after - before), "removed": sorted(before - after)}
        audit.note(session, "roles_changed", actor, subject_of(user), details)


def _switch(session: Session, actor: Actor, user: User, active: bool) -> None:
    if user.id == actor.user_id:
        raise NotYourself
    user.active = active
    if active:
        audit.note(session, "user_activated", actor, subject_of(user))
        return
    ended = {
        "sessions_ended": access.end_sessions(session, user.id),
        "tokens_ended": tokens.end_tokens(session, user.id),
    }
    audit.note(session, "user_deactivated", actor, subject_of(user), ended)


def _save(session: Session, user: User) -> None:
    """Write a changed user, which raises the version also where only the roles changed, and tell others."""
    user.updated_at = func.now()
    username, code = user.username, user.code or ""  # after a refused flush nothing of a user can be read
    try:
        session.flush()
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", "")
        if constraint == "portal_user_username_key_key":
            raise UsernameTaken(username) from error
        if constraint == "portal_user_code_key_key":
            raise CodeTaken(code) from error
        raise
    event = UserChanged(
        user_id=str(user.id),
        username=user.username,
        user_name=user.name,
        email=user.email or "",
        kind=user.kind,
        code=user.code or "",
        active=user.active,
        version=user.version,
    )
    record(session, Outbox, event)


def _is_administrator(user: User) -> bool:
    return user.active and any(role.is_administrator for role in user.roles)


def _keep_an_administrator(session: Session) -> None:
    """Raise LastAdministrator when none is left who can sign in; the lock lets two who remove each other wait in turn.

    Who has no password, or a temporary one, which runs out within a day, is none.
    """
    role = session.scalar(select(Role).where(Role.is_administrator).with_for_update())
    if role is None:
        return
    can_sign_in = (User.active, User.password_hash.is_not(None), ~User.password_is_temporary)
    left = select(User.id).join(UserRole, UserRole.user_id == User.id).where(UserRole.role_id == role.id, *can_sign_in)
    if session.scalar(left.limit(1)) is None:
        raise LastAdministrator
