"""What a person did with such a file before."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.imports.domain.jobs import Viewer
from services.imports.domain.mapping import header_hash
from services.imports.models import Job

LOOKED_AT = 50


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
