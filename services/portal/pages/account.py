"""What people do with their own access: password, sessions, tokens."""

import uuid
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from services.portal.caller import actor, session_token, set_session_cookie
from services.portal.caller import change_password as change_own
from services.portal.domain import access, audit, strength, tokens, users
from services.portal.errors import SignInLocked
from services.portal.schemas import OwnPasswordIn, TokenIn, load_form
from shared.db import read_only, unit_of_work
from shared.errors import Conflict, Invalid
from shared.web import current_identity, go_to, signed_in

blueprint = Blueprint("account", __name__)
DAYS = ((7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year"))


@blueprint.get("/account")
@signed_in()
def account() -> Response:
    """Lead on to the first page of one's own account."""
    return make_response(redirect("/account/password"))


@blueprint.get("/account/password")
@signed_in()
def password() -> str:
    """Show the form, and where this person is signed in."""
    return _password_page({})


def _password_page(errors: dict[str, list[str]]) -> str:
    with read_only() as session:
        user = users.get_user(session, current_identity().user_id)
        sessions = access.list_sessions(session, user.id)
        here = access.id_of(session, session_token() or "")
        tokens_left = tokens.count_tokens(session, user.id)
    return render_template(
        "portal/password.html",
        user=user,
        sessions=sessions,
        here=here,
        tokens_left=tokens_left,
        end_tokens="end_tokens" in request.form,
        errors=errors,
        shortest=strength.MIN_LENGTH,
    )


@blueprint.post("/account/password")
@signed_in()
def change_password() -> Response:
    """Change it; every other session ends, and access tokens if that was ticked."""
    try:
        values = load_form(OwnPasswordIn(), request.form.to_dict())
        browser = change_own(values["current_password"], values["new_password"], end_tokens=values["end_tokens"])
    except SignInLocked as locked:
        return make_response(_password_page({"current_password": [locked.sentence]}), locked.status)
    except Invalid as error:
        return make_response(_password_page(error.fields), error.status)
    return set_session_cookie(go_to("/", "Your password is changed. Other sessions have ended."), browser)


@blueprint.post("/account/password/strength")
@signed_in()
def judge_own() -> str:
    """Say how strong a new password of one's own is."""
    with read_only() as session:
        own = users.own_words(users.get_user(session, current_identity().user_id))
    return render_template("portal/strength.html", verdict=strength.judge(request.form.get("new_password", ""), own))


@blueprint.post("/account/sessions/<uuid:session_id>/end")
@signed_in()
def end_session(session_id: uuid.UUID) -> Response:
    """End one other session."""
    with unit_of_work() as session:
        access.revoke_session(session, actor(), session_id)
    return go_to("/account/password", "That session has ended.")


@blueprint.post("/account/sessions/end-others")
@signed_in()
def end_other_sessions() -> Response:
    """End all sessions but this."""
    with unit_of_work() as session:
        access.revoke_other_sessions(session, actor(), session_token())
    return go_to("/account/password", "You are signed in here alone.")


@blueprint.get("/account/tokens")
@signed_in()
def show_tokens() -> str:
    """Show the tokens, and the form for a new one."""
    return _tokens_page({}, {})


def _tokens_page(errors: dict[str, list[str]], values: dict[str, Any], secret: str = "") -> str:
    with read_only() as session:
        mine = tokens.list_tokens(session, current_identity().user_id)
    return render_template(
        "portal/tokens.html", tokens=mine, now=datetime.now(UTC), errors=errors, values=values, secret=secret, days=DAYS
    )


@blueprint.post("/account/tokens")
@signed_in()
def add_token() -> Response:
    """Make a token and show its secret this once."""
    me = actor()
    form = request.form.to_dict()
    try:
        values = load_form(TokenIn(), form)
        with unit_of_work() as session:
            owner = audit.Subject("user", me.user_id, me.name)
            _, secret = tokens.create_token(session, me, values["name"], values["days"], owner=owner)
    except (Invalid, Conflict) as error:
        return make_response(_tokens_page(error.fields, form), error.status)
    return make_response(_tokens_page({}, {}, secret), 201)


@blueprint.get("/account/tokens/<uuid:token_id>/revoke")
@signed_in()
def ask_revoke(token_id: uuid.UUID) -> str:
    """Ask before a token is revoked."""
    return render_template("portal/token_revoke.html", token_id=token_id)


@blueprint.post("/account/tokens/<uuid:token_id>/revoke")
@signed_in()
def revoke_token(token_id: uuid.UUID) -> Response:
    """Revoke a token; it stops working at once."""
    with unit_of_work() as session:
        tokens.revoke_token(session, actor(), token_id)
    return go_to("/account/tokens", "The token is revoked.")
