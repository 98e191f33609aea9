"""Checking a file before its import: it is read, staged and sent as for the import, but its owner only looks."""

import uuid

from sqlalchemy import func
from sqlalchemy.orm import Session

from services.imports.domain.jobs import DEADLINE, Viewer, get_job, locked_job, options_of
from services.imports.domain.progress import AT_WORK, FINAL
from services.imports.domain.promise import forget_check, stage_again
from services.imports.errors import JobEnded, JobStarted, NotMapped
from services.imports.models import Job
from shared.errors import Stale
from shared.observe import request_id


def begin_check(session: Session, viewer: Viewer, job_id: uuid.UUID, seen_version: int | None = None) -> Job:
    """Have a mapped job checked; one that is ready is checked anew, one that is being checked stays as it is."""
    get_job(session, viewer, job_id)
    job = locked_job(session, job_id)
    viewer.must_have_choices(job.kind, job.mapping, options_of(job))
    if job.state == "checking":
        return job
    _refuse_late(job)
    if seen_version is not None and job.version != seen_version:
        raise Stale("This import")
    if job.state not in ("mapped", "ready") or not job.mapping:
        raise NotMapped
    if job.state == "ready":
        stage_again(session, job)
        job.started_at = func.now()
    job.state, job.promise, job.request_id = "checking", None, request_id()
    job.queued_at, job.deadline_at = func.now(), func.now() + DEADLINE
    return _changed(session, job)


def drop_check(session: Session, viewer: Viewer, job_id: uuid.UUID) -> Job:
    """Stop a check or throw its result away, so that the columns can be matched otherwise; without one, do nothing."""
    get_job(session, viewer, job_id)
    job = locked_job(session, job_id)
    if job.state in ("uploaded", "mapped"):
        return job
    if job.state not in ("checking", "ready"):
        _refuse_late(job)
    forget_check(session, job)
    return _changed(session, job)


def _refuse_late(job: Job) -> None:
    if job.state in FINAL:
        raise JobEnded
    if job.state in AT_WORK or job.state == "undoing":
        raise JobStarted


def _changed(session: Session, job: Job) -> Job:
    job.version += 1
    session.flush()
    session.refresh(job)
    return job
