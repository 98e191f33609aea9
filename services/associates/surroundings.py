"""The other services, as associates asks them while somebody waits."""

import uuid
from collections.abc import Sequence

from flask import current_app

from services.associates.domain.links import AccountFacts
from services.associates.errors import AccountNotFound
from shared.http import ServiceClient

SECONDS = 5.0


def customers() -> ServiceClient:
    """Return the one client for customers."""
    client: ServiceClient | None = current_app.extensions.get("associates.customers")
    if client is None:
        client = ServiceClient(current_app.extensions["liaison.settings"], "customers", seconds=SECONDS)
        current_app.extensions["associates.customers"] = client
    return client


def account_facts(account_id: uuid.UUID) -> AccountFacts:
    """Return what customers calls an account; raise AccountNotFound, or ServiceUnavailable."""
    found = customers().post("/internal/accounts/known", json={"ids": [str(account_id)]})["accounts"]
    if not found:
        raise AccountNotFound(account_id)
    return AccountFacts(account_id, found[0]["code"], found[0]["name"])


def account_names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what customers calls these accounts; those that are gone are left out. Raises ServiceUnavailable."""
    found = customers().post("/internal/accounts/known", json={"ids": [str(one) for one in ids]})["accounts"]
    return {uuid.UUID(one["id"]): f"{one['name']} ({one['code']})" for one in found}
