"""What beat has done every few seconds, and once a day."""

from celery import shared_task

from services.imports.domain import reconciling, sweeping, writing
from services.imports.tasks.surroundings import storage
from services.imports.wakeups import wake_ender, wake_reader, wake_sender, wake_splitter, wake_writer
from shared.db import unit_of_work

SENDERS = 4


@shared_task(name="imports.reconcile")
def reconcile() -> None:
    """Pick up what is due and was left lying."""
    with unit_of_work() as session:
        due = reconciling.reconcile(session)
        exports = writing.due_exports(session) if due is not None else []
    if due is None:
        return
    for export_id, queue in exports:
        wake_writer(export_id, queue)
    for job_id, queue in due.read:
        wake_reader(job_id, queue)
    for job_id, queue in due.end:
        wake_ender(job_id, queue)
    for job_id, no in due.split:
        wake_splitter(job_id, no)
    for queue, count in due.chunks.items():
        for _ in range(min(count, SENDERS)):
            wake_sender(queue)


@shared_task(name="imports.sweep_files", acks_late=False, soft_time_limit=600, time_limit=630)
def sweep_files() -> None:
    """Remove files that nobody needs any more."""
    with unit_of_work() as session:
        sweeping.sweep_files(session, storage())


@shared_task(name="imports.sweep_exports", acks_late=False, soft_time_limit=300, time_limit=330)
def sweep_exports() -> None:
    """Remove the files of exports whose link has come to its end."""
    with unit_of_work() as session:
        writing.sweep_exports(session, storage())
