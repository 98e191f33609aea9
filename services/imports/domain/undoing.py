"""Taking an import back (I10): asked for by a person, done by its owner chunk by chunk, told with all that stays."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from services.imports.domain.chunks import Claim, holds
from services.imports.domain.jobs import DEADLINE, UNHEARD, WAITING, Viewer, get_job, locked_job
from services.imports.domain.leases import Lease, hold_lease
from services.imports.errors import JobAtWork, JobUndone, NothingKept, NothingToUndo, UndoTooLate
from services.imports.models import Chunk, Job, Kept, Outbox
from shared.bulk import UNDO_COUNTS
from shared.errors import Conflict
from shared.events.imports import JobFinished
from shared.observe import request_id
from shared.outbox import record

UNDO_DAYS = timedelta(days=30)
TOLD = ("record", "label", "url", "field", "reason", "message")
_FREE: dict[str, Any] = {"lease_token": None, "lease_until": None}


def request_undo(session: Session, viewer: Viewer, job_id: uuid.UUID, ip: str = "") -> Job:
    """Have an import taken back; one that is being taken back stays as it is.

    One whose undo ended before all was taken back goes on with the rest. Raises what `why_not_undo` tells.
    """
    get_job(session, viewer, job_id)
    job = locked_job(session, job_id)
    if job.state == "undoing":
        return job
    if refusal := why_not_undo(job):
        raise refusal
    session.execute(
        update(Chunk)
        .where(Chunk.job_id == job_id, _to_undo(job))
        .values(state="due", due_at=func.now(), attempts=0, last_error=None, **_FREE)
    )
    session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(
            state="undoing",
            undo_by=viewer.user_id,
            undo_by_name=viewer.name,
            undo_ip=ip,
            undo_requested_at=func.now(),
            undo_failure=None,
            deadline_at=func.now() + DEADLINE,
            request_id=request_id(),
            cancel_requested_at=None,
            attempts=0,
            version=Job.version + 1,
            **_AT_REST,
        )
    )
    session.refresh(job)
    return job


def why_not_undo(job: Job) -> Conflict | None:
    """Return why a job cannot be taken back now, None if it can be."""
    if job.state in (*WAITING, "checking"):
        return NothingToUndo()
    if job.finished_at is None:
        return JobAtWork()
    if job.state in ("undone", "partly_undone") and not job.undo_failure:
        return JobUndone(job.undone_at or datetime.now(UTC), job.undo_by_name or "Somebody")
    if not job.created + job.updated and job.failure_code not in UNHEARD:
        return NothingToUndo()
    until = job.finished_at + UNDO_DAYS
    return UndoTooLate(until) if until < datetime.now(UTC) else None


def undo_until(job: Job) -> datetime | None:
    """Return until when a job can be taken back, None when it cannot be."""
    if job.state == "undoing" or job.finished_at is None or why_not_undo(job):
        return None
    return job.finished_at + UNDO_DAYS


def _to_undo(job: Job) -> Any:
    """The condition of a chunk that may have left something; of one that nobody heard of, only the owner knows."""
    left_something = and_(Chunk.state == "done", Chunk.created + Chunk.updated > 0)
    unheard = Chunk.state == "cancelled"
    is_left = or_(left_something, unheard) if job.failure_code in UNHEARD else left_something
    return and_(is_left, Chunk.undone_at.is_(None))


def complete_undo(session: Session, claim: Claim, answer: dict[str, Any]) -> bool:
    """Close a chunk that its owner took back; False when the lease had passed to somebody else meanwhile."""
    if not holds(session, claim):
        return False
    session.execute(
        update(Job)
        .where(Job.id == claim.job_id, Job.waiting.is_not(None))
        .values(waiting=None, waits=0, resume_at=None)
    )
    now = func.clock_timestamp()
    session.execute(
        update(Chunk)
        .where(Chunk.job_id == claim.job_id, Chunk.no == claim.no)
        .values(
            state="done", finished_at=now, undone_at=now, **{name: int(answer[name]) for name in UNDO_COUNTS}, **_FREE
        )
    )
    for start in range(0, len(answer["left"]), 1_000):
        part = answer["left"][start : start + 1_000]
        session.execute(insert(Kept), [{"job_id": claim.job_id, **{name: one[name] for name in TOLD}} for one in part])
    return True


def stop_undo(session: Session, job_id: uuid.UUID, sentence: str) -> None:
    """Take nothing more back: what was is told, and the rest can be tried again."""
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "undoing", Job.cancel_requested_at.is_(None))
        .values(undo_failure=sentence, cancel_requested_at=func.now(), **_AT_REST)
    )


def end_undo(session: Session, held: Lease, failure: str | None = None) -> Job:
    """Give a job that was taken back its final state and counts, and tell the world.

    With a `failure`, which tells why its owner was not heard at the end, it can be asked for once more.
    """
    job = hold_lease(session, held)
    sums = [func.coalesce(func.sum(getattr(Chunk, name)), 0).label(name) for name in UNDO_COUNTS]
    row = session.execute(select(*sums).where(Chunk.job_id == job.id)).one()
    counts = {name: int(count) for name, count in row._mapping.items()}
    rest = update(Chunk).where(Chunk.job_id == job.id, Chunk.state.in_(("due", "leased")))
    heard = case((Chunk.created + Chunk.updated > 0, "done"), else_="cancelled")  # of others only the owner knows
    is_whole = session.execute(rest.values(state=heard, **_FREE).returning(Chunk.no)).first() is None
    session.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            state="undone" if is_whole and not counts["kept"] else "partly_undone",
            undo_failure=func.coalesce(None if is_whole else Job.undo_failure, failure),
            undone_at=func.now(),
            cancel_requested_at=None,
            version=Job.version + 1,
            **counts,
            **_AT_REST,
        )
    )
    session.refresh(job)
    record(session, Outbox, _undone(job, counts))
    return job


def list_kept(session: Session, viewer: Viewer, job_id: uuid.UUID, *, after: int = 0, limit: int = 50) -> list[Kept]:
    """Return up to `limit` things that stayed when a job was taken back, behind the one called `after`."""
    get_job(session, viewer, job_id)
    query = select(Kept).where(Kept.job_id == job_id, Kept.id > after).order_by(Kept.id).limit(limit)
    return list(session.execute(query).scalars())


def get_kept_job(session: Session, viewer: Viewer, job_id: uuid.UUID) -> Job:
    """Return a job that was taken back but for something; raise NothingKept when there is nothing to list."""
    job = get_job(session, viewer, job_id)
    if not job.kept:
        raise NothingKept
    return job


def each_kept(session: Session, job_id: uuid.UUID) -> Iterator[Kept]:
    """Give all that stayed when a job was taken back, in flat memory."""
    query = select(Kept).where(Kept.job_id == job_id).order_by(Kept.id)
    yield from session.execute(query.execution_options(yield_per=1_000)).scalars()


_AT_REST: dict[str, Any] = {**_FREE, "waiting": None, "waits": 0, "resume_at": None}


def _undone(job: Job, counts: dict[str, int]) -> JobFinished:
    return JobFinished(
        job_id=str(job.id),
        what="undo",
        kind=job.kind.replace("_", " "),
        state=job.state,
        file_name=job.file_name,
        counts=counts,
        actor_id=str(job.undo_by),
        actor_name=job.undo_by_name or "",
        at=datetime.now(UTC).isoformat(),
        ip=job.undo_ip or "",
    )
