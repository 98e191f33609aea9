"""What concerns the caller alone: themselves, their password, tokens and sessions."""

import uuid
from typing import Any

from flask import Response, make_response

from services.portal.api.blueprint import blueprint
from services.portal.caller import actor, set_session_cookie
from services.portal.caller import change_password as change_own
from services.portal.domain import access, audit, tokens, users
from services.portal.domain.permissions import in_order
from services.portal.schemas import (
    MeOut,
    NewTokenOut,
    OwnPasswordIn,
    SessionOut,
    TokenIn,
    TokenOut,
    UserOut,
)
from shared.db import read_only, unit_of_work
from shared.web import current_identity, page_of, signed_in


@blueprint.route("/me", methods=["GET"])
@signed_in()
@blueprint.response(200, MeOut)
def me() -> Any:
    """Return who you are and what you may do."""
    return who_is(current_identity().user_id)


def who_is(user_id: uuid.UUID) -> dict[str, Any]:
    """Return a signed-in user with what they may do now, as `MeOut` tells it."""
    with read_only() as session:
        user = users.get_user(session, user_id)
        told = {name: getattr(user, name) for name in UserOut().fields}
        return {**told, "permissions": in_order(users.permissions_now(session, user))}


@blueprint.route("/me/password", methods=["POST"])
@signed_in()
@blueprint.arguments(OwnPasswordIn)
@blueprint.response(204)
def change_password(values: dict[str, Any]) -> Response:
    """Change your password. All your sessions end; a browser gets a new one with this answer.

    Access tokens go on working, unless `end_tokens` is true.
    """
    browser = change_own(values["current_password"], values["new_password"], end_tokens=values["end_tokens"])
    return set_session_cookie(make_response("", 204), browser)


@blueprint.route("/tokens", methods=["GET"])
@signed_in()
@blueprint.response(200, page_of(TokenOut))
def list_tokens() -> dict[str, Any]:
    """Return your access tokens."""
    with read_only() as session:
        return {"items": tokens.list_tokens(session, current_identity().user_id), "next": None}


@blueprint.route("/tokens", methods=["POST"])
@signed_in()
@blueprint.arguments(TokenIn)
@blueprint.response(201, NewTokenOut)
def add_token(values: dict[str, Any]) -> dict[str, Any]:
    """Make an access token. Its secret is told only here; a second one of the same name is refused (409)."""
    me = actor()
    owner = audit.Subject("user", me.user_id, me.name)
    with unit_of_work() as session:
        token, secret = tokens.create_token(session, me, values["name"], values["days"], owner=owner)
    return {**{name: getattr(token, name) for name in TokenOut().fields}, "token": secret}


@blueprint.route("/tokens/<uuid:token_id>", methods=["DELETE"])
@signed_in()
@blueprint.response(204)
def remove_token(token_id: uuid.UUID) -> None:
    """Revoke one of your access tokens; it stops working at once."""
    with unit_of_work() as session:
        tokens.revoke_token(session, actor(), token_id)


@blueprint.route("/sessions", methods=["GET"])
@signed_in()
@blueprint.response(200, page_of(SessionOut))
def list_sessions() -> dict[str, Any]:
    """Return where you are signed in."""
    with read_only() as session:
        return {"items": access.list_sessions(session, current_identity().user_id), "next": None}


@blueprint.route("/sessions/<uuid:session_id>", methods=["DELETE"])
@signed_in()
@blueprint.response(204)
def remove_session(session_id: uuid.UUID) -> None:
    """End one of your sessions at once."""
    with unit_of_work() as session:
        access.revoke_session(session, actor(), session_id)
