"""Who asks, and under which conditions."""

from flask import request

from services.imports.domain.jobs import Viewer
from shared.errors import Invalid
from shared.web import current_identity, seen_version


def current_viewer() -> Viewer:
    """Return the signed-in person; the permission `jobs.all` shows them everybody's jobs."""
    identity = current_identity()
    return Viewer(identity.user_id, identity.name, identity.may("jobs.all"))


def given_version() -> int | None:
    """Return the version in If-Match, None without one."""
    return seen_version() if request.headers.get("If-Match", "").strip() else None


def idempotency_key() -> str | None:
    """Return the Idempotency-Key of this request, None without one."""
    key = request.headers.get("Idempotency-Key")
    if key and len(key) > 200:
        raise Invalid("The Idempotency-Key header is too long (200 characters at most).")
    return key or None
