"""Who makes this request."""

from services.customers.domain.history import Actor
from shared.web import client_ip, current_identity


def current_actor() -> Actor:
    """Return the signed-in person, and where they sit (as the gateway tells it)."""
    identity = current_identity()
    return Actor(identity.user_id, identity.name, client_ip())
