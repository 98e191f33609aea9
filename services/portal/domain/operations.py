"""How the whole product does: which services answer, what waits in the queues, who works, which events are unread."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.portal.models import FeedCursor
from shared.errors import DomainError
from shared.http import ServiceClient


@dataclass(frozen=True)
class ServiceSeen:
    """A service that was asked whether it is ready; `milliseconds` is None when it is not."""

    name: str
    milliseconds: float | None


@dataclass(frozen=True)
class FeedSeen:
    """How far behind the feed of `owner` portal is; both are None when the owner does not answer."""

    owner: str
    events: int | None
    seconds: float | None


@dataclass(frozen=True)
class Operations:
    """All that was found out at once; `jobs` is the answer of imports, None when it does not answer."""

    services: list[ServiceSeen]
    feeds: list[FeedSeen]
    jobs: dict[str, Any] | None


def places_in_feeds(session: Session) -> dict[str, int]:
    """Return up to which position each feed was read here."""
    return {row.owner: row.pos for row in session.execute(select(FeedCursor)).scalars()}


def look_around(clients: Mapping[str, ServiceClient], places: Mapping[str, int]) -> Operations:
    """Ask all services at the same time; one that is away costs its own line only."""
    with ThreadPoolExecutor(len(clients) + len(places) + 1) as pool:
        services = {name: pool.submit(_readiness, client) for name, client in clients.items()}
        feeds = {
            owner: pool.submit(_or_none, clients[owner].get, "/internal/events/behind", after=place)
            for owner, place in places.items()
            if owner in clients
        }
        jobs = pool.submit(_or_none, clients["imports"].get, "/internal/operations") if "imports" in clients else None
        return Operations(
            services=[ServiceSeen(name, one.result()) for name, one in services.items()],
            feeds=[
                FeedSeen(owner, answer["events"] if answer else None, answer["seconds"] if answer else None)
                for owner, answer in ((owner, one.result()) for owner, one in feeds.items())
            ],
            jobs=jobs.result() if jobs else None,
        )


def _readiness(client: ServiceClient) -> float | None:
    started = time.perf_counter()
    if _or_none(client.get, "/readyz") is None:
        return None
    return round((time.perf_counter() - started) * 1000, 1)


def _or_none(ask: Callable[..., Any], path: str, **params: Any) -> Any:
    try:
        return ask(path, **params)
    except DomainError:
        return None
