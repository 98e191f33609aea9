"""What came of a job: refused rows, their file, and progress as it happens."""

import uuid
from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint

from services.imports.api.shown import row_cursor
from services.imports.caller import current_viewer
from services.imports.domain import jobs as domain
from services.imports.downloads import error_file_response
from services.imports.schemas import RefusalPage
from services.imports.stream import progress_events
from shared.db import read_only
from shared.web import PageQuery, encode_cursor, requires

blp = Blueprint("results", __name__, description="What came of a job.")
Values = dict[str, Any]


@blp.route("/jobs/<uuid:job_id>/refusals", methods=["GET"])
@requires("import", "jobs.all")
@blp.arguments(PageQuery, location="query")
@blp.response(200, RefusalPage)
def list_refusals(query: Values, job_id: uuid.UUID) -> Values:
    """List the refused rows, in the order of the file."""
    after = row_cursor(query["cursor"]) if query["cursor"] else 0
    with read_only() as session:
        found = domain.list_refusals(session, current_viewer(), job_id, after=after, limit=query["limit"] + 1)
    rows = found[: query["limit"]]
    return {"items": rows, "next": encode_cursor([rows[-1].row]) if len(found) > len(rows) else None}


@blp.route("/jobs/<uuid:job_id>/error-file", methods=["GET"])
@requires("import", "jobs.all")
@blp.response(200, content_type="text/csv", description="The refused rows, as they were, with why.")
@blp.alt_response(404, description="`no_error_file`: no row was refused, or the job is still at work.")
def get_error_file(job_id: uuid.UUID) -> Response:
    """Download the refused rows, in the delimiter and encoding of the file; correct them, then upload it again."""
    with read_only() as session:
        job = domain.get_error_file(session, current_viewer(), job_id)
    return error_file_response(current_app.extensions["liaison.storage"], job)


@blp.route("/jobs/<uuid:job_id>/events", methods=["GET"])
@requires("import", "jobs.all")
@blp.response(200, content_type="text/event-stream", description="`progress` events, then `end`.")
def watch_job(job_id: uuid.UUID) -> Response:
    """Watch a job as it goes (server-sent events): `progress` with JSON on each change, `end` when it is over."""
    return progress_events(current_viewer(), job_id)
