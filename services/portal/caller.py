"""Who sent this request: signing in, actor, session cookie. For the web side of portal."""

import contextlib
import unicodedata
from pathlib import Path
from urllib.parse import urlsplit

from flask import Response, current_app, request

from services.portal.domain import access, credentials, sign_in, users
from services.portal.domain.access import NewSession, cookie_name
from services.portal.domain.actor import Actor
from shared.db import unit_of_work
from shared.errors import DomainError
from shared.web import client_ip, current_identity

LONGEST_PATH = 2000


def user_agent() -> str:
    """Return what the browser calls itself."""
    return request.headers.get("User-Agent", "")


def actor() -> Actor:
    """Return the signed-in person as the one who acts."""
    identity = current_identity()
    return Actor(identity.user_id, identity.name, identity.permissions, client_ip())


def enter(username: str, password: str) -> sign_in.SignedIn:
    """Sign in; the session that the caller had before is dropped.

    Raises SignInLocked, SignInFailed, TemporaryPasswordExpired. The try is counted, and kept, whatever comes of it.
    """
    ip = client_ip()
    with unit_of_work() as session:
        sign_in.count_try(session, username, ip)
    with unit_of_work() as session:
        result = sign_in.sign_in(session, username, password, ip=ip, user_agent=user_agent())
        if isinstance(result, sign_in.SignedIn) and (old := session_token()):
            access.forget_session(session, old)
    if isinstance(result, DomainError):
        raise result
    return result


def change_password(current: str, new: str, *, end_tokens: bool) -> NewSession:
    """Change the password of whoever asks; return the session that this browser goes on with.

    Raises SignInLocked, WrongCurrentPassword, PasswordRefused. A wrong current password is a failed try, and kept.
    """
    me = actor()
    with unit_of_work() as session:
        username = users.get_user(session, current_identity().user_id).username
        sign_in.count_try(session, username, me.ip)
    with unit_of_work() as session:
        result = credentials.change_own_password(
            session, me, current, new, user_agent=user_agent(), end_tokens=end_tokens
        )
    if isinstance(result, DomainError):
        raise result
    forget_first_sign_in(username)
    return result


def session_token() -> str | None:
    """Return the value of the session cookie."""
    return request.cookies.get(_cookie())


def set_session_cookie(response: Response, browser: NewSession) -> Response:
    """Let the browser keep the session; scripts can't read it, and other sites can't send it with a form."""
    response.set_cookie(
        _cookie(), browser.token, max_age=browser.seconds, path="/", secure=_is_secure(), httponly=True, samesite="Lax"
    )
    return response


def clear_session_cookie(response: Response) -> Response:
    """Let the browser forget the session."""
    response.delete_cookie(_cookie(), path="/", secure=_is_secure(), httponly=True, samesite="Lax")
    return response


def safe_path(address: str | None) -> str:
    """Return `address` if it is a path on this very site, else "/": nobody is sent elsewhere after signing in."""
    if not address or len(address) > LONGEST_PATH or not address.startswith("/") or "\\" in address:
        return "/"
    if any(unicodedata.category(letter)[0] in "CZ" for letter in address):
        return "/"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or address.startswith("//") or parts.path in ("/sign-in", "/sign-out"):
        return "/"
    return address


def forget_first_sign_in(username: str) -> None:
    """Remove the file that tells the first administrator's password, once that is not their password any more."""
    file: Path | None = current_app.config.get("FIRST_SIGN_IN_FILE")
    with contextlib.suppress(OSError):  # it may be gone, or on a disk that is read-only here
        if file and file.read_text().splitlines()[:1] == [username]:
            file.unlink()


def _cookie() -> str:
    return cookie_name(current_app.extensions["liaison.settings"].public_url)


def _is_secure() -> bool:
    return bool(current_app.extensions["liaison.settings"].public_url.startswith("https://"))
