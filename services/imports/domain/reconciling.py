"""What is left lying is picked up again: leases that ran out, jobs that wait for somebody, deadlines.

Messages may be lost and workers may die at any place; this looks at the tables every few seconds and says what is due.
"""

import uuid
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.imports.domain.chunks import due_chunks, end_leases, poisoned_chunks
from services.imports.domain.ending import DEADLINE_PASSED
from services.imports.domain.jobs import fail_job
from services.imports.domain.leases import given_up_reading, jobs_to_end, jobs_to_read
from services.imports.domain.progress import AT_WORK
from services.imports.domain.undoing import stop_undo
from services.imports.models import Job

LOCK = 0x6C69_0003


@dataclass
class Due:
    """What should be nudged now: jobs with their queues, chunks to split, and the number of due chunks per queue."""

    read: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    end: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    split: list[tuple[uuid.UUID, int]] = field(default_factory=list)
    chunks: dict[str, int] = field(default_factory=dict)


def reconcile(session: Session) -> Due | None:
    """Put right what was left lying and return what is due; None when another reconciler is at it."""
    if not session.execute(select(func.pg_try_advisory_xact_lock(LOCK))).scalar_one():
        return None
    end_leases(session)
    _hold_deadlines(session)
    _give_up_reading(session)
    return Due(
        read=jobs_to_read(session),
        end=jobs_to_end(session),
        split=poisoned_chunks(session),
        chunks={queue: due_chunks(session, queue) for queue in ("short", "long")},
    )


def _hold_deadlines(session: Session) -> None:
    late = select(Job.id).where(Job.state.in_(AT_WORK), Job.deadline_at < func.now(), Job.cancel_requested_at.is_(None))
    for job_id in session.execute(late).scalars().all():
        fail_job(session, job_id, DEADLINE_PASSED, "This import was not done within a day, so it was stopped.")
    late_undo = select(Job.id).where(
        Job.state == "undoing", Job.deadline_at < func.now(), Job.cancel_requested_at.is_(None)
    )
    for job_id in session.execute(late_undo).scalars().all():
        stop_undo(session, job_id, "Not all of it could be taken back within a day.")


def _give_up_reading(session: Session) -> None:
    for job_id in given_up_reading(session):
        fail_job(session, job_id, "reading_failed", "The program that reads the file ended again and again.")
