"""Settings, Operations: what runs, what waits and why, and which workers are up (X4)."""

from flask import Blueprint, render_template

from services.portal.surroundings import operations_now
from shared.web import requires

blueprint = Blueprint("operations", __name__)
QUEUES = {"short": "Short files", "long": "Long files"}
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
    return render_template("portal/operations_now.html", now=operations_now(), queues=QUEUES, services=SERVICES)
