"""Selections of customers on the screen: paste codes, or take what the list shows; then what they are now (A8, A9)."""

import uuid
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, make_response, render_template, request

from services.customers.domain import selections as domain
from services.customers.domain.pasted import MOST_CODES, as_pasted
from services.customers.domain.search import find_accounts
from services.customers.schemas.codes_file import codes_file
from services.customers.schemas.exports import ExportFilter
from services.customers.schemas.selections import listed_query
from shared.db import read_only, unit_of_work
from shared.errors import DomainError
from shared.ui.wording import plural
from shared.web import current_actor, go_to, requires
from shared.web.features import PARTNER_MANAGEMENT
from shared.web.forms import load_form

blueprint = Blueprint("selections", __name__)
ONE = "/selections/<uuid:selection_id>"
WORDS = {
    "active": "active", "inactive": "inactive", "all": "active and inactive", "company": "companies",
    "person": "persons", "customer": "customers", "vendor": "vendors",
}  # fmt: skip


@blueprint.get("/selections/new")
@requires("assign", feature=PARTNER_MANAGEMENT)
def new_selection() -> str:
    """Show the box for codes; with `from`, those of an earlier selection in it."""
    codes = ""
    if given := request.args.get("from", type=uuid.UUID):
        with read_only() as session:
            codes = as_pasted(domain.get_selection(session, given).codes or [])
    return _box(codes)


@blueprint.get("/selections/ask")
@requires("assign", feature=PARTNER_MANAGEMENT)
def ask() -> str:
    """Ask whether all that the list shows is meant."""
    chosen = _chosen(request.args)
    with read_only() as session:
        found = find_accounts(session, listed_query(session, {**chosen, "limit": 1}))
    return render_template("customers/selection_ask.html", chosen=chosen, found=found, words=_told(chosen))


@blueprint.post("/selections")
@requires("assign", feature=PARTNER_MANAGEMENT)
def make_selection() -> Response:
    """Keep what was pasted, ticked or listed, and go to where it is."""
    form = request.form
    try:
        with unit_of_work() as session:
            actor = current_actor()
            if "codes" in form:
                made = domain.select_codes(session, actor, form["codes"])
            elif "account" in form:
                ids = form.getlist("account", type=uuid.UUID)
                made = domain.select_ticked(session, actor, ids)
            else:
                made = domain.select_listed(session, actor, _chosen(form))
    except DomainError as refusal:
        return make_response(_box(form.get("codes", ""), refusal), refusal.status)
    return go_to(f"/customers/selections/{made.id}")


@blueprint.get(ONE)
@requires("assign", feature=PARTNER_MANAGEMENT)
def show_selection(selection_id: uuid.UUID) -> str:
    """Show a selection; what it is now comes after it."""
    with read_only() as session:
        selection = domain.get_selection(session, selection_id)
    return render_template("customers/selection.html", selection=selection, words=_words(selection))


@blueprint.post(f"{ONE}/resolve")
@requires("assign", feature=PARTNER_MANAGEMENT)
def resolve(selection_id: uuid.UUID) -> str:
    """Show what the selection is now, and what can be done with it."""
    with unit_of_work() as session:
        snapshot = domain.resolve(session, selection_id, listed_query)
        selection = domain.get_selection(session, selection_id)
    return render_template(
        "customers/selection_report.html", selection=selection, snapshot=snapshot, report=snapshot.report
    )


@blueprint.get(f"{ONE}/unknown.csv")
@requires("assign", feature=PARTNER_MANAGEMENT)
def unknown_file(selection_id: uuid.UUID) -> Response:
    """Give out all pasted codes that no customer has."""
    with read_only() as session:
        codes = domain.unknown_codes(session, selection_id, listed_query)
    response = Response(codes_file(codes), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename="unknown-codes.csv")
    return response


@blueprint.post(f"{ONE}/zeros")
@requires("assign", feature=PARTNER_MANAGEMENT)
def take_zeros(selection_id: uuid.UUID) -> Response:
    """Put right the codes that only lost leading zeros."""
    with unit_of_work() as session:
        made = domain.take_zeros(session, current_actor(), selection_id, listed_query)
    return go_to(f"/customers/selections/{made.id}", "The codes were put right.")


class ListedFilter(ExportFilter):
    """What the list was asked for; addresses get parameters from elsewhere, too."""

    class Meta(ExportFilter.Meta):
        """All pages are meant."""

        unknown = ma.EXCLUDE


def _chosen(given: Mapping[str, str]) -> dict[str, Any]:
    typed = {name: text for name, text in given.items() if text}
    if "associate" not in typed:
        typed = {name: text for name, text in typed.items() if not name.startswith("associate")}
    return {name: value for name, value in load_form(ListedFilter(), {"status": "active", **typed}).items() if value}


def _box(codes: str, refusal: DomainError | None = None) -> str:
    return render_template(
        "customers/selection_new.html",
        codes=codes,
        most=MOST_CODES,
        errors=(refusal.fields or {"codes": [refusal.sentence]}) if refusal else {},
    )


def _words(selection: Any) -> str:
    if selection.source == "codes":
        return f"{plural(sum(selection.times), 'pasted code')}"
    if selection.source == "ticked":
        return f"{plural(len(selection.account_ids), 'ticked customer')}"
    return f"All that the list shows: {_told(selection.chosen or {})}"


def _told(chosen: Mapping[str, Any]) -> str:
    """Return in words what the list was asked for: "“smith”, active, companies"."""
    parts = [f"“{chosen['q']}”"] if chosen.get("q") else []
    parts += [f"the customer {chosen['account']}"] if chosen.get("account") else []
    parts += [f"tagged {chosen['tag']}"] if chosen.get("tag") else []
    parts += [f"of {chosen.get('associate_name') or 'one associate'}"] if chosen.get("associate") else []
    own = ("q", "tag", "associate", "associate_name")
    others = (str(value).replace("_", " ") for name, value in chosen.items() if name not in own)
    return ", ".join([*parts, *(WORDS.get(value, value) for value in others)])
