"""Changing the associates of many customers at once (A8)."""

from typing import Any

from flask_smorest import Blueprint

from services.imports.api.shown import shown
from services.imports.domain.mass_changes import Wish
from services.imports.domain.progress import job_progress
from services.imports.mass_changing import start
from services.imports.schemas import JobOut, MassChangeIn
from shared.db import read_only
from shared.web import etag_of, idempotent, requires
from shared.web.described import IDEMPOTENCY_KEY, refusal
from shared.web.features import PARTNER_MANAGEMENT

blp = Blueprint("mass_changes", __name__, description="Giving many customers to associates, or taking them away.")
Values = dict[str, Any]


@blp.route("/mass-changes", methods=["POST"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@idempotent
@blp.doc(parameters=[IDEMPOTENCY_KEY])
@blp.arguments(MassChangeIn)
@blp.response(202, JobOut, description="The job; `Location` and `ETag` in the headers.")
@refusal(blp, 404, "There is no such associate, or the snapshot is older than a week.")
@refusal(blp, 409, "`partner_management_off`; `associate_inactive`: they can only be removed.")
@refusal(blp, 422, "`nobody_selected`: the snapshot has no customer that is meant; `invalid`.")
@refusal(blp, 503, "`service_unavailable`: customers or associates does not answer.")
def start_mass_change(values: Values) -> tuple[Values, Values]:
    """Add, remove or replace associates of all customers of a snapshot, as a job.

    Look at the job as at an import: `GET /jobs/{id}`. `created` are customers that only got somebody, `updated` those
    that also lost somebody, `failed` those that were deleted since. It can be stopped, and taken back for 30 days.
    """
    job = start(Wish(**values))
    with read_only() as session:
        progress = job_progress(session, job)
    return shown(job, progress), {"Location": f"/api/imports/v1/jobs/{job.id}", "ETag": etag_of(job.version)}
