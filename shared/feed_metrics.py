"""How far this service is behind the feeds that it reads, for Prometheus: asked of their owners at each scrape.

It costs what the part *Events* of the Operations screen costs: one query here and one call to each owner, all at once.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import current_app, has_app_context
from flask.sansio.app import App
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from shared.db import read_only
from shared.errors import DomainError
from shared.http import ServiceClient
from shared.outbox import CursorTable
from shared.settings import Settings

SECONDS = 2.0  # for an answer; a scrape must not wait for an owner that stands still
CURSOR = "liaison.feed_cursor"
CLIENTS = "liaison.feed_clients"
MEASURES = {
    "events": "Events of the owner that the reader has not read yet, 10,000 at most",
    "seconds": "Age of the oldest event of the owner that the reader has not read yet",
}


class _Feeds(Collector):
    """Tells of the app that is asked; of one that reads no feed nothing."""

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterable[Metric]:
        if not has_app_context() or CURSOR not in current_app.extensions:
            return
        reader = current_app.extensions["liaison.settings"].service
        lags = _lags(current_app.extensions[CURSOR])
        for name, meaning in MEASURES.items():
            family = GaugeMetricFamily(f"feed_lag_{name}", meaning, labels=["reader", "owner"])
            for owner, lag in lags.items():
                family.add_metric([reader, owner], lag[name])
            yield family


REGISTRY.register(_Feeds())


def measure_feeds(app: App, cursor: type[CursorTable]) -> None:
    """Have /internal/metrics of this app tell how far the feeds are read of which `cursor` keeps the places."""
    app.extensions[CURSOR] = cursor


def _lags(cursor: type[CursorTable]) -> dict[str, dict[str, Any]]:
    """Return `events` and `seconds` by owner; an owner that does not answer is not there."""
    try:
        with read_only() as session:
            places = {row.owner: row.pos for row in session.scalars(select(cursor))}
    except SQLAlchemyError:
        return {}  # what this process tells of itself is still wanted
    clients = {owner: client for owner in places if (client := _client(owner))}
    with ThreadPoolExecutor(max(len(clients), 1)) as pool:
        asked = {owner: pool.submit(_behind, client, places[owner]) for owner, client in clients.items()}
        return {owner: lag for owner, one in asked.items() if (lag := one.result()) is not None}


def _client(owner: str) -> ServiceClient | None:
    """Return the one client of this app for scrapes, which is less patient than those that work."""
    settings: Settings = current_app.extensions["liaison.settings"]
    clients: dict[str, ServiceClient] = current_app.extensions.setdefault(CLIENTS, {})
    if owner not in clients and owner in settings.urls:
        clients[owner] = ServiceClient(settings, owner, seconds=SECONDS)
    return clients.get(owner)


def _behind(client: ServiceClient, place: int) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = client.get("/internal/events/behind", after=place)
    except DomainError:
        return None
    return answer
