"""Why rows of a job were refused."""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.imports.domain.jobs import Viewer, get_job
from services.imports.models import Refusal


@dataclass(frozen=True)
class Reason:
    """How many rows were refused for one reason; `message` and `line` are those of the first."""

    code: str
    column: str | None
    rows: int
    message: str
    line: int


def reasons_of(session: Session, viewer: Viewer, job_id: uuid.UUID, limit: int = 12) -> list[Reason]:
    """Return the reasons of a job's refusals, the most frequent first."""
    get_job(session, viewer, job_id)
    query = (
        select(
            Refusal.code,
            Refusal.column,
            func.count().label("rows"),
            func.min(Refusal.row).label("first"),
        )
        .where(Refusal.job_id == job_id)
        .group_by(Refusal.code, Refusal.column)
        .order_by(func.count().desc(), func.min(Refusal.row))
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(query, Refusal.message, Refusal.line)
        .join(Refusal, (Refusal.job_id == job_id) & (Refusal.row == query.c.first))
        .order_by(query.c.rows.desc(), query.c.first)
    )
    return [Reason(row.code, row.column, row.rows, row.message, row.line) for row in rows]
