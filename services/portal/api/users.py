"""Users by API."""

import uuid
from typing import Any

from services.portal.api.blueprint import blueprint
from services.portal.caller import actor, forget_first_sign_in
from services.portal.domain import credentials, users
from services.portal.schemas import PasswordIn, PasswordOut, UserChange, UserIn, UserOut, UserQuery, place_by_name
from services.portal.surroundings import learn_tie
from shared.db import read_only, unit_of_work
from shared.web import encode_cursor, etag_of, idempotent, page_of, requires, seen_version
from shared.web.described import needs_version

Answer = tuple[Any, int, dict[str, str]]


def _with_etag(user: Any, status: int = 200) -> Answer:
    headers = {"ETag": etag_of(user.version)}
    if status == 201:
        headers["Location"] = f"/api/portal/v1/users/{user.id}"
    return user, status, headers


@blueprint.route("/users", methods=["GET"])
@requires("users.manage")
@blueprint.arguments(UserQuery, location="query")
@blueprint.response(200, page_of(UserOut))
def list_users(query: dict[str, Any]) -> dict[str, Any]:
    """Find users by name, username, code or e-mail."""
    limit = query["limit"]
    with read_only() as session:
        found = users.search_users(
            session, query["q"], active=query["active"], limit=limit + 1, after=place_by_name(query["cursor"])
        )
    items = found[:limit]
    more = len(found) > limit
    return {"items": items, "next": encode_cursor([items[-1].name_key, items[-1].id]) if more else None}


@blueprint.route("/users", methods=["POST"])
@requires("users.manage")
@idempotent
@blueprint.arguments(UserIn)
@blueprint.response(201, UserOut)
def add_user(values: dict[str, Any]) -> Answer:
    """Add a user. The password is set apart from this, so that no stored answer holds one."""
    learn_tie(values)
    with unit_of_work() as session:
        user = users.create_user(session, actor(), values)
    return _with_etag(user, 201)


@blueprint.route("/users/<uuid:user_id>", methods=["GET"])
@requires("users.manage")
@blueprint.response(200, UserOut)
def show_user(user_id: uuid.UUID) -> Answer:
    """Return one user."""
    with read_only() as session:
        return _with_etag(users.get_user(session, user_id))


@blueprint.route("/users/<uuid:user_id>", methods=["PATCH"])
@requires("users.manage")
@needs_version(blueprint)
@blueprint.arguments(UserChange)
@blueprint.response(200, UserOut)
def change_user(changes: dict[str, Any], user_id: uuid.UUID) -> Answer:
    """Change some fields; If-Match tells which version they were made from."""
    seen = seen_version()
    learn_tie(changes)
    with unit_of_work() as session:
        user = users.edit_user(session, actor(), user_id, seen, changes)
    return _with_etag(user)


@blueprint.route("/users/<uuid:user_id>/password", methods=["POST"])
@requires("users.manage")
@blueprint.arguments(PasswordIn)
@blueprint.response(200, PasswordOut)
def set_password(values: dict[str, Any], user_id: uuid.UUID) -> credentials.PasswordSet:
    """Set a password; without one, generate it and tell it once. The user's sessions and access tokens end."""
    with unit_of_work() as session:
        given = credentials.set_password(session, actor(), user_id, **values)
    forget_first_sign_in(given.user.username)
    return given


@blueprint.route("/users/<uuid:user_id>/activate", methods=["POST"])
@requires("users.manage")
@blueprint.response(200, UserOut)
def activate_user(user_id: uuid.UUID) -> Answer:
    """Switch a user on."""
    with unit_of_work() as session:
        user = users.set_active(session, actor(), user_id, True)
    return _with_etag(user)


@blueprint.route("/users/<uuid:user_id>/deactivate", methods=["POST"])
@requires("users.manage")
@blueprint.response(200, UserOut)
def deactivate_user(user_id: uuid.UUID) -> Answer:
    """Switch a user off; their sessions and access tokens end at once, and do not come back."""
    with unit_of_work() as session:
        user = users.set_active(session, actor(), user_id, False)
    return _with_etag(user)
