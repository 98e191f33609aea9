"""The services that a mass change is about, as imports asks them."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from shared.http import ServiceClient


class MassChangePeers:
    """Customers, who keeps the snapshots, and associates, who knows whom work may be given."""

    def __init__(self, customers: ServiceClient, associates: ServiceClient) -> None:
        self._customers = customers
        self._associates = associates

    def snapshot(self, snapshot_id: uuid.UUID) -> dict[str, Any]:
        """Return how many customers a snapshot has, and of which selection."""
        return dict(self._customers.get(f"/internal/snapshots/{snapshot_id}"))

    def associates(self, action: str, ids: Sequence[uuid.UUID]) -> list[dict[str, str]]:
        """Return id and name of each associate."""
        asked = {"action": action, "associate_ids": [str(one) for one in ids]}
        return list(self._associates.post("/internal/changes/check", json=asked)["associates"])

    def customers(self, snapshot_id: uuid.UUID, *, inactive: bool) -> AbstractContextManager[Iterator[bytes]]:
        """Give the customers of a snapshot as CSV."""
        return self._customers.stream(f"/internal/snapshots/{snapshot_id}/accounts", json={"inactive": inactive})
