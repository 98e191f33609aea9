"""What the imports service asks of portal: the import target, and chunks of users to apply, check and take back.

Chunks of users are small and rare beside those of customers, and each row is saved as the screen saves it, so they are
applied in the process that draws the screens (docs/add-an-import-target.md). Whatever reads rows is loaded with the
first chunk: it takes 40 MB, which most of the time nobody needs.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, request

from services.portal.bulk.target import KEYS, users_target
from services.portal.bulk.undo import undo_users
from services.portal.models import JobFence, Receipt, UndoReceipt
from shared import bulk
from shared.db import unit_of_work
from shared.importing.job import ImportJob, UndoJob, check_kind
from shared.web import internal

if TYPE_CHECKING:
    from services.portal.bulk.rows import CheckedRows

blueprint = Blueprint("bulk", __name__)


@blueprint.get("/internal/import-targets/<kind>")
@internal()
def import_target(kind: str) -> dict[str, Any]:
    """Tell what an import of users may contain."""
    check_kind(kind, KEYS)
    return users_target()


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>")
@internal()
def apply_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Apply a chunk exactly once."""
    from services.portal.bulk.chunk import apply_rows

    job, checked = _asked(job_id, chunk_no)
    with unit_of_work() as session:
        bulk.open_fence(session, JobFence, job_id)
    checksum = request.headers.get("Liaison-Checksum", "")
    with unit_of_work() as session:
        return bulk.apply_chunk(
            session, JobFence, Receipt, job_id, chunk_no, checksum, lambda inner: apply_rows(inner, job, checked)
        )


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/check")
@internal()
def check_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Tell what would become of a chunk; nothing is kept."""
    from services.portal.bulk.chunk import dry_run_rows

    job, checked = _asked(job_id, chunk_no)
    with unit_of_work() as session:
        return dry_run_rows(session, job, checked)


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/void")
@internal()
def void_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Let a chunk never be applied."""
    with unit_of_work() as session:
        return {"answer": bulk.void_chunk(session, JobFence, Receipt, job_id, chunk_no)}


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/undo")
@internal()
def undo_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Take back what a chunk did, once."""
    job = UndoJob.from_json(job_id, chunk_no, request.get_json(silent=True), KEYS)
    with unit_of_work() as session:
        return bulk.undo_chunk(session, Receipt, UndoReceipt, job_id, chunk_no, lambda inner, _: undo_users(inner, job))


@blueprint.post("/internal/jobs/<uuid:job_id>/fence")
@internal()
def close_fence(job_id: UUID) -> dict[str, Any]:
    """Let no further chunk of a job be applied, and tell the numbers of those that were."""
    with unit_of_work() as session:
        return {"applied": bulk.close_fence(session, JobFence, Receipt, job_id)}


@blueprint.post("/internal/jobs/<uuid:job_id>/finish")
@internal()
def finish_job(job_id: UUID) -> dict[str, Any]:
    """Nothing is left to be done after the users of a job were saved."""
    return {}


def _asked(job_id: UUID, chunk_no: int) -> "tuple[ImportJob, CheckedRows]":
    from services.portal.bulk.rows import check_rows
    from shared.importing.rows import read_chunk

    job = ImportJob.from_header(job_id, request.headers.get("Liaison-Job", ""), KEYS)
    frame = read_chunk(request.get_data(cache=False), request.headers.get("Liaison-Checksum", ""))
    return replace(job, chunk_no=chunk_no), check_rows(frame.columns, frame.to_dicts())
