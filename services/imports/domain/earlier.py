"""Earlier jobs with a file of the same columns: what a person did with it before, and which one wrote an error file."""

import uuid
from collections.abc import Sequence

from sqlalchemy import distinct, func, or_, select, tuple_
from sqlalchemy.orm import Session

from services.imports.domain.jobs import Viewer
from services.imports.domain.mapping import column_keys, header_hash
from services.imports.domain.sniffing import ERROR_COLUMNS, has_reasons
from services.imports.models import Job, Refusal

LOOKED_AT = 50
HEADERS_LOOKED_AT = 1_000
LONGEST_LINE = 9  # digits


def earlier_job(session: Session, viewer: Viewer, kind: str, header: Sequence[str]) -> Job | None:
    """Return the last of this person's jobs that was started with a file of the same columns, of their latest ones."""
    wanted = header_hash(header)
    latest = session.execute(
        select(Job)
        .where(Job.created_by == viewer.user_id, Job.kind == kind, Job.queued_at.is_not(None))
        .order_by(Job.id.desc())
        .limit(LOOKED_AT)
    ).scalars()
    return next((job for job in latest if job.mapping and header_hash(job.header) == wanted), None)


def job_of_error_file(session: Session, viewer: Viewer, job: Job) -> Job | None:
    """Return the job that refused the rows which the file of `job` holds; None if no job that `viewer` may see did.

    It is known by what the file says of its first rows, however it was sorted, shortened or widened since: it is the
    job that refused most of them at their line for their reason, the latest of those that did.
    """
    if not has_reasons(job.header):
        return None
    refused = select(Job.id, Job.header).where(
        Job.kind == job.kind, Job.id < job.id, Job.change.is_(None), or_(Job.error_file.is_not(None), Job.failed > 0)
    )
    if not viewer.sees_all:
        refused = refused.where(Job.created_by == viewer.user_id)
    columns = set(column_keys(job.header))
    latest = session.execute(refused.order_by(Job.id.desc()).limit(HEADERS_LOOKED_AT))
    among = [one.id for one in latest if columns.issuperset(column_keys(one.header))][:LOOKED_AT]
    lines = _lines_refused(session, job, among)
    found = max(lines, key=lambda job_id: (lines[job_id], job_id), default=None)
    return session.get(Job, found) if found else None


def _lines_refused(session: Session, job: Job, among: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many of the first rows of an error file a job refused, of those that refused any."""
    line_at, _, code_at, _ = (job.header.index(name) for name in ERROR_COLUMNS)
    reasons = {
        (int(row[line_at]), code)
        for row in job.sample
        if row[line_at].isdecimal() and len(row[line_at]) <= LONGEST_LINE
        for code in row[code_at].split()
    }
    if not reasons or not among:
        return {}
    query = (
        select(Refusal.job_id, func.count(distinct(Refusal.line)).label("lines"))
        .where(
            Refusal.job_id.in_(among),
            Refusal.row <= max(line for line, _ in reasons),  # a row has no higher number than its line
            tuple_(Refusal.line, Refusal.code).in_(list(reasons)),
        )
        .group_by(Refusal.job_id)
    )
    return {row.job_id: row.lines for row in session.execute(query)}
