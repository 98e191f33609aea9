"""The lease of a job: one worker at a time reads its file or brings it to its end, and proves it by a token."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from services.imports.domain.chunks import put_off
from services.imports.domain.progress import AT_WORK
from services.imports.errors import LeaseLost
from services.imports.models import Chunk, Job

MOST_ATTEMPTS = 5


@dataclass(frozen=True)
class Lease:
    """A job that is ours to read or to end, as long as its token is this one."""

    job: Job
    token: uuid.UUID


def begin_reading(session: Session, job_id: uuid.UUID, lease: timedelta) -> Lease | None:
    """Lease a job whose file is to be read; None when there is nothing to read or somebody does it."""
    state = case((Job.state == "queued", "running"), else_=Job.state)
    return _lease(session, job_id, lease, _to_read(), state=state)


def begin_ending(session: Session, job_id: uuid.UUID, lease: timedelta) -> Lease | None:
    """Lease a job that can be brought to its end; None when it can't be yet or somebody does it."""
    return _lease(session, job_id, lease, _to_end())


def _lease(session: Session, job_id: uuid.UUID, lease: timedelta, condition: Any, **values: Any) -> Lease | None:
    token = uuid.uuid4()
    taken = session.execute(
        update(Job)
        .where(Job.id == job_id, condition, lease_is_free())
        .values(
            lease_token=token,
            lease_until=func.now() + lease,
            attempts=Job.attempts + 1,
            started_at=func.coalesce(Job.started_at, func.now()),
            **values,
        )
        .returning(Job.id)
    ).scalar_one_or_none()
    return Lease(session.get_one(Job, taken, populate_existing=True), token) if taken else None


def keep_lease(session: Session, held: Lease, lease: timedelta) -> bool:
    """Make the lease last from now on; False when it has passed to somebody else."""
    kept = session.execute(
        update(Job)
        .where(Job.id == held.job.id, Job.lease_token == held.token)
        .values(lease_until=func.clock_timestamp() + lease)
        .returning(Job.id)
    ).first()
    return kept is not None


def hold_lease(session: Session, held: Lease) -> Job:
    """Return the job, locked to the end of the transaction; raise LeaseLost when the lease is not ours any more."""
    job = session.execute(
        select(Job)
        .where(Job.id == held.job.id, Job.lease_token == held.token, Job.state.in_((*AT_WORK, "undoing")))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if job is None:
        raise LeaseLost
    return job


def rest(session: Session, held: Lease, sentence: str, *, counts: bool) -> None:
    """Give the lease back and let the job be for a while, telling people why; do nothing if the lease is not ours.

    It `counts` as an attempt that went wrong where the job's own file may be the reason.
    """
    session.execute(
        update(Job)
        .where(Job.id == held.job.id, Job.lease_token == held.token)
        .values(
            lease_token=None,
            lease_until=None,
            attempts=Job.attempts if counts else func.greatest(Job.attempts - 1, 0),
            **put_off(sentence),
        )
    )


def jobs_to_read(session: Session) -> list[tuple[uuid.UUID, str]]:
    """Return the jobs, with their queues, whose file waits for a reader."""
    rows = session.execute(select(Job.id, Job.queue).where(_to_read(), lease_is_free()).order_by(Job.id))
    return [(row.id, row.queue) for row in rows]


def given_up_reading(session: Session) -> list[uuid.UUID]:
    """Return the jobs whose reader died again and again without getting any further."""
    hopeless = select(Job.id).where(_to_read(), Job.attempts >= MOST_ATTEMPTS, lease_is_free())
    return list(session.execute(hopeless).scalars())


def jobs_to_end(session: Session) -> list[tuple[uuid.UUID, str]]:
    """Return the jobs, with their queues, that can be brought to their end."""
    rows = session.execute(select(Job.id, Job.queue).where(_to_end(), lease_is_free()).order_by(Job.id))
    return [(row.id, row.queue) for row in rows]


def is_done(session: Session, job_id: uuid.UUID) -> bool:
    """Tell whether nothing is left to do for a job but to end it."""
    return session.execute(select(Job.id).where(Job.id == job_id, _to_end())).first() is not None


def _to_read() -> Any:
    return and_(Job.state.in_(AT_WORK), Job.read_at.is_(None), Job.cancel_requested_at.is_(None))


def _to_end() -> Any:
    open_chunk = exists().where(Chunk.job_id == Job.id, Chunk.state.in_(("due", "leased")))
    all_done = and_(Job.read_at.is_not(None), ~open_chunk)
    stopped = Job.cancel_requested_at.is_not(None)
    leased = exists().where(Chunk.job_id == Job.id, Chunk.state == "leased")
    undone = and_(Job.state == "undoing", or_(~open_chunk, and_(stopped, ~leased)))
    return or_(and_(Job.state.in_(AT_WORK), or_(stopped, all_done)), undone)


def lease_is_free() -> Any:
    """The condition of a job that nobody holds and that need not wait."""
    return and_(
        or_(Job.lease_until.is_(None), Job.lease_until < func.now()),
        or_(Job.resume_at.is_(None), Job.resume_at <= func.now()),
    )
