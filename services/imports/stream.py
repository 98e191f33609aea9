"""Progress as it happens: server-sent events (WHATWG HTML 9.2), one connection per watcher and job."""

import json
import time
import uuid
from collections.abc import Callable, Iterator

from flask import Response, request, stream_with_context

from services.imports.domain.jobs import ACTIVE, Viewer, get_job
from services.imports.domain.progress import Progress, job_progress
from shared.db import read_only

POLL_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
LIFE_SECONDS = 600.0  # then the browser opens it again by itself
LAST = "end"

Render = Callable[[Progress], str]


def progress_events(viewer: Viewer, job_id: uuid.UUID, render: Render | None = None) -> Response:
    """Return the stream of a job that `viewer` may see; it ends when the job does.

    Each change is an event `progress` with JSON; with `render`, one without a name whose data is what `render` made.
    The last event is `end`, also when a check is done or stopped. A browser that comes again after that gets 204, which
    makes it stop.
    """
    with read_only() as session:
        get_job(session, viewer, job_id)
    if request.headers.get("Last-Event-ID") == LAST:
        return Response(status=204)
    events = stream_with_context(_events(viewer, job_id, render))
    return Response(events, content_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _events(viewer: Viewer, job_id: uuid.UUID, render: Render | None) -> Iterator[str]:
    yield "retry: 2000\n\n"
    until = time.monotonic() + LIFE_SECONDS
    sent, last, was_active = time.monotonic(), None, False
    while time.monotonic() < until:
        with read_only() as session:
            progress = job_progress(session, get_job(session, viewer, job_id))
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
