"""The list of customers with its live search, row menus, and the fragment for the home page (C2, C3)."""

import uuid
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
from flask import Blueprint, render_template, request

from services.customers.domain.accounts import get_account, has_accounts, recent_accounts
from services.customers.domain.listing import matched_contacts
from services.customers.domain.search import Found, find_accounts
from services.customers.schemas import AccountQuery
from services.customers.schemas.search import next_cursor, search_query
from shared.db import read_only
from shared.web import is_htmx, requires

blueprint = Blueprint("lists", __name__)

PAGE = 50
LONGEST_TRAIL = 30
RECENT = 6
CHOICES = ("q", "status", "role", "kind", "tag")


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
    with read_only() as session:
        found = find_accounts(session, search_query(values))
        contacts = matched_contacts(session, found.items, values["q"] or "") if values["q"] else {}
        is_empty = not found.items and not has_accounts(session)
    chosen = {
        name: values[name] for name in CHOICES if values.get(name) and (name, values[name]) != ("status", "active")
    }
    template = "customers/list.html" if _wants_list() else "customers/index.html"
    return render_template(
        template,
        found=found,
        matched=contacts,
        is_empty=is_empty,
        chosen=chosen,
        q=values["q"] or "",
        **_pages(values, chosen, found),
    )


def _wants_list() -> bool:
    return is_htmx() and request.headers.get("HX-Target", "").endswith("customer-list")


def _pages(values: dict[str, Any], chosen: dict[str, str], found: Found) -> dict[str, Any]:
    """Return the addresses of the pages beside this one. The way back is in the address: keysets only go forward."""
    trail = [cursor for cursor in values["back"].split(".") if cursor]
    here, following = values["cursor"], next_cursor(found.next)
    next_url = prev_url = None
    if following:
        behind = {"back": ".".join([*trail, here][-LONGEST_TRAIL:])} if here else {}
        next_url = _url(chosen | {"cursor": following} | behind)
    if here:
        before = {"cursor": trail[-1], "back": ".".join(trail[:-1])} if trail else {}
        prev_url = _url(chosen | {name: text for name, text in before.items() if text})
    return {"prev_url": prev_url, "next_url": next_url, "is_first": not here}


def _url(parameters: dict[str, str]) -> str:
    return f"/customers?{urlencode(parameters)}" if parameters else "/customers"


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
