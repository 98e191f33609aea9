"""Checking a file before its import."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from services.imports.api.shown import chosen_options, shown, shown_preview
from services.imports.caller import current_viewer
from services.imports.domain import checks as domain
from services.imports.domain.jobs import get_job, must_wait
from services.imports.domain.mapping import Mapping
from services.imports.domain.progress import job_progress
from services.imports.errors import NotMapped
from services.imports.previewing import checked_preview, row_count
from services.imports.schemas import JobOut, PreviewIn, PreviewOut
from services.imports.wakeups import wake_job
from shared.db import after_commit, read_only, unit_of_work
from shared.web import etag_of, given_version, requires
from shared.web.described import refusal

blp = Blueprint("checks", __name__, description="What an import would do.")
Values = dict[str, Any]


@blp.route("/jobs/<uuid:job_id>/preview", methods=["POST"])
@requires("import")
@blp.arguments(PreviewIn)
@blp.response(200, PreviewOut)
@refusal(blp, 403, "`forbidden`: rows that name associates need `assign`, too; to create these, `associates.edit`.")
@refusal(blp, 409, "`not_mapped`, `job_checking`, `job_started`, `job_ended` or `partner_management_off`.")
@refusal(blp, 422, "`mapping_refused`: `errors` names each column, field or key that is wrong.")
def preview(values: Values, job_id: uuid.UUID) -> Values:
    """See at once the first hundred rows as they would be stored, and what becomes of each; nothing is kept or changed.

    The columns are matched and the rows applied as the body says, else as the job has it. Where the owner of the
    records does not answer within two seconds, rows are shown as they are matched, and `not_checked` says so.
    """
    with read_only() as session:
        job = get_job(session, current_viewer(), job_id)
    mapping = values.get("mapping") or (job.mapping if job.state != "uploaded" else None)
    if mapping is None:
        must_wait(job)
        raise NotMapped
    return shown_preview(checked_preview(job, Mapping.from_json(mapping), chosen_options(job, values)), row_count(job))


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
@blp.alt_response(409, description="`job_started`, `job_ended` or `partner_management_off`.")
def drop_check(job_id: uuid.UUID) -> tuple[Values, Values]:
    """Stop a check, or throw its result away; the columns stay matched as they are. Without a check nothing changes."""
    with unit_of_work() as session:
        job = domain.drop_check(session, current_viewer(), job_id)
        progress = job_progress(session, job)
    return shown(job, progress), {"ETag": etag_of(job.version)}
