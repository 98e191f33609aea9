"""The customers that an associate looks after (A4): a tab on the associate's page, loaded from here."""

import uuid

import marshmallow as ma
from flask import Blueprint, render_template, request

from services.customers.domain.listing import matched_contacts
from services.customers.domain.looked_after import find_looked_after
from services.customers.schemas import LookedAfterQuery
from services.customers.schemas.search import search_query
from shared.db import read_only
from shared.web import next_cursor, pages_beside, requires
from shared.web.features import PARTNER_MANAGEMENT

blueprint = Blueprint("looked_after", __name__)
PAGE = 25


class TabQuery(LookedAfterQuery):
    """What the tab lists; `back` are the cursors of the pages before."""

    class Meta:
        """Addresses get parameters from elsewhere, too."""

        unknown = ma.EXCLUDE

    back = ma.fields.String(load_default="")


@blueprint.get("/fragments/of-associate/<uuid:associate_id>")
@requires("customers.view", feature=PARTNER_MANAGEMENT)
def looked_after(associate_id: uuid.UUID) -> str:
    """Show the customers of an associate that match, best first."""
    given = {name: text for name, text in request.args.items() if text}
    values = {**TabQuery().load(given), "status": "all", "limit": PAGE}
    q = values["q"] or ""
    with read_only() as session:
        found = find_looked_after(session, associate_id, search_query(values))
        matched = matched_contacts(session, found.items, q) if q else {}
    url = f"/customers/fragments/of-associate/{associate_id}"
    beside = pages_beside(url, {"q": q} if q else {}, values["cursor"], values["back"], next_cursor(found.next))
    is_part = request.headers.get("HX-Target", "").endswith("looked-after")
    return render_template(
        "customers/looked_after.html", found=found, matched=matched, q=q, url=url, is_part=is_part, **beside
    )
