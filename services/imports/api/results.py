"""What came of a job: refused rows, their file, and progress as it happens."""

import uuid
from typing import Any

from flask import Response, current_app
from flask_smorest import Blueprint

from services.imports.api.shown import row_cursor, shown
from services.imports.caller import current_viewer
from services.imports.domain import correcting
from services.imports.domain import jobs as domain
from services.imports.domain.progress import job_progress
from services.imports.downloads import error_file_response
from services.imports.schemas import CorrectedRowsIn, JobOut, RefusalPage
from services.imports.stream import progress_events
from services.imports.wakeups import wake_job
from shared.db import after_commit, read_only, unit_of_work
from shared.errors import Invalid
from shared.web import PageQuery, encode_cursor, etag_of, idempotent, requires
from shared.web.described import refusal

blp = Blueprint("results", __name__, description="What came of a job.")
Values = dict[str, Any]


@blp.route("/jobs/<uuid:job_id>/refusals", methods=["GET"])
@requires("import", "assign", "jobs.all")
@blp.arguments(PageQuery, location="query")
@blp.response(200, RefusalPage)
@refusal(blp, 409, "`partner_management_off`: it is about associates, which are switched off.")
def list_refusals(query: Values, job_id: uuid.UUID) -> Values:
    """List the refused rows, in the order of the file."""
    after = row_cursor(query["cursor"]) if query["cursor"] else 0
    with read_only() as session:
        found = domain.list_refusals(session, current_viewer(), job_id, after=after, limit=query["limit"] + 1)
    rows = found[: query["limit"]]
    return {"items": rows, "next": encode_cursor([rows[-1].row]) if len(found) > len(rows) else None}


@blp.route("/jobs/<uuid:job_id>/error-file", methods=["GET"])
@requires("import", "assign", "jobs.all")
@blp.response(200, content_type="text/csv", description="The refused rows, as they were, with why.")
@blp.alt_response(404, description="`no_error_file`: no row was refused, or the job is still at work.")
@refusal(blp, 409, "`partner_management_off`: it is about associates, which are switched off.")
def get_error_file(job_id: uuid.UUID) -> Response:
    """Download the refused rows, in the delimiter and encoding of the file; correct them, then upload it again."""
    with read_only() as session:
        job = domain.get_error_file(session, current_viewer(), job_id)
    return error_file_response(current_app.extensions["liaison.storage"], job)


@blp.route("/jobs/<uuid:job_id>/retry", methods=["POST"])
@requires("import")
@idempotent
@blp.arguments(CorrectedRowsIn)
@blp.response(201, JobOut, description="The new job; `Location` and `ETag` in the headers.")
@blp.alt_response(404, description="`row_not_refused` or `no_error_file`.")
@blp.alt_response(409, description="`only_checked`: nothing of the file was imported yet; `partner_management_off`.")
@blp.alt_response(422, description="`nothing_corrected`, or there is no such column.")
def try_again(values: Values, job_id: uuid.UUID) -> tuple[Values, Values]:
    """Import refused rows again, corrected: a new job with the mapping and options of this one, started at once.

    Rows that are as they were are left out, and so are the refused rows that are not named.
    """
    viewer = current_viewer()
    storage = current_app.extensions["liaison.storage"]
    with unit_of_work() as session:
        columns = correcting.refused_rows(session, storage, viewer, job_id).columns
        changes = {one["row"]: _places(one["cells"], columns) for one in values["rows"]}
        job = correcting.try_again(session, storage, viewer, job_id, changes)
        progress = job_progress(session, job)
        after_commit(session, lambda: wake_job(job))
    return shown(job, progress), {"Location": f"/api/imports/v1/jobs/{job.id}", "ETag": etag_of(job.version)}


def _places(cells: dict[str, str], columns: list[str]) -> dict[int, str]:
    unknown = [name for name in cells if name not in columns]
    if unknown:
        sentence = f"The file has no column “{unknown[0][:80]}”."
        raise Invalid(sentence, fields={"cells": [sentence]})
    return {columns.index(name): text for name, text in cells.items()}


@blp.route("/jobs/<uuid:job_id>/events", methods=["GET"])
@requires("import", "assign", "jobs.all")
@blp.response(200, content_type="text/event-stream", description="`progress` events, then `end`.")
@refusal(blp, 409, "`partner_management_off`: it is about associates, which are switched off.")
def watch_job(job_id: uuid.UUID) -> Response:
    """Watch a job as it goes (server-sent events): `progress` with JSON on each change, `end` when it is over."""
    return progress_events(current_viewer(), job_id)
