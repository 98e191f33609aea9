"""Reading the file of a job into chunks, under the job's lease."""

import hashlib
import uuid

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.imports.domain.chunks import asdict_of, refuse_rows
from services.imports.domain.leases import hold_lease
from services.imports.domain.staging import Stage, chunk_file
from services.imports.domain.uploads import folder_of, room_for_it
from services.imports.errors import LeaseLost
from services.imports.models import Chunk, Job
from shared.storage import Storage


def staged_numbers(session: Session, job_id: uuid.UUID) -> set[int]:
    """Return the numbers of the chunks that an earlier reader of the same file has staged."""
    return set(session.execute(select(Chunk.no).where(Chunk.job_id == job_id)).scalars())


def write_chunk(storage: Storage, job_id: uuid.UUID, name: str, body: bytes) -> tuple[str, str]:
    """Store a chunk file and return its path and checksum."""
    path = f"{folder_of(job_id)}/chunks/{name}.arrow"
    with room_for_it():
        storage.write(path, body)
    return path, hashlib.sha256(body).hexdigest()


def store_stage(storage: Storage, job_id: uuid.UUID, stage: Stage) -> tuple[str, str] | None:
    """Write the chunk of a stage, if it has one."""
    if stage.frame is None:
        return None
    return write_chunk(storage, job_id, str(stage.no), chunk_file(stage.frame))


def add_stage(
    session: Session, job_id: uuid.UUID, token: uuid.UUID, stage: Stage, stored: tuple[str, str] | None
) -> None:
    """Make a stage part of the job: its chunk is due from now on; raise LeaseLost when the reader has to stop."""
    job = hold_lease(session, job_id, token)
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
        .values(read_rows=stage.rows, read_failed=stage.failed, read_bytes=stage.position, attempts=0)
    )


def end_reading(session: Session, job_id: uuid.UUID, token: uuid.UUID, rows: int) -> None:
    """Note that the whole file is staged; it had `rows` rows."""
    hold_lease(session, job_id, token)
    session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(
            rows=rows,
            read_bytes=Job.file_size,
            read_at=func.now(),
            lease_token=None,
            lease_until=None,
            attempts=0,
        )
    )
