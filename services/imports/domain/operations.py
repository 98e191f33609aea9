"""What an operator has to know of each queue: what waits, since when, how fast it goes, and who fell silent.

Imports and exports use the same queues, so both count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.imports.domain.chunks import claimable, open_job
from services.imports.domain.exports import OPEN
from services.imports.domain.jobs import ACTIVE
from services.imports.domain.leases import jobs_to_read
from services.imports.domain.writing import is_due
from services.imports.models import Chunk, Export, Job

QUEUES = ("short", "long")
LATELY = timedelta(seconds=30)
EXPIRY = timedelta(hours=24)


@dataclass(frozen=True)
class QueueState:
    """One queue, as the tables tell it.

    Jobs are imports and exports, in `running_jobs`, `waiting_jobs` and `oldest_due_seconds`: how long the chunk, the
    file to be read or the export to be written that waits longest has been waiting for a worker. The rest tells of
    chunks, which exports have none of: `rows_per_second` counts the last half minute, `expired_leases` the last day:
    workers that died or stood still with a chunk.
    """

    name: str
    running_jobs: int
    waiting_jobs: int
    due_chunks: int
    leased_chunks: int
    oldest_due_seconds: float
    rows_per_second: float
    expired_leases: int


def queue_states(session: Session) -> list[QueueState]:
    """Return the state of every queue, also of those with nothing to do."""
    return [_state(session, queue) for queue in QUEUES]


def _state(session: Session, queue: str) -> QueueState:
    running, waiting = _at_work(session, queue)
    chunks = _chunks(session, queue)
    since = [chunks["oldest"], _oldest_unread(session, queue), _oldest_unwritten(session, queue)]
    return QueueState(
        name=queue,
        running_jobs=running,
        waiting_jobs=waiting,
        due_chunks=chunks["due"],
        leased_chunks=chunks["leased"],
        oldest_due_seconds=_age(session, min((moment for moment in since if moment is not None), default=None)),
        rows_per_second=round(_rows_lately(session, queue) / LATELY.total_seconds(), 1),
        expired_leases=_expired_leases(session, queue),
    )


def _at_work(session: Session, queue: str) -> tuple[int, int]:
    """Return how many imports and exports somebody works on, and how many nobody has begun."""
    running = waiting = 0
    for table, states in ((Job, ACTIVE), (Export, OPEN)):
        queued = func.count().filter(table.state == "queued")
        of_queue = (table.queue == queue, table.state.in_(states))
        begun, left = session.execute(select(func.count() - queued, queued).where(*of_queue)).one()
        running, waiting = running + begun, waiting + left
    return running, waiting


def _chunks(session: Session, queue: str) -> Mapping[Any, Any]:
    """Return how many chunks could be sent now and how many are, and since when the oldest could."""
    due = func.count().filter(open_job(), claimable())
    leased = func.count().filter(Chunk.state == "leased")
    oldest = func.min(Chunk.due_at).filter(open_job(), claimable())
    query = select(due.label("due"), leased.label("leased"), oldest.label("oldest"))
    found: Mapping[Any, Any] = (
        session.execute(_of(query, queue).where(Chunk.state.in_(("due", "leased")))).mappings().one()
    )
    return found


def _oldest_unread(session: Session, queue: str) -> datetime | None:
    unread = [job_id for job_id, its_queue in jobs_to_read(session) if its_queue == queue]
    return session.execute(select(func.min(Job.queued_at)).where(Job.id.in_(unread))).scalar_one()


def _oldest_unwritten(session: Session, queue: str) -> datetime | None:
    """Return since when the export waits that waits longest: asked for, done resting, or left by a dead worker."""
    since = func.greatest(Export.created_at, Export.resume_at, Export.lease_until)
    oldest: datetime | None = session.execute(
        select(func.min(since)).where(Export.queue == queue, is_due())
    ).scalar_one()
    return oldest


def _rows_lately(session: Session, queue: str) -> int:
    lately = func.now() - LATELY
    rows = _of(select(func.coalesce(func.sum(Chunk.rows), 0)), queue)
    lately_done = rows.where(Job.served_at > lately, Chunk.state == "done", Chunk.finished_at > lately)
    return int(session.execute(lately_done).scalar_one())


def _expired_leases(session: Session, queue: str) -> int:
    leases = _of(select(func.coalesce(func.sum(Chunk.expired_leases), 0)), queue)
    expired = leases.where(Job.served_at > func.now() - EXPIRY, Chunk.expired_leases > 0)
    return int(session.execute(expired).scalar_one())


def _of(query: Any, queue: str) -> Any:
    """Ask of the chunks of one queue."""
    return query.select_from(Chunk).join(Job).where(Job.queue == queue)


def _age(session: Session, since: datetime | None) -> float:
    """Return the seconds since then by the clock of the database, 0 for nothing."""
    seconds = session.execute(select(func.extract("epoch", func.now() - since))).scalar_one() if since else 0
    return max(0.0, round(float(seconds), 1))
