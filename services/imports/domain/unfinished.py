"""The work that is not finished, of everybody: imports, checks, undos, mass changes and exports, the oldest first."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from services.imports.domain.export_progress import export_progress
from services.imports.domain.exports import OPEN
from services.imports.domain.jobs import ACTIVE
from services.imports.domain.mass_changes import KIND as MASS_CHANGE
from services.imports.domain.progress import Progress, progress_of
from services.imports.models import Chunk, Export, Job

MOST = 20
NOBODY_FREE = "Waits for a free worker."


@dataclass(frozen=True)
class Work:
    """A job or an export that runs or waits.

    `what` is import, check, undo, mass_change or export; `by` asked for it at `since`. `done` counts rows, of
    `expected`: `rows` as soon as they are counted, a guess before, None where nothing can be said yet. `waiting` tells
    in a sentence why nothing moves, None while it does.
    """

    id: uuid.UUID
    what: str
    kind: str
    file_name: str
    by: str
    queue: str
    state: str
    since: datetime
    done: int
    rows: int | None
    expected: int | None
    percent: float
    waiting: str | None
    url: str

    def to_json(self) -> dict[str, Any]:
        """Return it as it goes over the wire."""
        return {**asdict(self), "id": str(self.id), "since": self.since.isoformat()}


def unfinished_work(session: Session, idle: Mapping[str, str], limit: int = MOST) -> list[Work]:
    """Return the work that was asked for first, in a fixed number of queries.

    `idle` has the queues from which no worker takes work now, and why.
    """
    found = [*_jobs(session, idle, limit), *_exports(session, idle, limit)]
    return sorted(found, key=lambda work: (work.since, work.id))[:limit]


def _jobs(session: Session, idle: Mapping[str, str], limit: int) -> list[Work]:
    asked_for = case(
        (Job.state == "undoing", Job.undo_requested_at), else_=func.coalesce(Job.queued_at, Job.created_at)
    )
    query = select(Job, asked_for.label("since")).where(Job.state.in_(ACTIVE)).order_by(asked_for, Job.id).limit(limit)
    found = session.execute(query).all()
    progress = progress_of(session, [row.Job for row in found])
    leased = select(Chunk.job_id).where(Chunk.job_id.in_(list(progress)), Chunk.state == "leased").distinct()
    sending = set(session.scalars(leased))
    return [_of_job(row.Job, row.since, progress[row.Job.id], row.Job.id in sending, idle) for row in found]


def _of_job(job: Job, since: datetime, now: Progress, is_sent: bool, idle: Mapping[str, str]) -> Work:
    undoes = job.state == "undoing"
    what = MASS_CHANGE if job.kind == MASS_CHANGE else "import"
    return Work(
        id=job.id,
        what={"undoing": "undo", "checking": "check"}.get(job.state, what),
        kind=job.kind,
        file_name=job.file_name,
        by=(job.undo_by_name if undoes else None) or job.created_by_name,
        queue=job.queue,
        state=job.state,
        since=since,
        done=now.done,
        rows=now.expected if undoes else now.rows,
        expected=now.expected,
        percent=now.percent,
        waiting=_why(now.waiting, idle.get(job.queue), is_held=is_sent or _is_leased(job)),
        url=f"/imports/{job.id}",
    )


def _exports(session: Session, idle: Mapping[str, str], limit: int) -> list[Work]:
    query = select(Export).where(Export.state.in_(OPEN)).order_by(Export.created_at, Export.id).limit(limit)
    return [_of_export(export, idle) for export in session.scalars(query)]


def _of_export(export: Export, idle: Mapping[str, str]) -> Work:
    now = export_progress(export)
    return Work(
        id=export.id,
        what="export",
        kind=export.kind,
        file_name=export.file_name,
        by=export.created_by_name,
        queue=export.queue,
        state=export.state,
        since=export.created_at,
        done=now.rows,
        rows=now.expected,
        expected=now.expected,
        percent=now.percent,
        waiting=_why(now.waiting, idle.get(export.queue), is_held=_is_leased(export)),
        url=f"/imports/exports/{export.id}",
    )


def _is_leased(one: Job | Export) -> bool:
    return one.lease_until is not None and one.lease_until > datetime.now(UTC)


def _why(told: str | None, idle: str | None, *, is_held: bool) -> str | None:
    """Return why nothing moves: what the work itself waits for first, then who is missing to do it."""
    return told or (None if is_held else idle or NOBODY_FREE)
