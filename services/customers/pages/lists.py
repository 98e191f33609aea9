"""The list of customers with its live search, row menus, and the fragment for the home page (C2, C3)."""

import uuid

import marshmallow as ma
from flask import Blueprint, render_template, request

from services.customers.domain.accounts import get_account, has_accounts, recent_accounts
from services.customers.domain.copies import associate_meant, name_of_associate
from services.customers.domain.listing import matched_contacts
from services.customers.domain.search import find_accounts
from services.customers.pages.wording import LINK_ROLES
from services.customers.schemas import AccountQuery
from services.customers.schemas.search import search_query
from shared.db import read_only
from shared.web import is_htmx, next_cursor, pages_beside, requires
from shared.web.features import PARTNER_MANAGEMENT, must_be_on

blueprint = Blueprint("lists", __name__)

PAGE = 50
RECENT = 6
CHOICES = ("q", "status", "role", "kind", "tag", "associate", "associate_role")


class ListQuery(AccountQuery):
    """What the screen lists: active ones, unless told otherwise; `back` are the cursors of the pages before."""

    class Meta:
        """Addresses get parameters from elsewhere, too."""

        unknown = ma.EXCLUDE

    back = ma.fields.String(load_default="")


@blueprint.get("")
@requires("customers.view")
def list_customers() -> str:
    """Show the customers that match, best first."""
    given = {name: text for name, text in request.args.items() if text}
    values = {**ListQuery().load({"status": "active", **given}), "limit": PAGE}
    must_be_on(PARTNER_MANAGEMENT, values.get("associate"), values.get("associate_role"))
    if not values.get("associate"):
        values.pop("associate_role", None)  # chosen before the associate: it waits for whom
    with read_only() as session:
        associate_id = associate_meant(session, values.get("associate"))
        associate_name = name_of_associate(session, associate_id)
        found = find_accounts(session, search_query(values, associate_id))
        contacts = matched_contacts(session, found.items, values["q"] or "") if values["q"] else {}
        is_empty = not found.items and not has_accounts(session)
    chosen = {
        name: values[name] for name in CHOICES if values.get(name) and (name, values[name]) != ("status", "active")
    }
    if associate_name:
        chosen["associate_name"] = associate_name  # for who reads the address; it filters nothing
    template = "customers/list.html" if _wants_list() else "customers/index.html"
    return render_template(
        template,
        found=found,
        matched=contacts,
        is_empty=is_empty,
        chosen=chosen,
        q=values["q"] or "",
        link_roles=LINK_ROLES,
        **pages_beside("/customers", chosen, values["cursor"], values["back"], next_cursor(found.next)),
    )


def _wants_list() -> bool:
    return is_htmx() and request.headers.get("HX-Target", "").endswith("customer-list")


@blueprint.get("/<uuid:account_id>/menu")
@requires("customers.view")
def account_menu(account_id: uuid.UUID) -> str:
    """Show what can be done with a customer; on its own page without what is there already."""
    with read_only() as session:
        account = get_account(session, account_id)
    return render_template("customers/menu.html", account=account, on_page="page" in request.args)


@blueprint.get("/fragments/recent")
@requires("customers.view")
def recent() -> str:
    """Show the customers that were added last, for the home page."""
    with read_only() as session:
        accounts = recent_accounts(session, RECENT)
    return render_template("customers/recent.html", accounts=accounts)
