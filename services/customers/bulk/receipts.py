"""Chunks of imports, each applied exactly once (`shared.bulk`), and what a job needs around them."""

import uuid
from typing import Any

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from services.customers.bulk.chunk import apply_rows
from services.customers.bulk.kinds import kind_of
from services.customers.bulk.undo import AskedLinks, LinksTakenBack, asked_links, undo_customers
from services.customers.models import JobFence, Receipt, UndoReceipt
from shared import bulk
from shared.importing import rows
from shared.importing.job import ImportJob, UndoJob
from shared.importing.rows import CheckedRows

MANY = 1000


def read_chunk(body: bytes, checksum: str, kind: str = "customers") -> CheckedRows:
    """Return the checked rows of an Arrow file; raise ChunkUnreadable. Comes before any lock."""
    return kind_of(kind).check(rows.read_chunk(body, checksum))


def open_fence(session: Session, job_id: uuid.UUID) -> None:
    """Let chunks of a job be applied side by side from the first on."""
    bulk.open_fence(session, JobFence, job_id)


def apply_chunk(session: Session, job: ImportJob, chunk_no: int, checksum: str, checked: CheckedRows) -> dict[str, Any]:
    """Apply a chunk, or answer what became of it before. Raises FenceClosed, ChecksumMismatch."""
    return bulk.apply_chunk(
        session,
        JobFence,
        Receipt,
        job.id,
        chunk_no,
        checksum,
        lambda session: apply_rows(session, job, chunk_no, checked, kind_of(job.kind).attempt),
    )


def asked_for_links(session: Session, job: UndoJob) -> AskedLinks:
    """Return the accounts for which a chunk asked associates for links, and which of them stay."""
    receipt = session.get(Receipt, (job.id, job.chunk_no))
    return asked_links(session, job, (receipt and receipt.created_ids) or b"")


def undo_chunk(session: Session, job: UndoJob, links: LinksTakenBack | None = None) -> dict[str, Any]:
    """Take back what a chunk did, or answer what became of that before.

    `links` tells what associates took back before. Raises LinksNotTakenBack where that is missing.
    """
    return bulk.undo_chunk(
        session,
        Receipt,
        UndoReceipt,
        job.id,
        job.chunk_no,
        lambda session, created_ids: undo_customers(session, job, created_ids, links),
    )


def void_chunk(session: Session, job_id: uuid.UUID, chunk_no: int) -> dict[str, Any] | None:
    """Let a chunk never be applied; return its answer if it was already."""
    return bulk.void_chunk(session, JobFence, Receipt, job_id, chunk_no)


def close_fence(session: Session, job_id: uuid.UUID) -> list[int]:
    """Let no further chunk of a job be applied; return the numbers of those that were."""
    return bulk.close_fence(session, JobFence, Receipt, job_id)


def has_changed_much(session: Session, job_id: uuid.UUID) -> bool:
    """Tell whether the tables want tidying after this job."""
    changed = [cast(Receipt.answer[name].astext, Integer) for name in ("created", "updated")]
    total = session.scalar(select(func.sum(changed[0] + changed[1])).where(Receipt.job_id == job_id)) or 0
    return total >= MANY
