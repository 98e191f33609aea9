"""How the whole product does: which services answer, what waits and why, who works, which events are unread."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import DomainError
from shared.http import ServiceClient

FEEDS = {
    "portal": ("customers", "associates", "imports"),
    "customers": ("associates",),
    "associates": ("customers",),
}
"""Who reads whose events: the `FEEDS` of the services' own consumers."""


@dataclass(frozen=True)
class ServiceSeen:
    """A service that was asked whether it is ready; `milliseconds` is None when it is not."""

    name: str
    milliseconds: float | None


@dataclass(frozen=True)
class FeedSeen:
    """How far `reader` is behind the feed of `owner`; None both where one of them, `away`, does not answer."""

    reader: str
    owner: str
    events: int | None = None
    seconds: float | None = None
    away: str | None = None


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
            name: pool.submit(_or_none, clients[name].get, "/internal/cursors") for name in FEEDS if name in clients
        }
        jobs = pool.submit(_or_none, clients["imports"].get, "/internal/operations") if "imports" in clients else None
        places = {reader: answer.result() for reader, answer in cursors.items()}
        behind = {
            (reader, owner): pool.submit(_or_none, clients[owner].get, "/internal/events/behind", after=place)
            for reader, read in places.items()
            for owner, place in (read or {}).items()
            if owner in clients
        }
        return Operations(
            services=[ServiceSeen(name, one.result()) for name, one in services.items()],
            feeds=[feed for reader, read in places.items() for feed in _feeds(reader, read, behind)],
            jobs=_with_moments(jobs.result()) if jobs else None,
        )


def _feeds(
    reader: str, read: Mapping[str, int] | None, behind: Mapping[tuple[str, str], Future[Any]]
) -> Iterator[FeedSeen]:
    """Tell of each feed of a reader; of a reader that is away only that it is."""
    if read is None:
        yield from (FeedSeen(reader, owner, away=reader) for owner in FEEDS[reader])
        return
    for owner in read:
        if (reader, owner) in behind:
            answer = behind[reader, owner].result()
            yield FeedSeen(reader, owner, **answer) if answer else FeedSeen(reader, owner, away=owner)


def _with_moments(jobs: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the answer of imports with points in time in the place of their texts."""
    if jobs is None:
        return None
    work = [{**one, "since": datetime.fromisoformat(one["since"])} for one in jobs.get("work", [])]
    return {**jobs, "work": work}


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
