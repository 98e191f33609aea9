"""What a check told of a file, and how to go on from there."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response

from services.imports.caller import current_viewer
from services.imports.domain import checks
from services.imports.domain.jobs import start_job
from services.imports.domain.target import Target
from services.imports.pages.saved_mappings import seen_in_form
from services.imports.wakeups import wake_job
from shared.bulk import KEPT
from shared.db import after_commit, unit_of_work
from shared.web import go_to, requires

blueprint = Blueprint("checks", __name__)


def facts_of(job: Any, target: Target | None) -> dict[str, Any]:
    """Return what the screen of a checked job shows of its promise, beside the promise itself."""
    created = job.promise["sample"]["created"]
    given = {one["field"] for row in created for one in row["values"]}
    known = [*target.by_name] if target else []
    return {
        "promise": job.promise,
        "checked_at": datetime.fromisoformat(job.promise["at"]),
        "label_of": label_of(target),
        "created_fields": sorted(given, key=lambda name: known.index(name) if name in known else len(known)),
        "created_rows": [
            (row["line"], {one["field"]: one["value"] for one in row["values"]}, row["more"]) for row in created
        ],
    }


def label_of(target: Target | None) -> Callable[[str], str]:
    """Return what tells people's name for a field; an attribute has the name of its column."""
    labels = target.labels if target else {}
    return lambda name: name.removeprefix(KEPT) if name.startswith(KEPT) else labels.get(name, name)


@blueprint.post("/<uuid:job_id>/check")
@requires("import")
def check(job_id: uuid.UUID) -> Response:
    """Check the file anew, by the matching that the form shows."""
    with unit_of_work() as session:
        job = checks.begin_check(session, current_viewer(), job_id, seen_in_form())
        after_commit(session, lambda: wake_job(job))
    return go_to(f"/imports/{job_id}", None)


@blueprint.post("/<uuid:job_id>/check/drop")
@requires("import")
def drop(job_id: uuid.UUID) -> Response:
    """Stop the check or throw its result away, and go back to the columns."""
    with unit_of_work() as session:
        checks.drop_check(session, current_viewer(), job_id)
    return go_to(f"/imports/{job_id}", "Nothing was imported. Change what you like, then check or import again.")


@blueprint.post("/<uuid:job_id>/start")
@requires("import")
def start(job_id: uuid.UUID) -> Response:
    """Import a file as it was checked."""
    with unit_of_work() as session:
        job = start_job(session, current_viewer(), job_id, seen_in_form())
        after_commit(session, lambda: wake_job(job))
    return go_to(f"/imports/{job_id}", None)
