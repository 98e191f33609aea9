"""Settings by API: parts of Liaison that may be switched on."""

from typing import Any

from services.portal.api.blueprint import blueprint
from services.portal.caller import actor
from services.portal.domain import switches
from services.portal.schemas import SwitchIn, SwitchOut
from shared.db import read_only, unit_of_work
from shared.web import requires


@blueprint.route("/settings/partner-management", methods=["GET"])
@requires("settings.manage")
@blueprint.response(200, SwitchOut)
def show_partner_management() -> dict[str, Any]:
    """Tell whether partner management is switched on."""
    with read_only() as session:
        return {"on": switches.is_on(session, switches.PARTNER_MANAGEMENT)}


@blueprint.route("/settings/partner-management", methods=["PUT"])
@requires("settings.manage")
@blueprint.arguments(SwitchIn)
@blueprint.response(200, SwitchOut)
def switch_partner_management(values: dict[str, Any]) -> dict[str, Any]:
    """Switch partner management on or off. Off hides and refuses all of it, and deletes nothing."""
    with unit_of_work() as session:
        switches.switch(session, actor(), switches.PARTNER_MANAGEMENT, on=values["on"])
    return values
