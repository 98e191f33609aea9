"""Taking an import back: the question before, and what stayed."""

import uuid

from flask import Blueprint, Response, render_template

from services.imports.caller import check_undo, current_viewer
from services.imports.domain import undoing as domain
from services.imports.domain.jobs import get_job
from services.imports.downloads import kept_file_response
from services.imports.pages.targets import target_of
from services.imports.wakeups import wake_undo
from shared.db import after_commit, read_only, unit_of_work
from shared.web import client_ip, go_to, requires

blueprint = Blueprint("undoing", __name__)

SHOWN = 100


@blueprint.get("/<uuid:job_id>/undo")
@requires("undo", "assign")
def confirm_undo(job_id: uuid.UUID) -> str:
    """Tell what will happen before an import is taken back."""
    with read_only() as session:
        job = get_job(session, current_viewer(), job_id)
    check_undo(job)
    if refusal := domain.why_not_undo(job):
        raise refusal
    template = "imports/mass_undo.html" if job.change else "imports/undo.html"
    return render_template(template, job=job, target=target_of(job.kind))


@blueprint.post("/<uuid:job_id>/undo")
@requires("undo", "assign")
def undo(job_id: uuid.UUID) -> Response:
    """Take the import back."""
    with unit_of_work() as session:
        check_undo(get_job(session, current_viewer(), job_id))
        job = domain.request_undo(session, current_viewer(), job_id, client_ip())
        after_commit(session, lambda: wake_undo(job.id, job.queue))
    return go_to(f"/imports/{job_id}", "It is being taken back.")


@blueprint.get("/<uuid:job_id>/kept/<int:after>")
@requires("import", "assign", "jobs.all")
def more_kept(job_id: uuid.UUID, after: int) -> str:
    """Show what else stayed, behind number `after`."""
    with read_only() as session:
        job = get_job(session, current_viewer(), job_id)
        found = domain.list_kept(session, current_viewer(), job_id, after=after, limit=SHOWN + 1)
    return render_template(
        "imports/kept_rows.html", job=job, kept=found[:SHOWN], more_kept=len(found) > SHOWN, target=target_of(job.kind)
    )


@blueprint.get("/<uuid:job_id>/kept.csv")
@requires("import", "assign", "jobs.all")
def kept_file(job_id: uuid.UUID) -> Response:
    """Give out all that stayed, and why."""
    with read_only() as session:
        job = domain.get_kept_job(session, current_viewer(), job_id)
    return kept_file_response(job)
