"""Reading the file of a job into chunks, which are sent while the rest is being read."""

import uuid

import structlog
from celery import shared_task
from structlog.contextvars import bound_contextvars

from services.imports.domain import chunks, leases
from services.imports.domain.jobs import fail_job
from services.imports.domain.leases import Lease
from services.imports.domain.mass_changes import fetch_customers
from services.imports.domain.reading_jobs import add_stage, chunk_folder, end_reading, staged_numbers, write_chunk
from services.imports.errors import LeaseLost, StorageFull
from services.imports.tasks.sending import NO_ROOM, waiting_for
from services.imports.tasks.surroundings import kept_lease, lease, mass_change_peers, owners, rest, storage
from services.imports.wakeups import wake_ender, wake_sender
from shared.db import after_commit, unit_of_work
from shared.errors import DomainError
from shared.http import ServiceUnavailable
from shared.observe import request_id

MINUTES = 60
log = structlog.get_logger("reading")


@shared_task(name="imports.read_file", acks_late=False, soft_time_limit=MINUTES * 60, time_limit=MINUTES * 60 + 30)
def read_file(job_id: str) -> None:
    """Stage the file of a job from its beginning; chunks that an earlier reader staged stay as they are."""
    with unit_of_work() as session:
        held = leases.begin_reading(session, uuid.UUID(job_id), lease())
    if held is None:
        return
    try:
        with kept_lease(held), bound_contextvars(request_id=held.job.request_id or request_id(), job=job_id):
            _stage(held)
    except LeaseLost:
        log.info("reading stopped", job=job_id)
    except ServiceUnavailable:
        rest(held, waiting_for(owners().of(held.job.kind).name))
    except StorageFull:
        rest(held, NO_ROOM)
    except DomainError as error:
        _fail(held, error)
    except Exception:
        rest(held, "Reading the file was interrupted. It goes on by itself.", counts=True)
        raise


def _fail(held: Lease, error: DomainError) -> None:
    try:
        with unit_of_work() as session:
            job = leases.hold_lease(session, held)
            fail_job(session, job.id, error.code, error.sentence)
            after_commit(session, lambda: wake_ender(job.id, job.queue))
    except LeaseLost:
        log.info("reading stopped", job=str(held.job.id))


def _stage(held: Lease) -> None:
    from services.imports.domain.file_reader import FileReader
    from services.imports.domain.staging import chunk_file

    job = held.job
    if job.change and not job.file_size:
        with unit_of_work() as session:
            fetch_customers(session, held, storage(), mass_change_peers())
    with unit_of_work() as session:
        known = staged_numbers(session, job.id)
    with storage().open(job.file_path) as file:
        reader = FileReader(job, owners().of(job.kind).target(), file, storage())
        for stage in reader.stages():
            if stage.no in known:
                continue
            stored = None
            if stage.frame is not None:
                stored = write_chunk(storage(), chunk_folder(job), str(stage.no), chunk_file(stage.frame))
            with unit_of_work() as session:
                add_stage(session, held, stage, stored)
                if stored and chunks.none_leased(session, job.id):
                    after_commit(session, lambda: wake_sender(job.queue))
    with unit_of_work() as session:
        end_reading(session, held, reader.rows)
        done = leases.is_done(session, job.id)
        after_commit(session, lambda: wake_ender(job.id, job.queue) if done else wake_sender(job.queue))
