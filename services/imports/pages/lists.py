"""The list of imports, what can be done with each, and the fragment for the home page."""

import uuid
from typing import Any

from flask import Blueprint, render_template, request

from services.imports.caller import current_viewer, importable_kinds, may_undo
from services.imports.domain import jobs as domain
from services.imports.domain.jobs import ACTIVE
from services.imports.domain.progress import job_progress, progress_of
from services.imports.domain.undoing import undo_until
from services.imports.pages.exports import exports_shown
from services.imports.uploading import most_bytes
from shared.db import read_only
from shared.web import encode_cursor, id_place, is_htmx, requires

blueprint = Blueprint("lists", __name__)

PAGE = 20
LATEST = 5
LATEST_EXPORTS = 2


@blueprint.get("")
@requires("import", "assign", "jobs.all")
def list_jobs() -> str:
    """Show the imports, the newest first, and the place for a new file."""
    cursor = request.args.get("cursor") or None
    found = _jobs(PAGE, id_place(cursor))
    if is_htmx() and request.headers.get("HX-Target", "").endswith("job-list"):
        return render_template("imports/list.html", cursor=cursor, **found)
    return render_template("imports/index.html", cursor=cursor, kinds=_kinds(), most_bytes=most_bytes(), **found)


@blueprint.get("/fragments/running")
@requires("import", "export", "assign", "jobs.all")
def running() -> str:
    """Show what runs and what ended last, for the home page."""
    jobs, exports = _jobs(LATEST), exports_shown(LATEST_EXPORTS)
    is_live = jobs["is_live"] or exports["is_live"]
    return render_template("imports/running.html", **{**jobs, **exports, "is_live": is_live})


@blueprint.get("/<uuid:job_id>/menu")
@requires("import", "assign", "jobs.all")
def job_menu(job_id: uuid.UUID) -> str:
    """Show what can be done with an import."""
    with read_only() as session:
        job = domain.get_job(session, current_viewer(), job_id)
        progress = job_progress(session, job)
    return render_template(
        "imports/menu.html", job=job, progress=progress, undo_until=undo_until(job), may_undo=may_undo(job)
    )


def _kinds() -> list[tuple[str, str]]:
    """Return what can be imported, without asking the owners: the list must come at once, also while they are away."""
    return [(kind, kind.replace("_", " ").capitalize()) for kind in importable_kinds()]


def _jobs(limit: int, after: uuid.UUID | None = None) -> dict[str, Any]:
    with read_only() as session:
        found = domain.list_jobs(session, current_viewer(), after=after, limit=limit + 1)
        jobs = found[:limit]
        progress = progress_of(session, jobs)
    return {
        "jobs": jobs,
        "progress": progress,
        "is_live": any(job.state in ACTIVE for job in jobs),
        "next": encode_cursor([jobs[-1].id]) if len(found) > limit else None,
    }
