"""The JSON API of associates. While partner management is off, every route says so (A1)."""

from typing import Any

import flask_smorest

from services.associates.domain import partner_management
from services.associates.schemas import AssociateOut
from shared.db import read_only
from shared.web import PageQuery, page_of, requires

blueprint = flask_smorest.Blueprint("associates", "associates", description="Who looks after customers")


@blueprint.route("/associates", methods=["GET"])
@requires("customers.view")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(AssociateOut))
@blueprint.alt_response(409, description="partner_management_off")
def list_associates(query: dict[str, Any]) -> dict[str, Any]:
    """List associates; 409 `partner_management_off` until partner management is switched on."""
    with read_only() as session:
        partner_management.must_be_on(session)
    return {"items": [], "next": None}
