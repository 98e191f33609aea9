"""The customers that an associate looks after (A4)."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from services.customers.domain.looked_after import find_looked_after
from services.customers.schemas import AccountPage, LookedAfterQuery
from services.customers.schemas.search import search_query
from shared.db import read_only
from shared.web import next_cursor, requires
from shared.web.described import refusal
from shared.web.features import PARTNER_MANAGEMENT

blp = Blueprint("looked_after", __name__, description="Customers by who looks after them.")


@blp.route("/associates/<uuid:associate_id>/accounts", methods=["GET"])
@requires("customers.view", feature=PARTNER_MANAGEMENT)
@blp.arguments(LookedAfterQuery, location="query")
@blp.response(200, AccountPage)
@refusal(blp, 409, "`partner_management_off`")
def list_looked_after(query: dict[str, Any], associate_id: uuid.UUID) -> dict[str, Any]:
    """List the customers of an associate, active and inactive, as the list of accounts orders them.

    A new link shows here within seconds.
    """
    with read_only() as session:
        found = find_looked_after(session, associate_id, search_query({**query, "status": "all"}))
    return {"items": found.items, "next": next_cursor(found.next), "count": found.count, "capped": found.capped}
