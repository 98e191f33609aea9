"""Sending chunks to their owner, and splitting those that keep failing."""

import hashlib
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from celery import shared_task
from structlog.contextvars import bound_contextvars

from services.imports.domain import chunks, leases, undoing
from services.imports.domain.chunks import Claim, Half
from services.imports.domain.jobs import fail_job
from services.imports.domain.owners import is_away
from services.imports.domain.reading_jobs import write_chunk
from services.imports.errors import StorageFull
from services.imports.tasks.surroundings import lease, owners, storage
from services.imports.wakeups import wake_ender, wake_sender
from shared.db import after_commit, unit_of_work
from shared.errors import DomainError
from shared.http import ServiceUnavailable
from shared.observe import request_id

SECONDS = 10.0
MOST_SPLITS = 500
NO_ROOM = "There is no room left in the file store. The import goes on by itself when there is."
log = structlog.get_logger("sending")


@shared_task(name="imports.send_chunks")
def send_chunks(queue: str) -> None:
    """Send due chunks of `queue` until none is left or others should have their turn."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with unit_of_work() as session:
            claim = chunks.claim_chunk(session, queue, lease())
        if claim is None:
            return
        with bound_contextvars(request_id=claim.request_id or request_id(), job=str(claim.job_id)):
            _send(claim, queue)
    wake_sender(queue)


def _send(claim: Claim, queue: str) -> None:
    if claim.undoes:
        _undo(claim, queue)
        return
    with _told_on_job(claim):
        owner, body = owners().of(claim.kind), _body_of(claim)
        answer = owner.check(claim, body) if claim.checks else owner.apply(claim, body)
        with unit_of_work() as session:
            chunks.complete_chunk(session, claim, answer)
            if leases.is_done(session, claim.job_id):
                after_commit(session, lambda: wake_ender(claim.job_id, queue))


def _undo(claim: Claim, queue: str) -> None:
    owner = owners().of(claim.kind)
    try:
        answer = owner.undo(claim)
    except ServiceUnavailable as error:
        log.warning("chunk not taken back", job=str(claim.job_id), no=claim.no, reason=error.reason)
        with unit_of_work() as session:
            chunks.wait_for_owner(session, claim, waiting_for(error.away))
    except DomainError as error:
        with unit_of_work() as session:
            if chunks.holds(session, claim):
                chunks.wait_for_owner(session, claim, error.sentence)
                undoing.stop_undo(session, claim.job_id, error.sentence)
    else:
        with unit_of_work() as session:
            undoing.complete_undo(session, claim, answer)
            if leases.is_done(session, claim.job_id):
                after_commit(session, lambda: wake_ender(claim.job_id, queue))


@contextmanager
def _told_on_job(claim: Claim) -> Iterator[None]:
    """Let the job of a chunk tell what hinders it: it waits for what comes back by itself, and stops over the rest."""
    try:
        yield
    except ServiceUnavailable as error:
        _try_later(claim, error)
    except StorageFull:
        with unit_of_work() as session:
            chunks.wait_for_owner(session, claim, NO_ROOM)
    except FileNotFoundError:
        _stop(claim, "chunk_file_lost", "A part of this file was lost in the file store. Import the file again.")
    except DomainError as error:
        if error.code != "fence_closed":  # then whoever cancels the job settles the chunk
            _stop(claim, error.code, error.sentence)


def _body_of(claim: Claim) -> bytes:
    """Return the chunk as it was staged; raise FileNotFoundError when it is gone or damaged."""
    body = storage().read(claim.path)
    if hashlib.sha256(body).hexdigest() != claim.checksum:
        raise FileNotFoundError(claim.path)
    return body


def _try_later(claim: Claim, error: ServiceUnavailable) -> None:
    log.warning("chunk not applied", job=str(claim.job_id), no=claim.no, reason=error.reason)
    with unit_of_work() as session:
        if is_away(error) or claim.token is None:
            chunks.wait_for_owner(session, claim, waiting_for(error.away))
        else:
            chunks.give_back(session, claim, error.sentence)


def waiting_for(name: str) -> str:
    """Return the sentence for people whose job waits for a service."""
    return f"Waiting for the {name} service, which does not answer just now. It goes on by itself."


def _stop(claim: Claim, code: str, sentence: str) -> None:
    with unit_of_work() as session:
        if chunks.holds(session, claim):
            fail_job(session, claim.job_id, code, sentence)


@shared_task(name="imports.split_chunk")
def split_chunk(job_id: str, no: int) -> None:
    """Split a chunk that failed again and again, until the row that is the reason stands alone and is refused."""
    with unit_of_work() as session:
        claim = chunks.get_poisoned(session, uuid.UUID(job_id), no)
        if claim is None:
            return
        if chunks.voided_chunks(session, claim.job_id) >= MOST_SPLITS:
            sentence = f"The {owners().of(claim.kind).name} service failed on too many rows of this file."
            fail_job(session, claim.job_id, "owner_keeps_failing", sentence)
            return
    with bound_contextvars(request_id=claim.request_id or request_id(), job=job_id), _told_on_job(claim):
        answer = None if claim.checks else owners().of(claim.kind).void(claim.job_id, no)
        if answer is not None:
            with unit_of_work() as session:
                chunks.settle_applied(session, claim.job_id, no, answer)
        else:
            _split(claim)


def _split(claim: Claim) -> None:
    from services.imports.domain.staging import chunk_file, halves, places_of

    first, second = halves(_body_of(claim))
    if not second.height:
        with unit_of_work() as session:
            chunks.refuse_rest(session, claim, places_of(first))
        return
    made = []
    for name, frame in (("a", first), ("b", second)):
        folder = claim.path.rpartition("/")[0]
        path, checksum = write_chunk(storage(), folder, f"{claim.no}{name}", chunk_file(frame))
        made.append(Half(frame.height, path, checksum))
    with unit_of_work() as session:
        chunks.split_chunk(session, claim, made)
