"""Signing in and out."""

from flask import Blueprint, Response, make_response, redirect, render_template, request

from services.portal.caller import (
    actor,
    clear_session_cookie,
    safe_path,
    session_token,
    set_session_cookie,
)
from services.portal.caller import enter as enter_with
from services.portal.domain import access
from services.portal.errors import SignInLocked
from shared.db import read_only, unit_of_work
from shared.errors import DomainError
from shared.web import check_origin, go_to, public, signed_in

blueprint = Blueprint("sign_in", __name__)
LIMIT = "30 per minute; 300 per hour"  # per address; an office may share one


@blueprint.get("/sign-in")
@public()
def show() -> Response:
    """Show the sign-in card; whoever is signed in already goes on."""
    back = safe_path(request.args.get("next"))
    token = session_token()
    if token:
        with read_only() as session:
            if access.who_has_session(session, token):
                return make_response(redirect(back, 303))
    return make_response(render_template("portal/sign_in.html", next=back, username="", error=""))


@blueprint.post("/sign-in")
@public()
def enter() -> Response:
    """Sign in with username and password."""
    check_origin()
    username = request.form.get("username", "")[:200]
    password = request.form.get("password", "")
    back = safe_path(request.form.get("next"))
    try:
        result = enter_with(username, password)
    except DomainError as refusal:
        return _again(refusal, username, back)
    if result.user.password_is_temporary:
        back = "/account/password"
    return set_session_cookie(make_response(redirect(back, 303)), result.browser)


@blueprint.post("/sign-out")
@signed_in()
def leave() -> Response:
    """End this browser's session."""
    if token := session_token():
        with unit_of_work() as session:
            access.close_session(session, actor(), token)
    return clear_session_cookie(go_to("/sign-in", "You are signed out."))


def _again(error: DomainError, username: str, back: str) -> Response:
    response = make_response(
        render_template("portal/sign_in.html", next=back, username=username, error=error.sentence), error.status
    )
    if isinstance(error, SignInLocked):
        response.headers["Retry-After"] = str(error.seconds)
    return response
