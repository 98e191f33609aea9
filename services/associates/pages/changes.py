"""The form that says what to do with many selected customers (A8); imports runs it as a job."""

import uuid

from flask import Blueprint, render_template, request

from services.associates.pages.wording import ROLES
from shared.web import requires
from shared.web.features import PARTNER_MANAGEMENT

blueprint = Blueprint("changes", __name__)


@blueprint.get("/fragments/change")
@requires("assign", feature=PARTNER_MANAGEMENT)
def change_form() -> str:
    """Show the form, with a key of its own, so that a second press starts nothing more."""
    return render_template(
        "associates/change.html",
        snapshot=request.args.get("snapshot", type=uuid.UUID) or "",
        active=request.args.get("active", 0, type=int),
        inactive=request.args.get("inactive", 0, type=int),
        source=request.args.get("source", ""),
        key=uuid.uuid4(),
        roles=list(ROLES.items()),
    )
