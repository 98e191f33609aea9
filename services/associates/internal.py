"""What the imports service asks of associates: chunks of mass changes to apply and to take back."""

import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, request

from services.associates.bulk import receipts
from services.associates.bulk.job import MassChange, UndoJob, check_kind, read_customers, target
from services.associates.domain.links import working_associates
from services.associates.schemas.changes import ChangeCheck
from services.associates.surroundings import account_names
from shared.db import read_only, unit_of_work
from shared.errors import Invalid
from shared.web import internal

blueprint = Blueprint("bulk", __name__)


@blueprint.get("/internal/import-targets/<kind>")
@internal()
def import_target(kind: str) -> dict[str, Any]:
    """Tell how the list of customers of a mass change is read."""
    check_kind(kind)
    return target()


@blueprint.post("/internal/changes/check")
@internal()
def check_change() -> dict[str, Any]:
    """Tell who the associates of a mass change are; refuse those who cannot be given work."""
    asked: dict[str, Any] = ChangeCheck().load(request.get_json(silent=True) or {})
    with read_only() as session:
        found = working_associates(session, asked["associate_ids"], also_inactive=asked["action"] == "remove")
    return {"associates": [{"id": str(one.id), "name": one.name} for one in found]}


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>")
@internal()
def apply_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Apply a chunk exactly once."""
    job = MassChange.from_header(job_id, request.headers.get("Liaison-Job", ""))
    checksum = request.headers.get("Liaison-Checksum", "")
    customers = read_customers(request.get_data(cache=False), checksum)
    with unit_of_work() as session:
        receipts.open_fence(session, job_id)
    with unit_of_work() as session:
        return receipts.apply_chunk(session, job, chunk_no, checksum, customers)


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
    job = UndoJob.from_json(job_id, chunk_no, request.get_json(silent=True))
    with unit_of_work() as session:
        return receipts.undo_chunk(session, job, _names)


@blueprint.post("/internal/jobs/<uuid:job_id>/fence")
@internal()
def close_fence(job_id: UUID) -> dict[str, Any]:
    """Let no further chunk of a job be applied."""
    with unit_of_work() as session:
        return {"applied": receipts.close_fence(session, job_id)}


@blueprint.post("/internal/jobs/<uuid:job_id>/finish")
@internal()
def finish_job(job_id: UUID) -> dict[str, Any]:
    """Write down what the whole job did."""
    told = request.get_json(silent=True)
    if not isinstance(told, dict) or not isinstance(told.get("kind"), str):
        raise Invalid("Say the kind of the job.", fields={"kind": ["Needed."]})
    check_kind(told["kind"])
    with unit_of_work() as session:
        receipts.finish_job(session, job_id)
    return {}


def _names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    return account_names(ids)
