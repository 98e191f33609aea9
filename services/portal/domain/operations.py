"""How the whole product does: which services answer, what waits in the queues, who works, which events are unread."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from shared.errors import DomainError
from shared.http import ServiceClient

READERS = ("portal", "customers", "associates")


@dataclass(frozen=True)
class ServiceSeen:
    """A service that was asked whether it is ready; `milliseconds` is None when it is not."""

    name: str
    milliseconds: float | None


@dataclass(frozen=True)
class FeedSeen:
    """How far `reader` is behind the feed of `owner`; both are None when the owner does not answer."""

    reader: str
    owner: str
    events: int | None
    seconds: float | None


@dataclass(frozen=True)
class Operations:
    """All that was found out at once; `jobs` is the answer of imports, None when it does not answer."""

    services: list[ServiceSeen]
    feeds: list[FeedSeen]
    jobs: dict[str, Any] | None


def look_around(clients: Mapping[str, ServiceClient]) -> Operations:
    """Ask all services at the same time; one that is away costs its own lines only."""
    with ThreadPoolExecutor(2 * len(clients) + 1) as pool:
        services = {name: pool.submit(_readiness, client) for name, client in clients.items()}
        cursors = {
            name: pool.submit(_or_none, clients[name].get, "/internal/cursors") for name in READERS if name in clients
        }
        jobs = pool.submit(_or_none, clients["imports"].get, "/internal/operations") if "imports" in clients else None
        behind = [
            (reader, owner, pool.submit(_or_none, clients[owner].get, "/internal/events/behind", after=place))
            for reader, answer in cursors.items()
            for owner, place in (answer.result() or {}).items()
            if owner in clients
        ]
        return Operations(
            services=[ServiceSeen(name, one.result()) for name, one in services.items()],
            feeds=[_feed(reader, owner, one.result()) for reader, owner, one in behind],
            jobs=jobs.result() if jobs else None,
        )


def _feed(reader: str, owner: str, answer: dict[str, Any] | None) -> FeedSeen:
    return FeedSeen(reader, owner, answer["events"] if answer else None, answer["seconds"] if answer else None)


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
