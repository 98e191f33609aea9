"""What an operator has to know of each queue: what waits, since when, how fast it goes, and who fell silent."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.imports.domain.chunks import claimable, open_job
from services.imports.domain.leases import jobs_to_read
from services.imports.domain.progress import AT_WORK
from services.imports.models import Chunk, Job

QUEUES = ("short", "long")
RATE_SECONDS = 30
EXPIRY_HOURS = 24


@dataclass(frozen=True)
class QueueState:
    """One queue, as the tables tell it.

    `oldest_due_seconds` is how long the chunk or file that waits longest has been waiting for a worker;
    `rows_per_second` counts the last half minute, `expired_leases` the last day: workers that died or stood still with
    a chunk.
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
    jobs = session.execute(
        select(
            func.count().filter(Job.state.in_(("running", "checking", "undoing"))).label("running"),
            func.count().filter(Job.state == "queued").label("queued"),
        ).where(Job.queue == queue, Job.state.in_((*AT_WORK, "undoing")))
    ).one()
    chunks = session.execute(
        select(
            func.count().filter(open_job(), claimable()).label("due"),
            func.count().filter(Chunk.state == "leased").label("leased"),
            func.min(Chunk.due_at).filter(open_job(), claimable()).label("oldest"),
        )
        .join(Job)
        .where(Job.queue == queue, Chunk.state.in_(("due", "leased")))
    ).one()
    lately = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, RATE_SECONDS)
    rows = session.execute(
        select(func.coalesce(func.sum(Chunk.rows), 0))
        .join(Job)
        .where(Job.queue == queue, Job.served_at > lately, Chunk.state == "done", Chunk.finished_at > lately)
    ).scalar_one()
    expired = session.execute(
        select(func.coalesce(func.sum(Chunk.expired_leases), 0))
        .join(Job)
        .where(
            Job.queue == queue,
            Job.served_at > func.now() - func.make_interval(0, 0, 0, 0, EXPIRY_HOURS),
            Chunk.expired_leases > 0,
        )
    ).scalar_one()
    unread = [job_id for job_id, its_queue in jobs_to_read(session) if its_queue == queue]
    queued = session.execute(select(func.min(Job.queued_at)).where(Job.id.in_(unread))).scalar_one()
    since = min((moment for moment in (chunks.oldest, queued) if moment is not None), default=None)
    waited = session.execute(select(func.extract("epoch", func.now() - since))).scalar_one() if since else 0
    return QueueState(
        name=queue,
        running_jobs=jobs.running,
        waiting_jobs=jobs.queued,
        due_chunks=chunks.due,
        leased_chunks=chunks.leased,
        oldest_due_seconds=max(0.0, round(float(waited), 1)),
        rows_per_second=round(rows / RATE_SECONDS, 1),
        expired_leases=int(expired),
    )
