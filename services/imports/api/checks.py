"""Checking a file before its import."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from services.imports.api.shown import shown
from services.imports.caller import current_viewer, given_version
from services.imports.domain import checks as domain
from services.imports.domain.progress import job_progress
from services.imports.schemas import JobOut
from services.imports.wakeups import wake_job
from shared.db import after_commit, unit_of_work
from shared.web import etag_of, requires
from shared.web.described import refusal

blp = Blueprint("checks", __name__, description="What an import would do.")
Values = dict[str, Any]


@blp.route("/jobs/<uuid:job_id>/check", methods=["POST"])
@requires("import")
@blp.response(202, JobOut)
@refusal(blp, 403, "`forbidden`: rows that name associates need the permission `assign`, too.")
@blp.alt_response(409, description="`not_mapped`, `job_started`, `job_ended` or `partner_management_off`.")
@blp.alt_response(412, description="`stale`: it was changed since the version in `If-Match` (if you sent one).")
def begin_check(job_id: uuid.UUID) -> tuple[Values, Values]:
    """Check the whole file and import nothing: find out what would become of each row.

    When the job is `ready`, `check` tells how many rows would be created, updated, left and refused, which fields would
    change, and the first rows of each sort; the refused rows are listed as after an import. Then start the import,
    which goes on from what was read, or throw the check away. Checking a job that is being checked changes nothing; one
    that is ready is checked anew.
    """
    with unit_of_work() as session:
        job = domain.begin_check(session, current_viewer(), job_id, given_version())
        progress = job_progress(session, job)
        after_commit(session, lambda: wake_job(job))
    return shown(job, progress), {"ETag": etag_of(job.version)}


@blp.route("/jobs/<uuid:job_id>/check", methods=["DELETE"])
@requires("import")
@blp.response(200, JobOut)
@blp.alt_response(409, description="`job_started` or `job_ended`.")
def drop_check(job_id: uuid.UUID) -> tuple[Values, Values]:
    """Stop a check, or throw its result away; the columns stay matched as they are. Without a check nothing changes."""
    with unit_of_work() as session:
        job = domain.drop_check(session, current_viewer(), job_id)
        progress = job_progress(session, job)
    return shown(job, progress), {"ETag": etag_of(job.version)}
