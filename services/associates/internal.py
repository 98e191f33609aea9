"""What is asked of associates for jobs: chunks of imports and of mass changes to apply and to take back.

Customers asks, too: who is meant by the rows of its imports, and to take back what such rows had asked for.

Whatever reads rows is loaded with the first chunk: it takes 40 MB, which most of the time nobody needs.
"""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Blueprint, request

from services.associates.bulk import receipts
from services.associates.bulk.chunk import change_links
from services.associates.bulk.job import KIND as MASS_CHANGE
from services.associates.bulk.job import MassChange, UndoJob, read_customers, target
from services.associates.bulk.undo import undo_links
from services.associates.bulk.wishes import Accounts, undo_wish
from services.associates.bulk.words import ROLES
from services.associates.domain.links import working_associates
from services.associates.domain.naming import Called, Meant, find_called
from services.associates.schemas.changes import ChangeCheck
from services.associates.schemas.wishes import ResolveIn, WishUndoIn
from services.associates.surroundings import account_names, accounts_with_codes
from shared.bulk import UndoResult
from shared.db import read_only, unit_of_work
from shared.history import Actor
from shared.importing import job as importing
from shared.keys import name_key
from shared.web import internal

if TYPE_CHECKING:
    from services.associates.bulk.kinds import Chunk, Kind

blueprint = Blueprint("bulk", __name__)


@blueprint.get("/internal/import-targets/<kind>")
@internal()
def import_target(kind: str) -> dict[str, Any]:
    """Tell what an import of this kind may contain; of a mass change, how its list of customers is read."""
    return target() if kind == MASS_CHANGE else _kind(kind).target()


@blueprint.post("/internal/changes/check")
@internal()
def check_change() -> dict[str, Any]:
    """Tell who the associates of a mass change are; refuse those who cannot be given work."""
    asked: dict[str, Any] = ChangeCheck().load(request.get_json(silent=True) or {})
    with read_only() as session:
        found = working_associates(session, asked["associate_ids"], also_inactive=asked["action"] == "remove")
    return {"associates": [{"id": str(one.id), "name": one.name} for one in found]}


@blueprint.post("/internal/associates/resolve")
@internal()
def resolve() -> dict[str, Any]:
    """Tell whom rows mean, in the order in which they were told, and which roles words are; null for none."""
    asked: dict[str, Any] = ResolveIn().load(request.get_json(silent=True) or {})
    with read_only() as session:
        meant = find_called(session, [Called(**one) for one in asked["called"]], asked["job_id"])
    return {
        "meant": [_meant(one) for one in meant],
        "roles": [ROLES.get(name_key(role)) for role in asked["roles"]],
    }


@blueprint.post("/internal/wishes/<uuid:job_id>/<int:chunk_no>/undo")
@internal()
def undo_links_of_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Take back the links that the rows of a chunk had asked for, once; tell what stays."""
    asked: dict[str, Any] = WishUndoIn().load(request.get_json(silent=True) or {})
    job = UndoJob(job_id, chunk_no, Actor(asked["actor_id"], asked["actor_name"]))
    with unit_of_work() as session:
        return undo_wish(session, job, _names, Accounts(asked["accounts"], asked["created"], asked["kept"]))


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>")
@internal()
def apply_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Apply a chunk exactly once."""
    header, checksum = request.headers.get("Liaison-Job", ""), request.headers.get("Liaison-Checksum", "")
    if importing.kind_in(header) == MASS_CHANGE:
        change = MassChange.from_header(job_id, header)
        customers = read_customers(request.get_data(cache=False), checksum)
        _open_fence(job_id)
        with unit_of_work() as session:
            return receipts.apply_chunk(
                session, job_id, chunk_no, checksum, lambda inner: change_links(inner, change, customers)
            )
    job, kind, chunk = _read_chunk(job_id, chunk_no)
    _open_fence(job_id)
    with unit_of_work() as session:
        return receipts.apply_chunk(session, job_id, chunk_no, checksum, lambda inner: kind.apply(inner, job, chunk))


@blueprint.post("/internal/chunks/<uuid:job_id>/<int:chunk_no>/check")
@internal()
def check_chunk(job_id: UUID, chunk_no: int) -> dict[str, Any]:
    """Tell what would become of a chunk; nothing is written."""
    job, kind, chunk = _read_chunk(job_id, chunk_no)
    with unit_of_work() as session:
        return kind.check(session, job, chunk)


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
    body = request.get_json(silent=True)
    name = importing.kind_told(body)
    if name == MASS_CHANGE:
        change = UndoJob.from_json(job_id, chunk_no, body)

        def undo(session: Any, created_ids: bytes) -> UndoResult:
            return undo_links(session, change, created_ids, _names)

    else:
        kind, job = _kind(name), importing.UndoJob.from_json(job_id, chunk_no, body, [name])

        def undo(session: Any, created_ids: bytes) -> UndoResult:
            return kind.undo(session, job, created_ids, _names)

    with unit_of_work() as session:
        return receipts.undo_chunk(session, job_id, chunk_no, undo)


@blueprint.post("/internal/jobs/<uuid:job_id>/fence")
@internal()
def close_fence(job_id: UUID) -> dict[str, Any]:
    """Let no further chunk of a job be applied, and tell the numbers of those that were."""
    with unit_of_work() as session:
        return {"applied": receipts.close_fence(session, job_id)}


@blueprint.post("/internal/jobs/<uuid:job_id>/finish")
@internal()
def finish_job(job_id: UUID) -> dict[str, Any]:
    """Write down what the whole job did to links."""
    name = importing.kind_told(request.get_json(silent=True))
    if name != MASS_CHANGE:
        _kind(name)
    with unit_of_work() as session:
        receipts.finish_job(session, job_id)
    return {}


def _kind(name: str) -> "Kind":
    from services.associates.bulk.kinds import kind_of

    return kind_of(name)


def _read_chunk(job_id: UUID, chunk_no: int) -> tuple[importing.ImportJob, "Kind", "Chunk"]:
    """Return the job, the kind and the rows of the chunk that this request brings."""
    from services.associates.bulk.kinds import KEYS
    from shared.importing.rows import read_chunk

    job = importing.ImportJob.from_header(job_id, request.headers.get("Liaison-Job", ""), KEYS)
    kind = _kind(job.kind)
    frame = read_chunk(request.get_data(cache=False), request.headers.get("Liaison-Checksum", ""))
    return job, kind, kind.read(chunk_no, frame, accounts_with_codes)


def _meant(one: Meant) -> dict[str, Any]:
    those = [{"id": str(who.id), "code": who.code, "name": who.name, "active": who.active} for who in one.those]
    return {"verdict": one.verdict, "those": those}


def _open_fence(job_id: UUID) -> None:
    with unit_of_work() as session:
        receipts.open_fence(session, job_id)


def _names(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    return account_names(ids)
