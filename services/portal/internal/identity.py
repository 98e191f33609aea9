"""What the gateway asks before each request: who is this? See design 7.

The answer is a signed identity in a header, or what the caller shall see instead: the sign-in page, or a problem.
The gateway gives method and address of the request in X-Forwarded-Method and X-Forwarded-Uri.
"""

from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, current_app, json, make_response, redirect, request

from services.portal.caller import safe_path, session_token
from services.portal.domain import access
from shared.db import read_only, unit_of_work
from shared.errors import DomainError, Forbidden, Unauthorized
from shared.identity import HEADER, Identity, sign_identity
from shared.web import answer, is_htmx, public

blueprint = Blueprint("identity", __name__)

SIGN_IN = "/sign-in"
CHANGE_PASSWORD = "/account/password"  # noqa: S105 (an address)
OPEN_WHILE_TEMPORARY = (
    CHANGE_PASSWORD,
    "/account/password/strength",
    "/sign-out",
    "/api/portal/v1/me",
    "/api/portal/v1/me/password",
)
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class PasswordChangeRequired(Forbidden):
    """A temporary password must be changed before anything else."""

    code = "password_change_required"


@blueprint.route("/internal/identity", methods=METHODS)
@public()
def identity() -> Response:
    """Answer 200 with the signed identity, or what the caller shall see instead."""
    known = _known()
    path = urlsplit(_asked_address()).path
    if known is None:
        return _not_signed_in(path)
    if known.must_change and path not in OPEN_WHILE_TEMPORARY:
        return _must_change(path)
    settings = current_app.extensions["liaison.settings"]
    who = Identity(
        known.user_id,
        known.name,
        known.kind,
        known.permissions,
        features=known.features,
        associate_id=known.associate_id,
    )
    signed = sign_identity(settings.keys_dir, who)
    return Response(status=200, headers={HEADER: signed})


def _known() -> access.Known | None:
    """Return who this is, by access token if one was sent, else by cookie."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    token = bearer.strip() if scheme else session_token()
    if not token:
        return None
    if scheme and scheme.lower() != "bearer":
        return None
    with read_only() as session:
        known = access.who_has_token(session, token) if scheme else access.who_has_session(session, token)
    if known and known.is_stale:
        with unit_of_work() as session:
            access.mark_seen(session, token)
    return known


def _asked_address() -> str:
    return request.headers.get("X-Forwarded-Uri", "/")


def _asked_method() -> str:
    return request.headers.get("X-Forwarded-Method", "GET")


def _is_page_load() -> bool:
    """Tell whether a person's browser waits for a page, so that it can be sent elsewhere."""
    return _asked_method() in ("GET", "HEAD") or "text/html" in request.headers.get("Accept", "")


def _not_signed_in(path: str) -> Response:
    problem = Unauthorized("Sign in first, or send a valid access token.")
    if path.startswith("/api/"):
        response = _problem(problem, path)
        response.headers["WWW-Authenticate"] = "Bearer"
        return response
    if is_htmx():
        return _htmx_redirect(_sign_in_address(_page_of_htmx()), 401)
    if not _is_page_load() or request.headers.get("Accept") == "text/event-stream":
        return _problem(problem, path)
    back = _asked_address() if _asked_method() in ("GET", "HEAD") else "/"
    return make_response(redirect(_sign_in_address(back), 303))


def _must_change(path: str) -> Response:
    problem = PasswordChangeRequired("Your password is temporary. Choose your own first.")
    if path.startswith("/api/") or not (is_htmx() or _is_page_load()):
        return _problem(problem, path)
    return _htmx_redirect(CHANGE_PASSWORD, 403) if is_htmx() else make_response(redirect(CHANGE_PASSWORD, 303))


def _sign_in_address(back: str) -> str:
    path = safe_path(back)
    return SIGN_IN if path == "/" else f"{SIGN_IN}?next={quote(path, safe='')}"


def _page_of_htmx() -> str:
    parts = urlsplit(request.headers.get("HX-Current-URL", "/"))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _htmx_redirect(address: str, status: int) -> Response:
    return Response(status=status, headers={"HX-Redirect": address})


def _problem(error: DomainError, path: str) -> Response:
    response = answer(error)
    response.set_data(json.dumps({**response.get_json(), "instance": path}))
    return response
