"""Making what was read part of its job, under the job's lease."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.imports.domain.chunks import asdict_of, refuse_rows
from services.imports.domain.leases import Lease, hold_lease
from services.imports.domain.uploads import room_for_it, work_of
from services.imports.errors import LeaseLost
from services.imports.models import Chunk, Job
from shared.storage import Storage

if TYPE_CHECKING:  # it brings polars along, see services.imports.tasks
    from services.imports.domain.staging import Stage


def staged_numbers(session: Session, job_id: uuid.UUID) -> set[int]:
    """Return the numbers of the chunks that an earlier reader of the same file has staged."""
    return set(session.execute(select(Chunk.no).where(Chunk.job_id == job_id)).scalars())


def chunk_folder(job: Job) -> str:
    """Return where the chunks of a job are staged."""
    return f"{work_of(job.id, job.reading)}/chunks"


def write_chunk(storage: Storage, folder: str, name: str, body: bytes) -> tuple[str, str]:
    """Store a chunk file and return its path and checksum."""
    path = f"{folder}/{name}.arrow"
    with room_for_it():
        storage.write(path, body)
    return path, hashlib.sha256(body).hexdigest()


def add_stage(session: Session, held: Lease, stage: Stage, stored: tuple[str, str] | None) -> None:
    """Make a stage part of the job: its chunk is due from now on; raise LeaseLost when the reader has to stop."""
    job_id = held.job.id
    job = hold_lease(session, held)
    if job.cancel_requested_at is not None:
        raise LeaseLost
    if stage.frame is not None and stored is not None:
        path, checksum = stored
        session.add(Chunk(job_id=job_id, no=stage.no, rows=stage.frame.height, path=path, checksum=checksum))
        session.flush()
    refuse_rows(session, job_id, [asdict_of(refusal) for refusal in stage.refusals])
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.read_rows < stage.rows)
        .values(
            read_rows=stage.rows,
            read_failed=stage.failed,
            read_bytes=stage.position,
            attempts=0,
            waiting=None,
            waits=0,
        )
    )


def end_reading(session: Session, held: Lease, rows: int) -> None:
    """Note that the whole file is staged; it had `rows` rows."""
    hold_lease(session, held)
    session.execute(
        update(Job)
        .where(Job.id == held.job.id)
        .values(
            rows=rows,
            read_bytes=Job.file_size,
            read_at=func.now(),
            lease_token=None,
            lease_until=None,
            attempts=0,
        )
    )
