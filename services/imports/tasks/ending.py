"""Bringing jobs to their end: done, cancelled or failed."""

import uuid
from collections.abc import Callable

import structlog
from celery import shared_task
from sqlalchemy.orm import Session

from services.imports.domain import chunks, ending, leases, promise, undoing
from services.imports.domain.leases import MOST_ATTEMPTS, Lease
from services.imports.domain.owners import Owner
from services.imports.domain.uploads import WORK, folder_of
from services.imports.errors import LeaseLost, StorageFull
from services.imports.tasks.sending import waiting_for
from services.imports.tasks.surroundings import kept_lease, lease, owners, rest, storage
from shared.db import read_only, unit_of_work
from shared.errors import NotFound
from shared.http import CallRefused, ServiceUnavailable

MINUTES = 60
log = structlog.get_logger("ending")


@shared_task(name="imports.end_job", acks_late=False, soft_time_limit=MINUTES * 60, time_limit=MINUTES * 60 + 30)
def end_job(job_id: str) -> None:
    """Settle what was applied, write the file of refused rows, and give the job its final state.

    A job that was only checked is made ready instead: its owner has nothing to settle. So it is when a job was taken
    back.
    """
    with unit_of_work() as session:
        held = leases.begin_ending(session, uuid.UUID(job_id), lease())
    if held is None:
        return
    try:
        with kept_lease(held):
            _end_or_wait(held)
    except LeaseLost:
        log.info("ending stopped", job=job_id)
    except StorageFull:
        rest(held, "There is no room left in the file store. The import ends by itself when there is.")
    except Exception:
        rest(held, "Bringing it to its end was interrupted. It is tried again by itself.", counts=True)
        raise


def _end_or_wait(held: Lease) -> None:
    end = {"checking": _end_check, "undoing": _end_undo}.get(held.job.state, _end)
    try:
        end(held)
    except ServiceUnavailable as error:
        if ending.is_hopeless(held.job):
            _end_alone(held, "owner_gone", f"The {error.away} service did not answer for two days.")
        else:
            rest(held, waiting_for(error.away))
    except (NotFound, CallRefused) as error:
        log.warning("the owner refuses the end of a job", job=str(held.job.id), code=error.code, reason=error.sentence)
        if ending.was_refused_often(held.job):
            _end_alone(held, "owner_refused", f"Bringing it to its end was refused again and again: {error.sentence}")
        else:
            rest(held, f"Bringing it to its end was refused and is tried again: {error.sentence}")


def _end(held: Lease) -> None:
    job = held.job
    with read_only() as session:
        sent = ending.was_sent(session, job.id)
    owner = owners().of(job.kind)
    if job.cancel_requested_at is not None:
        if sent:
            _settle_lost(held, owner)
        with unit_of_work() as session:
            ending.cancel_rest(session, held)
    if sent:
        owner.finish(job.id)
    _close(held)


def _close(held: Lease, before: Callable[[Session], None] = lambda _: None) -> None:
    """Give a job whose chunks are all closed, or are so by `before`, its counts, its error file and its final state."""
    job = held.job
    rows = _count_rows(held)
    path = _write_errors(held)
    with unit_of_work() as session:
        before(session)
        ending.end_job(session, held, rows, path)
    storage().delete(f"{folder_of(job.id)}/{WORK}")


def _settle_lost(held: Lease, owner: Owner) -> None:
    """Close the fence, then settle the chunks whose answers were lost, one by one: each may bring thousands of rows."""
    applied = set(owner.close_fence(held.job.id))
    with read_only() as session:
        lost = applied.intersection(chunks.open_chunks(session, held.job.id))
    for no in sorted(lost):
        answer = owner.void(held.job.id, no)
        if answer is not None:
            with unit_of_work() as session:
                ending.settle_lost(session, held, no, answer)


def _end_undo(held: Lease) -> None:
    owners().of(held.job.kind).finish(held.job.id)
    with unit_of_work() as session:
        undoing.end_undo(session, held)


def _end_check(held: Lease) -> None:
    job = held.job
    if job.cancel_requested_at is None:
        path = _write_errors(held)
        with unit_of_work() as session:
            promise.keep_promise(session, held, path)
        return
    rows = _count_rows(held)
    with unit_of_work() as session:
        promise.break_off(session, held)
        ending.end_job(session, held, rows, None)
    storage().delete(f"{folder_of(job.id)}/{WORK}")


def _end_alone(held: Lease, code: str, sentence: str) -> None:
    """End a job without its owner, which is away for too long or will not: a final state always comes."""
    log.error("a job is ended without its owner", job=str(held.job.id), code=code, reason=sentence)
    if held.job.state == "undoing":
        with unit_of_work() as session:
            undoing.end_undo(session, held, sentence)
    else:
        _close(held, lambda session: ending.give_up(session, held, code, sentence))


def _write_errors(held: Lease) -> str | None:
    """Write the refused rows as they were; a job whose end fails again and again ends without them."""
    if _fails_over_its_file(held):
        log.error("no error file", job=str(held.job.id))
        return None
    with read_only() as session:
        if not ending.has_refusals(session, held.job.id):
            return None
        from services.imports.domain.file_reader import write_error_file

        return write_error_file(session, storage(), held)


def _count_rows(held: Lease) -> int:
    """Return how many rows the file has; of a job whose end fails again and again, how many were read."""
    job = held.job
    if job.rows is not None:
        return job.rows
    if _fails_over_its_file(held):
        log.error("rows not counted", job=str(job.id))
        return job.read_rows
    from services.imports.domain.file_reader import count_rows

    return count_rows(storage(), job)


def _fails_over_its_file(held: Lease) -> bool:
    return held.job.attempts > MOST_ATTEMPTS
