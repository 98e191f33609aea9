"""Settings, Sales: partner management can be switched on (A1)."""

from flask import Blueprint, Response, render_template, request

from services.portal.caller import actor
from services.portal.domain import switches
from shared.db import read_only, unit_of_work
from shared.web import go_to, requires

blueprint = Blueprint("sales", __name__)
PAGE = "/settings/sales"


@blueprint.get(PAGE)
@requires("settings.manage")
def show_sales() -> str:
    """Show the switch."""
    with read_only() as session:
        on = switches.is_on(session, switches.PARTNER_MANAGEMENT)
    return render_template("portal/sales.html", on=on)


@blueprint.post(f"{PAGE}/partner-management")
@requires("settings.manage")
def switch_partner_management() -> Response:
    """Switch partner management on or off."""
    on = request.values.get("on") == "true"
    with unit_of_work() as session:
        switches.switch(session, actor(), switches.PARTNER_MANAGEMENT, on=on)
    if on:
        return go_to(PAGE, "Partner management is on. Associates are in the menu now.")
    undo = f"{PAGE}/partner-management?on=true"
    return go_to(PAGE, "Partner management is off. Nothing was deleted.", undo_url=undo)
