"""The other services, as portal asks them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import current_app

from services.portal.domain import ties
from services.portal.domain.operations import Operations, look_around
from shared.db import read_only, unit_of_work
from shared.errors import FeatureOff, NotFound
from shared.http import ServiceClient
from shared.web import current_identity
from shared.web.features import PARTNER_MANAGEMENT

SECONDS = 5.0


def _peers() -> dict[str, ServiceClient]:
    """Return the one client for each of the others."""
    clients: dict[str, ServiceClient] | None = current_app.extensions.get("portal.peers")
    if clients is None:
        settings = current_app.extensions["liaison.settings"]
        clients = {peer: ServiceClient(settings, peer, seconds=SECONDS) for peer in settings.urls}
        current_app.extensions["portal.peers"] = clients
    return clients


def operations_now() -> Operations:
    """Ask every service how it does."""
    return look_around(_peers())


def learn_tie(values: Mapping[str, Any]) -> None:
    """Ask for the associate that a user shall be tied to, if it is not known here yet.

    Raises FeatureOff while partner management is off, ServiceUnavailable.
    """
    associate_id = values.get("associate_id")
    if (associate_id or values.get("kind") == "associate") and not current_identity().has(PARTNER_MANAGEMENT):
        raise FeatureOff(PARTNER_MANAGEMENT)
    if associate_id is None:
        return
    with read_only() as session:
        if ties.knows_associate(session, associate_id):
            return
    with suppress(NotFound):  # the domain says so of one that is not known
        told = _peers()["associates"].get(f"/internal/associates/{associate_id}")
        with unit_of_work() as session:
            ties.learn_associate(session, associate_id, ties.AssociateFacts(**told))
