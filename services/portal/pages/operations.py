"""Settings, Operations: what runs, what waits and why, and which workers are up (X4)."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template

from services.portal.surroundings import operations_now
from shared.web import current_identity, requires

blueprint = Blueprint("operations", __name__)
QUEUES = {"short": "Short files", "long": "Long files"}
STATES = {"queued": "Queued", "running": "Running", "checking": "Checking", "undoing": "Being undone"}
SERVICES = {
    "portal": "Portal",
    "customers": "Customers",
    "customers_bulk": "Customers, bulk work",
    "associates": "Associates",
    "imports": "Imports",
}


@blueprint.get("/settings/operations")
@requires("operations.view")
def show_operations() -> str:
    """Show the frame; what is found out comes after it, since workers are listened for."""
    return render_template("portal/operations.html")


@blueprint.get("/settings/operations/now")
@requires("operations.view")
def show_now() -> str:
    """Show how everything is doing now; asked for again every ten seconds."""
    now, identity = operations_now(), current_identity()
    work = now.jobs["work"] if now.jobs else []
    return render_template(
        "portal/operations_now.html",
        now=now,
        queues=QUEUES,
        services=SERVICES,
        states=STATES,
        opens={one["id"] for one in work if all(map(identity.may, one["needs"]))},
    )


def work_name(work: Mapping[str, Any]) -> str:
    """Return in words what some work is: "Import of customers", "Undo of a mass change"."""
    kind = "a mass change" if work["kind"] == "mass_change" else work["kind"].replace("_", " ")
    return "Mass change" if work["what"] == "mass_change" else f"{work['what'].capitalize()} of {kind}"
