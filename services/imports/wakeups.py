"""Wake-up calls for workers. Each may be lost: the reconciler finds what is due in the tables."""

import uuid
from typing import Any

from flask import current_app

from shared.worker import nudge

SECONDS = 30


def wake_job(job: Any) -> None:
    """Have a job worked on that was just started: its file read or, if that was done before, its chunks sent."""
    if job.read_at is None:
        wake_reader(job.id, job.queue)
    else:
        wake_sender(job.queue)
        wake_ender(job.id, job.queue)  # it may have no chunk


def wake_reader(job_id: uuid.UUID, queue: str) -> None:
    """Have the file of a job read."""
    _wake("imports.read_file", str(job_id), queue=queue)


def wake_sender(queue: str) -> None:
    """Have due chunks sent."""
    _wake("imports.send_chunks", queue, queue=queue)


def wake_undo(job_id: uuid.UUID, queue: str) -> None:
    """Have a job taken back that was just asked for; it may have no chunk left to take back."""
    wake_sender(queue)
    wake_ender(job_id, queue)


def wake_splitter(job_id: uuid.UUID, no: int) -> None:
    """Have a chunk split that keeps failing."""
    _wake("imports.split_chunk", str(job_id), no, queue="short")


def wake_ender(job_id: uuid.UUID, queue: str) -> None:
    """Have a job brought to its end."""
    _wake("imports.end_job", str(job_id), queue=queue)


def wake_writer(export_id: uuid.UUID, queue: str) -> None:
    """Have an export written."""
    _wake("imports.write_export", str(export_id), queue=queue)


def _wake(task: str, *args: object, queue: str) -> None:
    nudge(current_app.extensions["liaison.celery"], task, *args, queue=f"imports.{queue}", expires=SECONDS)
