"""What a person does with an export: ask for it, look at it, stop it, take its file."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.imports.domain.jobs import Viewer
from services.imports.errors import ExportEnded, ExportExpired, ExportNotFound, ExportNotReady
from services.imports.models import Export, Outbox
from shared.events.imports import ExportTaken, JobFinished
from shared.outbox import record

OPEN = ("queued", "running")
LINK = timedelta(hours=24)


@dataclass(frozen=True)
class Wish:
    """What was asked for: the list, by its filter, and how the file is to be written. No columns are the usual ones."""

    kind: str
    filter: Mapping[str, str] = field(default_factory=dict)
    columns: Sequence[str] = ()
    delimiter: str = ","
    bom: bool = True


def create_export(session: Session, viewer: Viewer, wish: Wish, ip: str = "") -> Export:
    """Note what was asked for; a worker does it."""
    export = Export(
        kind=wish.kind,
        filter={name: value for name, value in wish.filter.items() if value},
        columns=list(wish.columns),
        delimiter=wish.delimiter,
        bom=wish.bom,
        file_name=f"{wish.kind}-{datetime.now(UTC):%Y-%m-%d}.csv",
        created_by=viewer.user_id,
        created_by_name=viewer.name,
        created_ip=ip,
    )
    session.add(export)
    session.flush()
    return export


def get_export(session: Session, viewer: Viewer, export_id: uuid.UUID) -> Export:
    """Return an export that `viewer` may see; raise ExportNotFound otherwise."""
    export = session.get(Export, export_id)
    if export is None or not (viewer.sees_all or export.created_by == viewer.user_id):
        raise ExportNotFound
    return export


def list_exports(
    session: Session, viewer: Viewer, *, mine: bool = False, after: uuid.UUID | None = None, limit: int = 50
) -> list[Export]:
    """Return up to `limit` exports that `viewer` may see, the newest first, older than the export `after`."""
    query = select(Export).order_by(Export.id.desc()).limit(limit)
    if mine or not viewer.sees_all:
        query = query.where(Export.created_by == viewer.user_id)
    if after is not None:
        query = query.where(Export.id < after)
    return list(session.execute(query).scalars())


def last_wish(session: Session, viewer: Viewer, kind: str) -> Wish | None:
    """Return how this person had such a file written the last time."""
    last = session.execute(
        select(Export)
        .where(Export.created_by == viewer.user_id, Export.kind == kind)
        .order_by(Export.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return wish_of(last) if last else None


def wish_of(export: Export) -> Wish:
    """Return what was asked for."""
    return Wish(export.kind, export.filter, export.columns, export.delimiter, export.bom)


def cancel_export(session: Session, viewer: Viewer, export_id: uuid.UUID) -> Export:
    """Stop an export at once: whoever writes it finds the lease gone and lets go. Raise ExportEnded."""
    get_export(session, viewer, export_id)
    stopped = session.execute(
        update(Export)
        .where(Export.id == export_id, Export.state.in_(OPEN))
        .values(state="cancelled", finished_at=func.now(), lease_token=None, lease_until=None, waiting=None)
        .returning(Export.id)
    ).first()
    if stopped is None:
        raise ExportEnded
    export = session.get_one(Export, export_id, populate_existing=True)
    record(session, Outbox, finished(export))
    return export


def take_file(session: Session, viewer: Viewer, export_id: uuid.UUID, ip: str = "") -> Export:
    """Return the export whose file is taken, and note who did; raise ExportNotReady or ExportExpired."""
    export = get_export(session, viewer, export_id)
    if export.state != "completed":
        raise ExportNotReady(export.state)
    if is_expired(export):
        raise ExportExpired
    taken = ExportTaken(
        export_id=str(export.id),
        kind=export.kind,
        rows=export.rows,
        file_name=export.file_name,
        owner_name=export.created_by_name,
        actor_id=str(viewer.user_id),
        actor_name=viewer.name,
        at=datetime.now(UTC).isoformat(),
        ip=ip,
    )
    record(session, Outbox, taken)
    return export


def is_expired(export: Export) -> bool:
    """Tell whether the link has come to its end, be the file there still or not."""
    over = export.expires_at is None or export.expires_at <= datetime.now(UTC)
    return export.state == "completed" and (export.file_path is None or over)


def finished(export: Export) -> JobFinished:
    """Return the event of an export that came to its end."""
    return JobFinished(
        job_id=str(export.id),
        what="export",
        kind=export.kind,
        state=export.state,
        file_name=export.file_name,
        counts={"rows": export.rows},
        actor_id=str(export.created_by),
        actor_name=export.created_by_name,
        at=datetime.now(UTC).isoformat(),
        ip=export.created_ip,
        about=export.filter,
    )
