"""Progress as it happens: server-sent events (WHATWG HTML 9.2), one connection per watcher and job."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from flask import Response, request, stream_with_context
from sqlalchemy.orm import Session

from services.imports.domain.jobs import ACTIVE, Viewer, get_job
from services.imports.domain.progress import Progress, job_progress
from shared.db import read_only

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
LIFE_SECONDS = 600.0  # then the browser opens it again by itself
LAST = "end"


class Shown(Protocol):
    """How far something is: `Progress` of an import, `ExportProgress` of an export."""

    @property
    def state(self) -> str:
        """What it is doing, or how it ended."""

    @property
    def final(self) -> bool:
        """Whether it came to its end."""

    def to_json(self) -> dict[str, Any]:
        """Return it as it goes over the wire."""


Now = TypeVar("Now", bound=Shown)


def progress_events(viewer: Viewer, job_id: uuid.UUID, render: Callable[[Progress], str] | None = None) -> Response:
    """Return the stream of a job that `viewer` may see; it ends when the job does (see `events_of`)."""
    return events_of(lambda session: job_progress(session, get_job(session, viewer, job_id)), render)


def events_of(read: Callable[[Session], Now], render: Callable[[Now], str] | None = None) -> Response:
    """Return the stream of what `read` tells from time to time, until that is final; what it raises is told first.

    Each change is an event `progress` with JSON; with `render`, one without a name whose data is what `render` made.
    The last event is `end`, also when a check is done or stopped. A browser that comes again after that gets 204, which
    makes it stop.
    """
    with read_only() as session:
        read(session)
    if request.headers.get("Last-Event-ID") == LAST:
        return Response(status=204)
    events = stream_with_context(_events(read, render))
    return Response(events, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _events(read: Callable[[Session], Now], render: Callable[[Now], str] | None) -> Iterator[str]:
    yield "retry: 2000\n\n"
    until = time.monotonic() + LIFE_SECONDS
    sent: float = time.monotonic()
    last: Now | None = None
    was_active = False
    while time.monotonic() < until:
        with read_only() as session:
            progress = read(session)
        was_active = was_active or progress.state in ACTIVE
        if progress != last:
            yield _event(render(progress)) if render else _event(json.dumps(progress.to_json()), "progress")
            sent, last = time.monotonic(), progress
        elif time.monotonic() - sent > HEARTBEAT_SECONDS:
            yield ": still here\n\n"
            sent = time.monotonic()
        if progress.final or progress.state == "ready" or (was_active and progress.state not in ACTIVE):
            yield _event(progress.state, "end", LAST)
            return
        time.sleep(POLL_SECONDS)


def _event(data: str, name: str | None = None, event_id: str | None = None) -> str:
    lines = [f"event: {name}"] if name else []
    lines += [f"id: {event_id}"] if event_id else []
    lines += [f"data: {line}" for line in data.splitlines() or [""]]
    return "\n".join(lines) + "\n\n"
