"""Signing in by API, for programs in which people type their own password; others use an access token."""

from flask import Response, make_response

from services.portal.api.blueprint import blueprint
from services.portal.api.me import who_is
from services.portal.caller import enter, set_session_cookie
from services.portal.errors import SignInLocked
from services.portal.schemas import MeOut, SignInIn
from shared.web import answer, check_origin, public
from shared.web.described import refusal


@blueprint.route("/sign-in", methods=["POST"])
@public()
@blueprint.arguments(SignInIn)
@blueprint.response(201, MeOut, description="Who signed in; the session is the cookie in `Set-Cookie`.")
@refusal(blueprint, 401, "`sign_in_failed`, or `temporary_password_expired`.")
@refusal(blueprint, 403, "`forbidden`: another site made the browser send this.")
@refusal(blueprint, 429, "`sign_in_locked`: wait as `Retry-After` says; or `too_many_requests` from one address.")
def sign_in(values: dict[str, str]) -> Response:
    """Sign in with username and password, and get a session cookie. `POST /tokens` makes an access token of it.

    Whoever sends the cookie along with a change also sends `Origin`, as browsers do. With a temporary password nothing
    can be done but `POST /me/password`. `DELETE /sessions/{session_id}` signs out.
    """
    check_origin()
    try:
        result = enter(values["username"], values["password"])
    except SignInLocked as locked:
        response = answer(locked)
        response.headers["Retry-After"] = str(locked.seconds)
        return response
    return set_session_cookie(make_response(MeOut().dump(who_is(result.user.id)), 201), result.browser)
