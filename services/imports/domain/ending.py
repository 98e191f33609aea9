"""Bringing a job to its end: every row is accounted for, and nothing runs any more."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from services.imports.domain.chunks import cancel_open, open_chunks, settle_applied, sum_of_chunks
from services.imports.domain.jobs import UNHEARD
from services.imports.domain.leases import Lease, hold_lease
from services.imports.domain.promise import kept_or_not
from services.imports.models import Chunk, Job, Outbox, Refusal
from shared.bulk import COUNTS
from shared.events.imports import JobFinished
from shared.outbox import record

DEADLINE_PASSED = "deadline_passed"
PATIENCE = timedelta(days=1)
MOST_WAITS = 10


def was_sent(session: Session, job_id: uuid.UUID) -> bool:
    """Tell whether the owner may know of this job: whether it has a chunk at all."""
    return session.execute(select(Chunk.no).where(Chunk.job_id == job_id).limit(1)).first() is not None


def settle_lost(session: Session, held: Lease, no: int, answer: dict[str, Any]) -> None:
    """Close a chunk that was applied although nobody heard of it, by the owner's counts."""
    settle_applied(session, hold_lease(session, held).id, no, answer)


def cancel_rest(session: Session, held: Lease) -> None:
    """Close all chunks that are still open as skipped: the fence is closed, and what was applied is settled."""
    cancel_open(session, hold_lease(session, held).id)


def is_hopeless(job: Job) -> bool:
    """Tell whether the owner of a job that was to be stopped has been away for far too long."""
    return job.deadline_at is not None and job.deadline_at + PATIENCE < datetime.now(UTC)


def was_refused_often(job: Job) -> bool:
    """Tell whether a job has waited so often (three minutes in all) that its owner will refuse its end again."""
    return job.waits >= MOST_WAITS


def give_up(session: Session, held: Lease, code: str, sentence: str) -> None:
    """Close all chunks without having heard from the owner what was applied; `code` is one of UNHEARD.

    Why the job had failed before stays told. Where all was heard, the job is what it is.
    """
    job_id = hold_lease(session, held).id
    if not open_chunks(session, job_id):
        return
    sentence = f"{sentence} What was applied last may not be counted here."
    unheard = func.coalesce(Job.failure_code, "").in_(UNHEARD)
    told = func.concat_ws(" ", Job.failure, sentence)
    session.execute(update(Job).where(Job.id == job_id, ~unheard).values(failure_code=code, failure=told))
    cancel_open(session, job_id)


def has_refusals(session: Session, job_id: uuid.UUID) -> bool:
    """Tell whether any row of the job was refused."""
    return session.execute(select(Refusal.row).where(Refusal.job_id == job_id).limit(1)).first() is not None


def end_job(session: Session, held: Lease, rows: int, error_file: str | None) -> Job:
    """Give the job its final state and counts, and tell the world; `rows` is how many the file has.

    Rows that were not reached count as skipped, so that the counts add up to the rows.
    """
    job = hold_lease(session, held)
    counts = sum_of_chunks(session, job.id)
    counts["failed"] += job.read_failed
    rows = max(rows, sum(counts[name] for name in COUNTS))
    counts["skipped"] += rows - sum(counts[name] for name in COUNTS)
    state = _final_state(session, job, counts["failed"])
    session.execute(
        update(Job)
        .where(Job.id == job.id)
        .values(
            state=state,
            rows=rows,
            **{name: counts[name] for name in COUNTS},
            error_file=error_file,
            promise=kept_or_not(session, job),
            finished_at=func.now(),
            version=Job.version + 1,
            lease_token=None,
            lease_until=None,
            waiting=None,
            resume_at=None,
            **({"failure_code": None, "failure": None} if state.startswith("completed") else {}),
        )
    )
    session.execute(update(Chunk).where(Chunk.job_id == job.id).values(forecast=None))
    session.refresh(job)
    record(session, Outbox, _finished(job))
    return job


def _final_state(session: Session, job: Job, failed: int) -> str:
    """Return the state that is true: a job that was stopped when all was done is completed all the same."""
    if job.failure_code not in (None, DEADLINE_PASSED):
        return "failed"
    cut_chunk = exists().where(Chunk.job_id == job.id, Chunk.state == "cancelled")
    if job.read_at is None or job.state == "checking" or session.execute(select(cut_chunk)).scalar_one():
        return "cancelled"
    return "completed_with_errors" if failed else "completed"


def _finished(job: Job) -> JobFinished:
    return JobFinished(
        job_id=str(job.id),
        what="assignment" if job.change else "import",
        kind="customers" if job.change else job.kind,
        state=job.state,
        file_name=job.file_name,
        counts={"rows": job.rows or 0, **{name: getattr(job, name) for name in COUNTS}},
        actor_id=str(job.created_by),
        actor_name=job.created_by_name,
        at=datetime.now(UTC).isoformat(),
    )
