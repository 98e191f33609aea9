"""Who may call a route. Every route is marked with exactly one rule; an unmarked one is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from flask import Flask, current_app, g, request

from shared.errors import FeatureOff, Forbidden, NotFound, Unauthorized
from shared.history import Actor
from shared.identity import HEADER, Identity, verify_identity, verify_service

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """The rule of one route: public, signed_in, internal, or permission (any one of `permissions` is enough).

    A route of a `feature` is refused to everybody while that is switched off.
    """

    kind: str
    permissions: tuple[str, ...] = ()
    feature: str = ""


def _mark(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]
        return view

    return mark


def public() -> Callable[[View], View]:
    """Anybody, also without sign-in."""
    return _mark(Access("public"))


def signed_in() -> Callable[[View], View]:
    """Anybody who is signed in."""
    return _mark(Access("signed_in"))


def requires(*permissions: str, feature: str = "") -> Callable[[View], View]:
    """Only people who have one of these permissions; and only while `feature` is on, if it belongs to one."""
    return _mark(Access("permission", permissions, feature))


def internal() -> Callable[[View], View]:
    """Only another service, by its signed token."""
    return _mark(Access("internal"))


def client_ip() -> str:
    """Return the address that the gateway saw; it puts its own at the end of whatever the client sent."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded or request.remote_addr or ""


def current_identity() -> Identity:
    """Return who asks; raise Unauthorized when nobody is signed in."""
    identity: Identity | None = g.get("identity")
    if identity is None:
        raise Unauthorized("Sign in first.")
    return identity


def current_actor() -> Actor:
    """Return who asks as the one who acts, and where they sit (as the gateway tells it)."""
    identity = current_identity()
    return Actor(identity.user_id, identity.name, client_ip())


def identity_or_none() -> Identity | None:
    """Return who asks, or None; for templates and public routes."""
    identity: Identity | None = g.get("identity")
    return identity


def check_access() -> None:
    """Identify the caller and hold the route's rule; runs before every request."""
    if request.endpoint is None:
        _identify()
        return
    access: Access | None = getattr(current_app.view_functions[request.endpoint], "access", None)
    if access is None:
        raise Forbidden("This address has no access rule, so nobody may use it.")
    if access.kind == "internal":
        g.identity = _calling_service()
        return
    _identify()
    if access.kind == "public":
        return
    identity = current_identity()
    if access.kind == "permission" and not any(identity.may(permission) for permission in access.permissions):
        raise Forbidden("You do not have the permission for this. Ask an administrator.")
    if access.feature and not identity.has(access.feature):
        raise FeatureOff(access.feature)
    _check_origin()


def _identify() -> None:
    token = request.headers.get(HEADER)
    g.identity = verify_identity(current_app.extensions["liaison.settings"].keys_dir, token) if token else None
    limit = current_app.extensions.get("liaison.limit")
    if limit and g.identity is not None and not g.identity.sees_all:
        g.limit = partial(limit, associate_id=g.identity.associate_id)


def _calling_service() -> Identity:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise NotFound("There is nothing at this address.")
    settings = current_app.extensions["liaison.settings"]
    return verify_service(settings.keys_dir, token, settings.service)


def _check_origin() -> None:
    """Refuse a change that another site made the browser send (OWASP: Fetch Metadata, then Origin)."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        allowed = site == "same-origin"
    elif origin is not None:
        allowed = origin.partition("://")[2] == request.host
    else:
        allowed = "Cookie" not in request.headers
    if not allowed:
        raise Forbidden("This request came from another site, so it was not carried out.")


def check_origin() -> None:
    """The same check for a public route that changes something, such as sign-in."""
    _check_origin()


def unmarked_routes(app: Flask) -> list[str]:
    """Return the routes without a rule; a test holds that there are none."""
    return [rule.rule for rule in app.url_map.iter_rules() if not hasattr(app.view_functions[rule.endpoint], "access")]
