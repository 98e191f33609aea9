"""Active and inactive, for customers and contacts, with the reason (C7)."""

import uuid

from flask import Blueprint, Response, make_response, render_template, request

from services.customers.domain.accounts import get_account
from services.customers.domain.status import set_account_status
from services.customers.schemas import StatusIn
from shared.db import read_only, unit_of_work
from shared.errors import Invalid
from shared.ui.records import short
from shared.web import current_actor, go_to, requires
from shared.web.forms import load_form, status_typed
from shared.web.places import back_url

blueprint = Blueprint("statuses", __name__)

REASONS = ("No longer buys from us", "Closed down", "Moved away", "Duplicate", "Asked to be left alone")


@blueprint.get("/<uuid:account_id>/inactive")
@requires("set_status")
def inactive_dialog(account_id: uuid.UUID) -> str:
    """Ask why a customer becomes inactive."""
    with read_only() as session:
        account = get_account(session, account_id)
    return _dialog(account_id, account.name)


@blueprint.post("/<uuid:account_id>/status")
@requires("set_status")
def change_account_status(account_id: uuid.UUID) -> Response:
    """Make a customer inactive or active again, and go back to where that was asked."""
    with read_only() as session:
        name = get_account(session, account_id).name
    try:
        values = load_form(StatusIn(), status_typed(request.values))
        with unit_of_work() as session:
            account = set_account_status(session, current_actor(), account_id, values["status"], values.get("reason"))
    except Invalid as refusal:
        return make_response(_dialog(account_id, name, request.form.get("reason", ""), refusal.fields), 422)
    if account.status == "active":
        return go_to(back_url("/customers"), f"{short(name)} is active again.")
    undo = f"/customers/{account_id}/status?status=active"
    return go_to(back_url("/customers"), f"{short(name)} is inactive now.", undo_url=undo)


def _dialog(account_id: uuid.UUID, name: str, reason: str = "", errors: dict[str, list[str]] | None = None) -> str:
    return render_template(
        "ui/inactive.html",
        title=f"Make {short(name)} inactive?",
        text="It stays in Liaison, but out of the list of active customers, and nothing new can be begun for it.",
        action=f"/customers/{account_id}/status",
        reason=reason,
        errors=errors or {},
        reasons=REASONS,
    )
