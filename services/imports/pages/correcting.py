"""Correcting refused rows on the screen, and trying them again."""

import uuid
from collections.abc import Iterable

from flask import Blueprint, Response, current_app, make_response, render_template, request

from services.imports.caller import current_viewer
from services.imports.domain import correcting as domain
from services.imports.domain.jobs import get_job
from services.imports.errors import NothingCorrected
from services.imports.wakeups import wake_job
from shared.db import after_commit, read_only, unit_of_work
from shared.storage import Storage
from shared.web import go_to, requires

blueprint = Blueprint("correcting", __name__)


@blueprint.get("/<uuid:job_id>/correct")
@requires("import")
def correct(job_id: uuid.UUID) -> str:
    """Show the refused rows with their wrong cells, to be corrected."""
    return _screen(job_id)


@blueprint.get("/<uuid:job_id>/correct/<int:row>")
@requires("import")
def other_cells(job_id: uuid.UUID, row: int) -> str:
    """Show the other cells of a refused row, to be corrected, too."""
    with read_only() as session:
        refused = domain.refused_rows(session, _storage(), current_viewer(), job_id)
    return render_template("imports/correct_cells.html", columns=refused.columns, row=refused.row(row))


@blueprint.post("/<uuid:job_id>/correct")
@requires("import")
def try_again(job_id: uuid.UUID) -> Response:
    """Import the corrected rows, as the first time."""
    changes = _typed(request.form.items())
    key = request.form.get("key", "")[:200]
    try:
        with unit_of_work() as session:
            job = domain.try_again(session, _storage(), current_viewer(), job_id, changes, key)
            after_commit(session, lambda: wake_job(job))
    except NothingCorrected as refusal:
        return make_response(_screen(job_id, refusal.sentence), refusal.status)
    return go_to(f"/imports/{job.id}", "The corrected rows are being imported.")


def _screen(job_id: uuid.UUID, refusal: str = "") -> str:
    with read_only() as session:
        job = get_job(session, current_viewer(), job_id)
        refused = domain.refused_rows(session, _storage(), current_viewer(), job_id)
    return render_template(
        "imports/correct.html", job=job, refused=refused, refusal=refusal, most=domain.MOST, key=uuid.uuid4()
    )


def _typed(form: Iterable[tuple[str, str]]) -> dict[int, dict[int, str]]:
    """Return what stands in `cell.<row>.<place>`."""
    changes: dict[int, dict[int, str]] = {}
    for name, text in form:
        word, _, rest = name.partition(".")
        row, _, at = rest.partition(".")
        if word == "cell" and row.isdecimal() and at.isdecimal():
            changes.setdefault(int(row), {})[int(at)] = text
    return changes


def _storage() -> Storage:
    storage: Storage = current_app.extensions["liaison.storage"]
    return storage
