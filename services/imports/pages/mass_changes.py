"""Starting a mass change from the screen of a selection; its job is then shown as imports are."""

from flask import Blueprint, Response, make_response, render_template, request

from services.imports.domain.mass_changes import Wish
from services.imports.mass_changing import start
from services.imports.schemas import MassChangeIn
from shared.errors import DomainError
from shared.web import go_to, requires
from shared.web.features import PARTNER_MANAGEMENT
from shared.web.forms import load_form

blueprint = Blueprint("mass_changes", __name__)
ALL_ROLES = "all"
BOXES = {"associate_ids": "associate_name"}  # where on the form it is chosen
LABELS = {"associate_name": "Associates", "role": "Role", "action": "Action"}


@blueprint.post("/mass-changes")
@requires("assign", feature=PARTNER_MANAGEMENT)
def begin() -> Response:
    """Start a mass change; what is wrong is told above the form, which stays as it is."""
    form = request.form
    role = form.get("role", "")
    try:
        wish = load_form(
            MassChangeIn(),
            {
                "snapshot_id": form.get("snapshot_id", ""),
                "action": form.get("action", "add"),
                "associate_ids": [one for one in form.getlist("associate_ids") if one],
                "role": None if role == ALL_ROLES else role,
                "include_inactive": "include_inactive" in form,
            },
        )
        job = start(Wish(**wish), form.get("key", "")[:200])
    except DomainError as refusal:
        errors = {BOXES.get(name, name): words for name, words in refusal.fields.items()}
        page = render_template("imports/mass_refused.html", refusal=refusal, errors=errors, labels=LABELS)
        return make_response(page, 422)
    return go_to(f"/imports/{job.id}")
