"""What the imports service asks of customers: the import target, and chunks of rows to apply."""

from typing import Any
from uuid import UUID

from flask import Blueprint, request

from services.customers.bulk import receipts
from services.customers.bulk.dry_run import dry_run_customers
from services.customers.bulk.job import ImportJob, check_kind
from services.customers.bulk.target import customers_target
from shared.db import unit_of_work
from shared.errors import Invalid
from shared.web import internal

blueprint = Blueprint("bulk", __name__)


@blueprint.get("/internal/import-targets/<kind>")
@internal()
def import_target(kind: str) -> dict[str, Any]:
    """Tell what an import of this kind may contain."""
    check_kind(kind)
    return customers_target()


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>")
@internal()
def apply_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Apply a chunk exactly once."""
    job = ImportJob.from_header(job_id, request.headers.get("Liaison-Job", ""))
    checksum = request.headers.get("Liaison-Checksum", "")
    checked = receipts.read_chunk(request.get_data(cache=False), checksum)
    with unit_of_work() as session:
        receipts.open_fence(session, job_id)
    with unit_of_work() as session:
        return receipts.apply_chunk(session, job, chunk_no, checksum, checked)


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/check")
@internal()
def check_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Tell what would become of a chunk; nothing is written."""
    job = ImportJob.from_header(job_id, request.headers.get("Liaison-Job", ""))
    checked = receipts.read_chunk(request.get_data(cache=False), request.headers.get("Liaison-Checksum", ""))
    with unit_of_work() as session:
        return dry_run_customers(session, job, checked)


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/void")
@internal()
def void_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Let a chunk never be applied."""
    with unit_of_work() as session:
        return {"answer": receipts.void_chunk(session, job_id, chunk_no)}


@blueprint.post("/internal/jobs/<uuid:job_id>/fence")
@internal()
def close_fence(job_id: UUID) -> dict[str, Any]:
    """Let no further chunk of a job be applied."""
    with unit_of_work() as session:
        return {"applied": receipts.close_fence(session, job_id)}


@blueprint.post("/internal/jobs/<uuid:job_id>/finish")
@internal()
def finish_job(job_id: UUID) -> dict[str, Any]:
    """Tidy up after a job."""
    told = request.get_json(silent=True)
    if not isinstance(told, dict) or not isinstance(told.get("kind"), str):
        raise Invalid("Say the kind of the job.", fields={"kind": ["Needed."]})
    check_kind(told["kind"])
    with unit_of_work() as session:
        receipts.finish_job(session, job_id)
    return {}
