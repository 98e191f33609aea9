"""An import is taken back, step by step, as a person asks for it."""

import uuid

from sqlalchemy import update

from services.imports import tasks
from services.imports.domain import undoing
from services.imports.domain.jobs import Viewer
from services.imports.domain.progress import FINAL
from shared.bulk import UNDO_COUNTS
from shared.db import read_only, unit_of_work
from tests.imports.owner import Thing
from tests.imports.seeing import now_due

UMA = Viewer(uuid.UUID("018f0000-0000-7000-8000-000000000c0c"), "Uma Undoer", sees_all=True)


def ask(job, viewer=UMA):
    with unit_of_work() as session:
        return undoing.request_undo(session, viewer, job.id, "203.0.113.9")


def work(job, see):
    """Do what workers do until the job has come to its end."""
    for _ in range(30):
        tasks.send_chunks.run(job.queue)
        tasks.end_job.run(str(job.id))
        now = see(job)
        if now.state in FINAL:
            return now
        now_due()
        tasks.reconcile.run()
    raise AssertionError(f"the undo hangs: {now.state}, {now.waiting}")


def undone(job):
    return tuple(getattr(job, name) for name in UNDO_COUNTS)


def kept(job):
    with read_only() as session:
        return sorted((one.label, one.field) for one in undoing.list_kept(session, UMA, job.id))


def touch(owner, *keys):
    """Change things as a person would."""
    with owner.engine.begin() as connection:
        connection.execute(update(Thing).where(Thing.key.in_(keys)).values(name="By hand", version=Thing.version + 1))
