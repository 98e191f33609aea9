"""The screens of associates."""

from flask import Blueprint, render_template

from services.associates.domain import partner_management
from shared.db import read_only
from shared.web import requires

blueprint = Blueprint("pages", __name__)


@blueprint.get("/associates")
@requires("customers.view")
def overview() -> str:
    """Say that partner management is switched off."""
    with read_only() as session:
        on = partner_management.is_on(session)
    return render_template("associates/overview.html", on=on)
