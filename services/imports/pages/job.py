"""One import: how far it is, what came of it, the refused rows."""

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template

from services.imports.caller import current_viewer, may_undo, names_associates
from services.imports.domain import jobs as domain
from services.imports.domain.careful import column_at_fault
from services.imports.domain.mapping import Mapping
from services.imports.domain.progress import job_progress
from services.imports.domain.promise import difference
from services.imports.domain.refusals import reasons_of
from services.imports.domain.undoing import list_kept, undo_until
from services.imports.downloads import error_file_response
from services.imports.pages.checks import facts_of
from services.imports.pages.matching import matching_screen
from services.imports.pages.targets import target_of
from services.imports.stream import progress_events
from services.imports.wakeups import wake_ender
from shared.db import after_commit, read_only, unit_of_work
from shared.web import current_identity, go_to, requires

blueprint = Blueprint("job", __name__)

SHOWN = 100


@blueprint.get("/<uuid:job_id>")
@requires("import", "assign", "jobs.all")
def show_job(job_id: uuid.UUID) -> Response:
    """Show an import: its columns before it was started, how far it is, what a check told, what came of it."""
    viewer = current_viewer()
    with read_only() as session:
        job = domain.get_job(session, viewer, job_id)
    if job.state in ("uploaded", "mapped") and current_identity().may("import"):
        return make_response(matching_screen(job))
    with read_only() as session:
        progress = job_progress(session, job)
        refusals = domain.list_refusals(session, viewer, job_id, limit=SHOWN + 1)
        reasons = reasons_of(session, viewer, job_id) if refusals else []
        retries = domain.retries_of(session, job)
        kept = list_kept(session, viewer, job_id, limit=SHOWN + 1) if progress.final and progress.kept else []
    target = target_of(job.kind)
    return make_response(
        render_template(
            _template_of(job),
            job=job,
            progress=progress,
            target=target,
            mapping=Mapping.from_json(job.mapping or {}),
            column_of=_column_of(job),
            reasons=reasons,
            retries=retries,
            refusals=refusals[:SHOWN],
            more=len(refusals) > SHOWN,
            difference=difference(job),
            undo_until=undo_until(job),
            may_undo=may_undo(job),
            kept=kept[:SHOWN],
            more_kept=len(kept) > SHOWN,
            names_associates=names_associates(job),
            **(facts_of(job, target) if job.state == "ready" else {}),
        )
    )


@blueprint.get("/<uuid:job_id>/refusals/<int:after>")
@requires("import", "assign", "jobs.all")
def more_refusals(job_id: uuid.UUID, after: int) -> str:
    """Show the refused rows behind row number `after`."""
    with read_only() as session:
        found = domain.list_refusals(session, current_viewer(), job_id, after=after, limit=SHOWN + 1)
        job = domain.get_job(session, current_viewer(), job_id)
    return render_template(
        "imports/refusal_rows.html",
        job=job,
        refusals=found[:SHOWN],
        more=len(found) > SHOWN,
        column_of=_column_of(job),
    )


@blueprint.get("/<uuid:job_id>/refused.csv")
@requires("import", "assign", "jobs.all")
def error_file(job_id: uuid.UUID) -> Response:
    """Give out the refused rows, as they were, with why."""
    with read_only() as session:
        job = domain.get_error_file(session, current_viewer(), job_id)
    return error_file_response(current_app.extensions["liaison.storage"], job)


@blueprint.get("/<uuid:job_id>/events")
@requires("import", "assign", "jobs.all")
def events(job_id: uuid.UUID) -> Response:
    """Send how far the import is, as it goes on (server-sent events)."""
    viewer = current_viewer()
    with read_only() as session:
        job = domain.get_job(session, viewer, job_id)
    if job.change:
        return progress_events(
            viewer, job_id, lambda progress: render_template("imports/mass_progress.html", progress=progress, job=job)
        )
    return progress_events(viewer, job_id, lambda progress: render_template("imports/progress.html", progress=progress))


@blueprint.get("/<uuid:job_id>/cancel")
@requires("import", "assign")
def confirm_cancel(job_id: uuid.UUID) -> str:
    """Ask before an import is stopped, or a file is discarded."""
    with read_only() as session:
        job = domain.get_job(session, current_viewer(), job_id)
    return render_template("imports/cancel.html", job=job)


@blueprint.post("/<uuid:job_id>/cancel")
@requires("import", "assign")
def cancel(job_id: uuid.UUID) -> Response:
    """Stop the import; what was imported stays."""
    with unit_of_work() as session:
        job = domain.request_cancel(session, current_viewer(), job_id)
        after_commit(session, lambda: wake_ender(job.id, job.queue))
    if job.state == "cancelled":
        return go_to("/imports", "The import was discarded.")
    return go_to(f"/imports/{job_id}", "It is being stopped.")


def _template_of(job: Any) -> str:
    if job.change:
        return "imports/mass_change.html"
    return "imports/checked.html" if job.state == "ready" else "imports/job.html"


def _column_of(job: Any) -> Callable[[Any], str]:
    """Return what tells the file's own column for a refusal or a reason, the first one where several feed a field."""
    columns = Mapping.from_json(job.mapping or {}).column_of(job.header)
    return lambda refused: column_at_fault(refused.code, refused.column, columns)
