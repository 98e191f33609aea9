"""How a worker brings an export to its end: by lease, from the beginning each time, waiting where it must."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from services.imports.domain.exports import LINK, OPEN, finished
from services.imports.errors import LeaseLost
from services.imports.models import Export, Outbox
from shared.outbox import record
from shared.storage import Storage

FOLDER = "exports"
SHORT_ROWS = 20_000  # more of them are for the long queue
MOST_ATTEMPTS = 5
DEADLINE = timedelta(hours=24)


@dataclass(frozen=True)
class Writing:
    """An export that is ours to write, as long as its token is this one."""

    export: Export
    token: uuid.UUID

    @property
    def path(self) -> str:
        """Where this attempt puts the file: no other one does."""
        return f"{folder_of(self.export.id)}/{self.token}.csv"


def folder_of(export_id: uuid.UUID) -> str:
    """Return the folder of everything that an export stores."""
    return f"{FOLDER}/{export_id}"


def begin_writing(session: Session, export_id: uuid.UUID, lease: timedelta) -> Writing | None:
    """Lease an export that is to be written; None when there is nothing to do or somebody does it."""
    token = uuid.uuid4()
    taken = session.execute(
        update(Export)
        .where(Export.id == export_id, is_due())
        .values(
            state="running",
            lease_token=token,
            lease_until=func.now() + lease,
            attempts=Export.attempts + 1,
            started_at=func.now(),
            waiting=None,
            resume_at=None,
        )
        .returning(Export.id)
    ).scalar_one_or_none()
    return Writing(session.get_one(Export, taken, populate_existing=True), token) if taken else None


def keep_writing(session: Session, held: Writing, lease: timedelta) -> bool:
    """Make the lease last from now on; False when the export was stopped or passed to somebody else."""
    return _change(session, held, lease_until=func.clock_timestamp() + lease)


def note_rows(session: Session, held: Writing, rows: int) -> None:
    """Tell how far it is; raise LeaseLost when it is not ours any more. What was told never falls."""
    if not _change(session, held, rows=func.greatest(Export.rows, rows), waits=0):
        raise LeaseLost


def expect_rows(session: Session, held: Writing, rows: int) -> bool:
    """Note how many rows there will be; True when that is too much for its queue, and it was given to the long one."""
    passes_on = held.export.queue == "short" and rows > SHORT_ROWS
    values: dict[str, Any] = {"expected": rows}
    if passes_on:
        values |= {"queue": "long", "state": "queued", "lease_token": None, "lease_until": None, "attempts": 0}
    if not _change(session, held, **values):
        raise LeaseLost
    return passes_on


def end_writing(session: Session, held: Writing, rows: int, size: int) -> Export:
    """Give out the file, and tell the world; raise LeaseLost when the export is not ours any more."""
    return _end(session, held, state="completed", rows=rows, file_path=held.path, file_size=size, expires=LINK)


def fail_writing(session: Session, held: Writing, code: str, sentence: str) -> Export:
    """End an export that cannot be written."""
    return _end(session, held, state="failed", failure_code=code, failure=sentence)


def rest_writing(session: Session, held: Writing, sentence: str, *, counts: bool) -> None:
    """Let an export be for 1, 2, 4 ... 30 seconds, telling people why; `counts` as an attempt that went wrong."""
    pause = func.least(30, func.power(2, func.least(Export.waits, 5)))
    _change(
        session,
        held,
        state="queued",
        lease_token=None,
        lease_until=None,
        attempts=Export.attempts if counts else func.greatest(Export.attempts - 1, 0),
        waits=Export.waits + 1,
        waiting=sentence,
        resume_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, pause),
    )


def due_exports(session: Session) -> list[tuple[uuid.UUID, str]]:
    """Return the exports, with their queues, that wait for a writer; those without any hope are failed instead."""
    _give_up(session, Export.attempts >= MOST_ATTEMPTS, "interrupted", "Writing this file broke off again and again.")
    late = Export.created_at < func.now() - DEADLINE
    _give_up(session, late, "deadline_passed", "This export was not done within a day, so it was stopped.")
    rows = session.execute(select(Export.id, Export.queue).where(is_due()).order_by(Export.id))
    return [(row.id, row.queue) for row in rows]


def sweep_exports(session: Session, storage: Storage) -> int:
    """Remove the files of exports whose link has ended, and of those that came to nothing; return how many."""
    found = {export_id: name for name in storage.names(FOLDER) if (export_id := _id(name))}
    over = or_(Export.state != "completed", Export.expires_at <= func.now())
    ended = select(Export.id).where(Export.id.in_(list(found)), Export.finished_at.is_not(None), over)
    gone = session.execute(ended).scalars().all()
    for export_id in gone:
        storage.delete(folder_of(export_id))
    session.execute(update(Export).where(Export.id.in_(gone)).values(file_path=None))
    return len(gone)


def _end(session: Session, held: Writing, *, expires: timedelta | None = None, **values: Any) -> Export:
    ended: dict[str, Any] = {
        "finished_at": func.now(),
        "lease_token": None,
        "lease_until": None,
        "waiting": None,
        "resume_at": None,
    }
    if expires is not None:
        ended["expires_at"] = func.now() + expires
    if not _change(session, held, **ended, **values):
        raise LeaseLost
    export = session.get_one(Export, held.export.id, populate_existing=True)
    record(session, Outbox, finished(export))
    return export


def _change(session: Session, held: Writing, **values: Any) -> bool:
    """Write under the lease; False when it is gone."""
    changed = session.execute(
        update(Export)
        .where(Export.id == held.export.id, Export.lease_token == held.token)
        .values(**values)
        .returning(Export.id)
    )
    return changed.first() is not None


def _give_up(session: Session, condition: Any, code: str, sentence: str) -> None:
    hopeless = session.execute(
        update(Export)
        .where(Export.state.in_(OPEN), condition, _is_free())
        .values(state="failed", failure_code=code, failure=sentence, finished_at=func.now(), waiting=None)
        .returning(Export.id)
    ).scalars()
    for export_id in hopeless.all():
        record(session, Outbox, finished(session.get_one(Export, export_id, populate_existing=True)))


def _is_free() -> Any:
    return or_(Export.lease_until.is_(None), Export.lease_until < func.now())


def is_due() -> Any:
    """The condition of an export that waits for a writer."""
    rested = or_(Export.resume_at.is_(None), Export.resume_at <= func.now())
    return and_(Export.state.in_(OPEN), _is_free(), rested)


def _id(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None
