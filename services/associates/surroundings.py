"""The other services, as associates asks them while somebody waits."""

import uuid
from collections.abc import Sequence

from services.associates.domain.links import AccountFacts
from services.associates.errors import AccountNotFound
from shared.http import ServiceClient, client_of

SECONDS = 5.0
CODES_AT_ONCE = 5000


def customers() -> ServiceClient:
    """Return the one client for customers."""
    return client_of("customers", seconds=SECONDS)


def account_facts(account_id: uuid.UUID) -> AccountFacts:
    """Return what customers calls an account; raise AccountNotFound, or ServiceUnavailable."""
    found = customers().post("/internal/accounts/known", json={"ids": [str(account_id)]})["accounts"]
    if not found:
        raise AccountNotFound(account_id)
    return AccountFacts(account_id, found[0]["code"], found[0]["name"])


def accounts_with_codes(codes: Sequence[str]) -> dict[str, AccountFacts]:
    """Return the accounts that customers finds under these codes, by the key of the code; raise ServiceUnavailable."""
    found: dict[str, AccountFacts] = {}
    for start in range(0, len(codes), CODES_AT_ONCE):
        asked = {"codes": list(codes[start : start + CODES_AT_ONCE])}
        for one in customers().post("/internal/accounts/by-code", json=asked)["accounts"]:
            found[one["key"]] = AccountFacts(uuid.UUID(one["id"]), one["code"], one["name"])
    return found


def account_names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what customers calls these accounts; those that are gone are left out. Raises ServiceUnavailable."""
    found = customers().post("/internal/accounts/known", json={"ids": [str(one) for one in ids]})["accounts"]
    return {uuid.UUID(one["id"]): f"{one['name']} ({one['code']})" for one in found}
