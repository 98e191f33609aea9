"""The other services, as portal asks them."""

from flask import current_app

from services.portal.domain.operations import Operations, look_around
from shared.http import ServiceClient

SECONDS = 5.0


def operations_now() -> Operations:
    """Ask every service how it does."""
    clients = current_app.extensions.get("portal.peers")
    if clients is None:
        settings = current_app.extensions["liaison.settings"]
        clients = {peer: ServiceClient(settings, peer, seconds=SECONDS) for peer in settings.urls}
        current_app.extensions["portal.peers"] = clients
    return look_around(clients)
