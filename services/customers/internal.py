"""What the imports service asks of customers: the import target, chunks of rows to apply, and exports."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

import structlog
from flask import Blueprint, Response, current_app, request, stream_with_context
from sqlalchemy.orm import Session

from services.customers.bulk import receipts
from services.customers.bulk.dry_run import dry_run_rows
from services.customers.bulk.export import ExportForm, count_export, stream_export
from services.customers.bulk.export_target import export_target
from services.customers.bulk.kinds import KEYS, kind_of
from services.customers.bulk.selection import stream_snapshot
from services.customers.bulk.undo import AskedLinks, LinksTakenBack
from services.customers.bulk.wishes import with_wishes
from services.customers.domain import tidying
from services.customers.domain.accounts import account_meant
from services.customers.domain.copies import associate_meant
from services.customers.domain.search import SearchQuery
from services.customers.domain.selections import get_selection, get_snapshot
from services.customers.schemas.exports import ExportIn
from services.customers.schemas.search import search_query
from shared.db import read_only, unit_of_work
from shared.http import ServiceClient, ServiceUnavailable, client_of
from shared.importing.job import ImportJob, UndoJob, check_kind, kind_told
from shared.importing.rows import CheckedRows
from shared.web import internal
from shared.worker import nudge

blueprint = Blueprint("bulk", __name__)

ASSOCIATES_SECONDS = 15.0
log = structlog.get_logger("bulk")


@blueprint.get("/internal/import-targets/<kind>")
@internal()
def import_target(kind: str) -> dict[str, Any]:
    """Tell what an import of this kind may contain."""
    return kind_of(kind).target()


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>")
@internal()
def apply_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Apply a chunk exactly once."""
    job = ImportJob.from_header(job_id, request.headers.get("Liaison-Job", ""), KEYS)
    checksum = request.headers.get("Liaison-Checksum", "")
    checked = _read_chunk(job, checksum)
    with unit_of_work() as session:
        receipts.open_fence(session, job_id)
    with unit_of_work() as session:
        return receipts.apply_chunk(session, job, chunk_no, checksum, checked)


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/check")
@internal()
def check_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Tell what would become of a chunk; nothing is written."""
    job = ImportJob.from_header(job_id, request.headers.get("Liaison-Job", ""), KEYS)
    checked = _read_chunk(job, request.headers.get("Liaison-Checksum", ""))
    with unit_of_work() as session:
        return dry_run_rows(session, job, checked, kind_of(job.kind).look)


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/void")
@internal()
def void_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Let a chunk never be applied."""
    with unit_of_work() as session:
        return {"answer": receipts.void_chunk(session, job_id, chunk_no)}


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/undo")
@internal()
def undo_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Take back what a chunk did, once."""
    job = UndoJob.from_json(job_id, chunk_no, request.get_json(silent=True), KEYS)
    with unit_of_work() as session:
        asked = receipts.asked_for_links(session, job)
    links = _take_links_back(job, asked) if asked.accounts else None
    with unit_of_work() as session:
        return receipts.undo_chunk(session, job, links)


@blueprint.post("/internal/jobs/<uuid:job_id>/fence")
@internal()
def close_fence(job_id: UUID) -> dict[str, Any]:
    """Let no further chunk of a job be applied, and tell the numbers of those that were."""
    with unit_of_work() as session:
        return {"applied": receipts.close_fence(session, job_id)}


@blueprint.post("/internal/jobs/<uuid:job_id>/finish")
@internal()
def finish_job(job_id: UUID) -> dict[str, Any]:
    """Have a worker tidy up after a job that changed much: nobody waits for it, and it may be lost."""
    check_kind(kind_told(request.get_json(silent=True)), KEYS)
    with read_only() as session:
        is_wanted = receipts.has_changed_much(session, job_id)
    if is_wanted:
        nudge(current_app.extensions["liaison.celery"], tidying.TASK, queue="customers.events")
    return {}


def _read_chunk(job: ImportJob, checksum: str) -> CheckedRows:
    """Return the rows that this request brings; associates is asked who is meant where they name associates."""
    checked = receipts.read_chunk(request.get_data(cache=False), checksum, job.kind)
    return with_wishes(checked, job, _who_is_meant)


def _who_is_meant(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask associates whom rows mean; then read its feed, since rows are compared with the links that are known here.

    Where the feed stands still, the chunk waits: its rows are not at fault.
    """
    answer: dict[str, Any] = _associates().post("/internal/associates/resolve", json=asked)
    try:
        current_app.extensions["customers.read_associates"](_associates())
    except ServiceUnavailable:
        raise
    except Exception as error:
        log.exception("feed is not read", owner="associates")
        raise ServiceUnavailable("associates", type(error).__name__) from error
    return answer


def _take_links_back(job: UndoJob, asked: AskedLinks) -> LinksTakenBack:
    """Have associates take back what a chunk asked for; before the chunk, so that its customers can go."""
    told = {"actor_id": str(job.actor_id), "actor_name": job.actor_name, **asdict(asked)}
    return LinksTakenBack.from_json(_associates().post(f"/internal/wishes/{job.id}/{job.chunk_no}/undo", json=told))


def _associates() -> ServiceClient:
    return client_of("associates", seconds=ASSOCIATES_SECONDS)


@blueprint.get("/internal/export-targets/<kind>")
@internal()
def describe_export(kind: str) -> dict[str, Any]:
    """Tell what an export of this kind may contain."""
    return export_target(kind).to_json()


@blueprint.post("/internal/exports/<kind>/check")
@internal()
def check_export(kind: str) -> dict[str, Any]:
    """Refuse an export that is asked for wrongly, before it is looked for."""
    asked = _asked()
    export_target(kind).chosen(asked["columns"])
    with read_only() as session:
        _query(session, asked)
    return {}


@blueprint.post("/internal/exports/<kind>/count")
@internal()
def count_rows(kind: str) -> dict[str, int]:
    """Tell how many rows an export would have now."""
    asked = _asked()
    with read_only() as session:
        return {"rows": count_export(session, kind, _query(session, asked))}


@blueprint.post("/internal/exports/<kind>")
@internal()
def export_rows(kind: str) -> Response:
    """Send an export as CSV, as it comes."""
    asked = _asked()
    columns = export_target(kind).chosen(asked["columns"])
    form = ExportForm(columns, asked["delimiter"], asked["bom"])
    with read_only() as session:
        query = _query(session, asked)  # what is refused is so before the first byte

    def pieces() -> Iterator[bytes]:
        with read_only(one_moment=True) as session:
            yield from stream_export(session, kind, query, form)

    return Response(stream_with_context(_begun(pieces())), content_type="text/csv; charset=utf-8")


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Make the first piece at once, so that what is refused on the way to it is still an answer."""
    first = next(pieces)

    def all_of_them() -> Iterator[bytes]:
        yield first
        yield from pieces

    return all_of_them()


def _query(session: Session, asked: dict[str, Any]) -> SearchQuery:
    wanted = asked["filter"]
    associate = associate_meant(session, wanted.get("associate"), wanted.get("associate_role"))
    return search_query(wanted, associate, account_meant(session, wanted.get("account")))


@blueprint.get("/internal/snapshots/<uuid:snapshot_id>")
@internal()
def about_snapshot(snapshot_id: UUID) -> dict[str, Any]:
    """Tell how many customers a snapshot has."""
    with read_only() as session:
        snapshot = get_snapshot(session, snapshot_id)
        source = get_selection(session, snapshot.selection_id).source
    counts = {name: snapshot.report[name] for name in ("active", "inactive")}
    return {"selection_id": str(snapshot.selection_id), "source": source, **counts}


@blueprint.post("/internal/snapshots/<uuid:snapshot_id>/accounts")
@internal()
def snapshot_accounts(snapshot_id: UUID) -> Response:
    """Send the customers of a snapshot as CSV, as they come."""
    told = request.get_json(silent=True)
    inactive = isinstance(told, dict) and told.get("inactive") is True
    with read_only() as session:
        get_snapshot(session, snapshot_id)

    def pieces() -> Iterator[bytes]:
        with read_only() as session:
            yield from stream_snapshot(session, snapshot_id, inactive=inactive)

    return Response(stream_with_context(pieces()), content_type="text/csv; charset=utf-8")


def _asked() -> dict[str, Any]:
    asked: dict[str, Any] = ExportIn().load(request.get_json(silent=True) or {})
    return asked
