"""The list of associates with its live search, and row menus (A2)."""

import uuid

import marshmallow as ma
from flask import Blueprint, render_template, request

from services.associates.domain.associates import get_associate
from services.associates.domain.search import find_associates, has_associates
from services.associates.pages.wording import KINDS
from services.associates.schemas import AssociateQuery, search_query
from shared.db import read_only
from shared.web import is_htmx, next_cursor, pages_beside, requires
from shared.web.features import PARTNER_MANAGEMENT

blueprint = Blueprint("lists", __name__)
PAGE = 50
CHOICES = ("q", "status", "kind")


class ListQuery(AssociateQuery):
    """What the screen lists: active ones, unless told otherwise; `back` are the cursors of the pages before."""

    class Meta:
        """Addresses get parameters from elsewhere, too."""

        unknown = ma.EXCLUDE

    back = ma.fields.String(load_default="")


@blueprint.get("")
@requires("associates.view", feature=PARTNER_MANAGEMENT)
def list_associates() -> str:
    """Show the associates that match, best first."""
    given = {name: text for name, text in request.args.items() if text}
    values = {**ListQuery().load({"status": "active", **given}), "limit": PAGE}
    with read_only() as session:
        found = find_associates(session, search_query(values))
        is_empty = not found.items and not has_associates(session)
    chosen = {
        name: values[name] for name in CHOICES if values.get(name) and (name, values[name]) != ("status", "active")
    }
    is_part = is_htmx() and request.headers.get("HX-Target", "").endswith("associate-list")
    return render_template(
        "associates/list.html" if is_part else "associates/index.html",
        found=found,
        is_empty=is_empty,
        chosen=chosen,
        q=values["q"] or "",
        kinds=KINDS,
        **pages_beside("/associates", chosen, values["cursor"], values["back"], next_cursor(found.next)),
    )


@blueprint.get("/<uuid:associate_id>/menu")
@requires("associates.view", feature=PARTNER_MANAGEMENT)
def associate_menu(associate_id: uuid.UUID) -> str:
    """Show what can be done with an associate; on its own page without what is there already."""
    with read_only() as session:
        associate = get_associate(session, associate_id)
    return render_template("associates/menu.html", associate=associate, on_page="page" in request.args)
