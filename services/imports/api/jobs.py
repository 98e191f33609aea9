"""Jobs: upload, look, match columns, start, cancel."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from services.imports.api.shown import chosen_options, shown
from services.imports.caller import current_viewer, target_for
from services.imports.domain import jobs as domain
from services.imports.domain.first_choice import FirstChoice, first_choice
from services.imports.domain.jobs import check_start
from services.imports.domain.mapping import Mapping
from services.imports.domain.progress import job_progress, progress_of
from services.imports.schemas import JobOut, JobPage, JobPatch, JobQuery, MatchesOut, MatchesQuery, UploadQuery
from services.imports.uploading import read_form, receive_upload
from services.imports.wakeups import wake_ender, wake_job
from shared.db import after_commit, read_only, unit_of_work
from shared.web import encode_cursor, etag_of, given_version, id_place, requires, seen_version
from shared.web.described import needs_version, refusal

blp = Blueprint("jobs", __name__, description="One job is one file that is imported.")
Values = dict[str, Any]
FORM = ("encoding", "delimiter", "has_header")


@blp.route("/uploads", methods=["POST", "PUT"])
@requires("import")
@blp.arguments(UploadQuery, location="query")
@blp.response(201, JobOut, description="The new job; `Location` and `ETag` in the headers.")
@blp.alt_response(409, description="`partner_management_off`: associates and assignments need it.")
@blp.alt_response(413, description="`file_too_large`.")
@blp.alt_response(422, description="`file_empty`, `binary_file`, `zip_file`, ...: this is no CSV file.")
@blp.doc(requestBody={"required": True, "content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}})
def upload(query: Values) -> tuple[Values, Values]:
    """Upload a file: the CSV itself is the body, of any size unless this installation has a limit.

    A file that cannot be read is refused and nothing of it stays. Send an `Idempotency-Key` header so that a repeat
    after a lost answer does not make a second job.
    """
    job = receive_upload(query["kind"], query["filename"], **{name: query[name] for name in FORM})
    with read_only() as session:
        progress = job_progress(session, job)
    return shown(job, progress), {"Location": f"/api/imports/v1/jobs/{job.id}", "ETag": etag_of(job.version)}


@blp.route("/jobs", methods=["GET"])
@requires("import", "assign", "jobs.all")
@blp.arguments(JobQuery, location="query")
@blp.response(200, JobPage)
def list_jobs(query: Values) -> Values:
    """List jobs, the newest first: your own, and with the permission `jobs.all` everybody's."""
    after = id_place(query["cursor"])
    with read_only() as session:
        found = domain.list_jobs(
            session,
            current_viewer(),
            mine=query["mine"],
            states=query["state"],
            after=after,
            limit=query["limit"] + 1,
        )
        jobs = found[: query["limit"]]
        progress = progress_of(session, jobs)
    more = len(found) > len(jobs)
    return {
        "items": [shown(job, progress[job.id]) for job in jobs],
        "next": encode_cursor([jobs[-1].id]) if more else None,
    }


@blp.route("/jobs/<uuid:job_id>", methods=["GET"])
@requires("import", "assign", "jobs.all")
@blp.response(200, JobOut)
@refusal(blp, 409, "`partner_management_off`: it is about associates, which are switched off.")
def get_job(job_id: uuid.UUID) -> tuple[Values, Values]:
    """Read a job, with how far it is."""
    with read_only() as session:
        job = domain.get_job(session, current_viewer(), job_id)
        progress = job_progress(session, job)
    return shown(job, progress), {"ETag": etag_of(job.version)}


@blp.route("/jobs/<uuid:job_id>", methods=["PATCH"])
@requires("import")
@needs_version(blp)
@blp.arguments(JobPatch)
@blp.response(200, JobOut)
@refusal(blp, 403, "`forbidden`: rows that name associates need `assign`, too; to create these, `associates.edit`.")
@blp.alt_response(409, description="`job_checking`, `job_started`, `job_ended` or `partner_management_off`.")
@blp.alt_response(422, description="`mapping_refused`: `errors` names each column, field or key that is wrong.")
def change_job(values: Values, job_id: uuid.UUID) -> tuple[Values, Values]:
    """Say how the file is read, which column feeds which field, and how rows are applied.

    Another encoding, delimiter or header starts the matching anew. What a check told is thrown away.
    """
    seen = seen_version()
    viewer = current_viewer()
    with read_only() as session:
        job = domain.get_job(session, viewer, job_id)
    form = None
    if any(name in values for name in FORM):
        domain.must_wait(job)
        form = read_form(job.file_path, **{name: values.get(name, getattr(job, name)) for name in FORM})
    header = form.header if form else job.header
    options = chosen_options(job, values)
    mapping = values.get("mapping") or (None if form or job.state == "uploaded" else job.mapping)
    if mapping is not None:
        viewer.must_have_choices(job.kind, mapping, options)
        target = target_for(job.kind)
        check_start(Mapping.from_json(mapping), header, target, options)
    with unit_of_work() as session:
        if form is not None:
            job = domain.change_form(session, viewer, job_id, seen, form)
            seen = job.version
        given = Mapping.from_json(values["mapping"]).to_json() if "mapping" in values else None
        job = domain.change_mapping(session, viewer, job_id, seen, mapping=given, options=options)
        progress = job_progress(session, job)
    return shown(job, progress), {"ETag": etag_of(job.version)}


@blp.route("/jobs/<uuid:job_id>/matches", methods=["GET"])
@requires("import")
@blp.arguments(MatchesQuery, location="query")
@blp.response(200, MatchesOut)
@refusal(blp, 409, "`partner_management_off`: it is about associates, which are switched off.")
@blp.alt_response(404, description="`job_not_found`; `mapping_not_found`: nothing for this kind is saved as `saved`.")
def get_matches(query: Values, job_id: uuid.UUID) -> FirstChoice:
    """See what a job begins with: how its columns are matched, how its rows are applied, and where that comes from.

    A file of refused rows is matched and applied as by the job that refused them, if you may see it. Any other is
    matched as it was last saved for its columns, else by their names. Send `mapping` and the `options` to the job, as
    they are or changed.
    """
    viewer = current_viewer()
    with read_only() as session:
        job = domain.get_job(session, viewer, job_id)
    target = target_for(job.kind)
    with read_only() as session:
        return first_choice(session, viewer, job, target, saved_id=query["saved"])


@blp.route("/jobs/<uuid:job_id>/start", methods=["POST"])
@requires("import")
@blp.response(202, JobOut)
@refusal(blp, 403, "`forbidden`: rows that name associates need `assign`, too; to create these, `associates.edit`.")
@blp.alt_response(409, description="`not_mapped`, `job_checking`, `job_ended` or `partner_management_off`.")
@blp.alt_response(412, description="`stale`: it was changed since the version in `If-Match` (if you sent one).")
def start_job(job_id: uuid.UUID) -> tuple[Values, Values]:
    """Start the import; a file that was checked is not read again. Starting a job that is at work changes nothing."""
    with unit_of_work() as session:
        job = domain.start_job(session, current_viewer(), job_id, given_version())
        progress = job_progress(session, job)
        after_commit(session, lambda: wake_job(job))
    return shown(job, progress), {"ETag": etag_of(job.version)}


@blp.route("/jobs/<uuid:job_id>/cancel", methods=["POST"])
@requires("import", "assign")
@blp.response(202, JobOut)
@blp.alt_response(409, description="`job_ended`.")
def cancel_job(job_id: uuid.UUID) -> tuple[Values, Values]:
    """Stop the import. What was applied stays; the rest counts as skipped. One that is only checked is discarded."""
    with unit_of_work() as session:
        job = domain.request_cancel(session, current_viewer(), job_id)
        progress = job_progress(session, job)
        after_commit(session, lambda: wake_ender(job.id, job.queue))
    return shown(job, progress), {"ETag": etag_of(job.version)}
