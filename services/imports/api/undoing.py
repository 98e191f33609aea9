"""Taking an import back, and what stayed when it was."""

import uuid
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.imports.api.shown import row_cursor, shown
from services.imports.caller import check_undo, current_viewer
from services.imports.domain import undoing as domain
from services.imports.domain.jobs import get_job
from services.imports.domain.progress import job_progress
from services.imports.downloads import kept_file_response
from services.imports.schemas import JobOut, KeptPage
from services.imports.wakeups import wake_undo
from shared.db import after_commit, read_only, unit_of_work
from shared.web import PageQuery, client_ip, encode_cursor, etag_of, requires
from shared.web.described import refusal

blp = Blueprint("undo", __name__, description="Taking an import back.")
Values = dict[str, Any]


@blp.route("/jobs/<uuid:job_id>/undo", methods=["POST"])
@requires("undo", "assign")
@blp.response(202, JobOut)
@blp.alt_response(
    409,
    description="`job_at_work`, `nothing_to_undo`, `job_undone`, `undo_too_late` (after 30 days),"
    " `partner_management_off`.",
)
def undo_job(job_id: uuid.UUID) -> tuple[Values, Values]:
    """Take the import back: what it added goes, what it changed gets back what it had.

    What somebody has touched since stays and is listed under `kept`. It cannot be stopped; an import that is being
    taken back stays as it is. One whose undo broke off goes on with the rest.
    """
    with unit_of_work() as session:
        check_undo(get_job(session, current_viewer(), job_id))
        job = domain.request_undo(session, current_viewer(), job_id, client_ip())
        progress = job_progress(session, job)
        after_commit(session, lambda: wake_undo(job.id, job.queue))
    return shown(job, progress), {"ETag": etag_of(job.version)}


@blp.route("/jobs/<uuid:job_id>/kept", methods=["GET"])
@requires("import", "undo", "assign", "jobs.all")
@blp.arguments(PageQuery, location="query")
@blp.response(200, KeptPage)
@refusal(blp, 409, "`partner_management_off`: it is about associates, which are switched off.")
def list_kept(query: Values, job_id: uuid.UUID) -> Values:
    """List what stayed when the import was taken back, and why."""
    after = row_cursor(query["cursor"]) if query["cursor"] else 0
    with read_only() as session:
        found = domain.list_kept(session, current_viewer(), job_id, after=after, limit=query["limit"] + 1)
    items = found[: query["limit"]]
    return {"items": items, "next": encode_cursor([items[-1].id]) if len(found) > len(items) else None}


@blp.route("/jobs/<uuid:job_id>/kept-file", methods=["GET"])
@requires("import", "undo", "assign", "jobs.all")
@blp.response(200, content_type="text/csv", description="What stayed, and why.")
@blp.alt_response(404, description="`nothing_kept`: nothing stayed, or the import was not taken back.")
@refusal(blp, 409, "`partner_management_off`: it is about associates, which are switched off.")
def get_kept_file(job_id: uuid.UUID) -> Response:
    """Download what stayed when the import was taken back, and why."""
    with read_only() as session:
        job = domain.get_kept_job(session, current_viewer(), job_id)
    return kept_file_response(job)
