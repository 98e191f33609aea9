"""Who makes this request."""

from flask import request

from services.customers.domain.history import Actor
from shared.web import current_identity


def current_actor() -> Actor:
    """Return the signed-in person, and where they sit (as the gateway tells it)."""
    identity = current_identity()
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return Actor(identity.user_id, identity.name, forwarded or request.remote_addr or "")
