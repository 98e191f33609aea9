"""Files that nobody needs any more."""

import uuid
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.imports.domain.jobs import WAITING
from services.imports.domain.progress import FINAL
from services.imports.domain.promise import forget_check
from services.imports.domain.uploads import WORK, folder_of, work_of
from services.imports.models import Job
from shared.storage import Storage

KEPT = timedelta(days=30)
HALF_UPLOADS = timedelta(days=1)


def sweep_files(session: Session, storage: Storage) -> int:
    """Remove the files of jobs that ended, or were left without being started, 30 days ago, and of broken uploads.

    What checks that were thrown away had staged goes too. Returns how many jobs' folders went.
    """
    _discard_forgotten(session)
    found = {job_id: name for name in storage.names("imports") if (job_id := _job_id(name))}
    jobs = {
        row.id: row
        for row in session.execute(
            select(Job.id, Job.state, Job.finished_at, Job.reading).where(Job.id.in_(list(found)))
        )
    }
    now = datetime.now(UTC)
    gone = []
    for job_id in found:
        job = jobs.get(job_id)
        if job is None and _born(job_id) < now - HALF_UPLOADS:
            gone.append(job_id)
        elif job is not None and job.state in FINAL and job.finished_at is not None:
            if job.finished_at < now - KEPT:
                gone.append(job_id)
            else:
                storage.delete(f"{folder_of(job_id)}/{WORK}")
        elif job is not None:
            for reading in range(job.reading):
                storage.delete(work_of(job_id, reading))
    for job_id in gone:
        storage.delete(folder_of(job_id))
    session.execute(update(Job).where(Job.id.in_(gone)).values(error_file=None))
    return len(gone)


def _discard_forgotten(session: Session) -> None:
    forgotten = select(Job).where(Job.state.in_(WAITING), Job.created_at < func.now() - KEPT)
    for job in session.execute(forgotten.with_for_update(skip_locked=True)).scalars():
        forget_check(session, job)
        job.state, job.finished_at = "cancelled", func.now()
        job.version += 1


def _job_id(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None


def _born(job_id: uuid.UUID) -> datetime:
    """Return when a version 7 UUID was made (RFC 9562)."""
    return datetime.fromtimestamp((job_id.int >> 80) / 1000, UTC)
