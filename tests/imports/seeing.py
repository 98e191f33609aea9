"""What tests of the engine look at."""

from datetime import timedelta

from sqlalchemy import func, select, update

from services.imports.models import Chunk, Job, Refusal
from shared.db import read_only, unit_of_work

LONG = timedelta(hours=1)  # what is added to a pause at which a test looks: the machine may be slower than the pause


def counts(job):
    return tuple(getattr(job, name) for name in ("rows", "created", "updated", "unchanged", "skipped", "failed"))


def refusals(job):
    with read_only() as session:
        found = session.execute(select(Refusal).where(Refusal.job_id == job.id).order_by(Refusal.row)).scalars()
        return [(row.row, row.line, row.code) for row in found]


def chunk_states(job):
    with read_only() as session:
        found = session.execute(select(Chunk.state).where(Chunk.job_id == job.id).order_by(Chunk.no)).scalars()
        return list(found)


def now_due():
    """Let every back-off end now."""
    with unit_of_work() as session:
        session.execute(update(Chunk).values(due_at=func.now()))
        session.execute(update(Job).values(resume_at=None))
