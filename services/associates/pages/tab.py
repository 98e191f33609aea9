"""The tab *Associates* on a customer's page (A3): who looks after it; choose, create on the spot, change, remove."""

import json
import uuid
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, make_response, render_template, request

from services.associates.domain import associates, links
from services.associates.domain.search import Query, find_associates
from services.associates.errors import LinkNotFound
from services.associates.pages.wording import CAUSES, FIELD_LABELS, KINDS, ROLES
from services.associates.schemas import ColleagueIn, LinkIn, RolePatch
from services.associates.surroundings import account_facts
from shared.db import read_only, unit_of_work
from shared.errors import DomainError
from shared.ui.records import short
from shared.web import current_actor, current_identity, is_htmx, requires, toast
from shared.web.features import PARTNER_MANAGEMENT
from shared.web.forms import Raw, load_form

blueprint = Blueprint("tab", __name__)
OF_ACCOUNT = "/fragments/of-account/<uuid:account_id>"
ONE = f"{OF_ACCOUNT}/<uuid:link_id>"
SUGGESTED = 8
NEW = "new"


@blueprint.get(OF_ACCOUNT)
@requires("associates.view", feature=PARTNER_MANAGEMENT)
def show_tab(account_id: uuid.UUID) -> str:
    """Show who looks after a customer, and who did before."""
    return _tab(account_id)


@blueprint.get("/fragments/pick")
@requires("associates.view", "assign", feature=PARTNER_MANAGEMENT)
def pick() -> str:
    """Show the active associates that match what is being typed, to choose from.

    With `known=1` only from those that there are, else a new one is offered to who may add some. With `many`, for many
    customers at once, inactive ones are offered, too: they can be taken away.
    """
    typed = request.args.get("associate_name", "")
    is_many = "many" in request.args
    with read_only() as session:
        found = find_associates(session, Query(text=typed, limit=SUGGESTED, status="all" if is_many else "active"))
    may_create = current_identity().may("associates.edit") and typed.strip() and not request.args.get("known")
    return render_template(
        "associates/options.html", found=found, typed=typed.strip()[:300], may_create=may_create, kinds=KINDS, new=NEW
    )


@blueprint.get(f"{OF_ACCOUNT}/add")
@requires("assign", feature=PARTNER_MANAGEMENT)
def add_dialog(account_id: uuid.UUID) -> str:
    """Show the blank dialog."""
    return _dialog(account_id, {"role": "manages", "kind": "employee"})


@blueprint.post(OF_ACCOUNT)
@requires("assign", feature=PARTNER_MANAGEMENT)
def add_link(account_id: uuid.UUID) -> Response:
    """Let the chosen associate, or one created on the spot, look after the customer."""
    typed = request.form.to_dict()
    try:
        account = account_facts(account_id)
        with unit_of_work() as session:
            given = {**typed, "associate_id": _chosen(session, typed), "since": typed.get("since") or None}
            values = load_form(LinkIn(unknown=ma.EXCLUDE), given)
            associate_id, role = values["associate_id"], values["role"]
            more = {"primary": values["is_primary"], "since": values["since"]}
            links.begin_link(session, current_actor(), account, associate_id, role, **more)
            name = associates.get_associate(session, associate_id).name
    except DomainError as refusal:
        return make_response(_dialog(account_id, typed, refusal), 422)
    return _done(account_id, f"{short(name)} looks after this customer now.")


def _chosen(session: Any, typed: Raw) -> str:
    """Return the id of the chosen associate, after creating it if that was chosen."""
    if typed.get("associate_id") != NEW or not current_identity().may("associates.edit"):
        return str(typed.get("associate_id", ""))
    given = {"name": typed.get("associate_name", ""), "kind": typed.get("kind", ""), "email": typed.get("email", "")}
    values = load_form(ColleagueIn(), {name: text for name, text in given.items() if text})
    return str(associates.create_associate(session, current_actor(), values).id)


@blueprint.get(f"{ONE}/menu")
@requires("associates.view", feature=PARTNER_MANAGEMENT)
def link_menu(account_id: uuid.UUID, link_id: uuid.UUID) -> str:
    """Show what can be done with one who looks after a customer."""
    return render_template("associates/link_menu.html", one=_open(account_id, link_id))


@blueprint.get(f"{ONE}/role")
@requires("assign", feature=PARTNER_MANAGEMENT)
def role_dialog(account_id: uuid.UUID, link_id: uuid.UUID) -> str:
    """Ask for another role."""
    return _role_dialog(_open(account_id, link_id))


@blueprint.post(f"{ONE}/role")
@requires("assign", feature=PARTNER_MANAGEMENT)
def change_role(account_id: uuid.UUID, link_id: uuid.UUID) -> Response:
    """Change the role."""
    one = _open(account_id, link_id)
    try:
        values = load_form(RolePatch(only=("role",)), {"role": request.form.get("role", "")})
        account = account_facts(account_id)
        with unit_of_work() as session:
            links.change_role(session, current_actor(), account, link_id, values["role"])
    except DomainError as refusal:
        return make_response(_role_dialog(one, refusal), 422)
    return _done(account_id, f"{_name(one)} has the role {ROLES[values['role']]} now.")


@blueprint.get(f"{ONE}/since")
@requires("assign", feature=PARTNER_MANAGEMENT)
def since_dialog(account_id: uuid.UUID, link_id: uuid.UUID) -> str:
    """Ask since when the associate looks after the customer."""
    return _since_dialog(_open(account_id, link_id))


@blueprint.post(f"{ONE}/since")
@requires("assign", feature=PARTNER_MANAGEMENT)
def change_since(account_id: uuid.UUID, link_id: uuid.UUID) -> Response:
    """Say since when."""
    one, typed = _open(account_id, link_id), request.form.get("since", "")
    try:
        values = load_form(RolePatch(only=("since",)), {"since": typed})
        account = account_facts(account_id)
        with unit_of_work() as session:
            links.change_since(session, current_actor(), account, link_id, values["since"])
    except DomainError as refusal:
        return make_response(_since_dialog(one, typed, refusal), 422)
    return _done(account_id, f"{_name(one)} looks after this customer since {values['since']:%-d %b %Y}.")


@blueprint.post(f"{ONE}/primary")
@requires("assign", feature=PARTNER_MANAGEMENT)
def make_primary(account_id: uuid.UUID, link_id: uuid.UUID) -> Response:
    """Make this the associate to turn to first."""
    one = _open(account_id, link_id)
    account = account_facts(account_id)
    with unit_of_work() as session:
        links.make_primary(session, current_actor(), account, link_id)
    return _done(account_id, f"{_name(one)} is the one to turn to first now.")


@blueprint.post(f"{ONE}/remove")
@requires("assign", feature=PARTNER_MANAGEMENT)
def remove_link(account_id: uuid.UUID, link_id: uuid.UUID) -> Response:
    """End a link; the toast offers the way back."""
    one = _open(account_id, link_id)
    account = account_facts(account_id)
    with unit_of_work() as session:
        links.end_link(session, current_actor(), account, link_id)
    undo = f"/associates/fragments/of-account/{account_id}/{link_id}/restore"
    return _done(account_id, f"{_name(one)} no longer looks after this customer.", undo)


@blueprint.post(f"{ONE}/restore")
@requires("assign", feature=PARTNER_MANAGEMENT)
def restore_link(account_id: uuid.UUID, link_id: uuid.UUID) -> Response:
    """Take back that a link ended."""
    account = account_facts(account_id)
    with unit_of_work() as session:
        links.reopen_link(session, current_actor(), account, link_id)
    return _done(account_id, f"{_name(_open(account_id, link_id))} looks after this customer again.")


def _open(account_id: uuid.UUID, link_id: uuid.UUID) -> links.LinkOfAccount:
    with read_only() as session:
        found = [one for one in links.links_of_account(session, account_id) if one.link.id == link_id]
    if not found:
        raise LinkNotFound(link_id)
    return found[0]


def _name(one: links.LinkOfAccount) -> str:
    return short(one.associate.name) if one.associate else "The associate"


def _tab(account_id: uuid.UUID) -> str:
    with read_only() as session:
        now, former = links.links_of_account(session, account_id), links.former_links(session, account_id)
    return render_template(
        "associates/tab.html",
        account_id=account_id,
        now=now,
        former=former,
        kinds=KINDS,
        roles=ROLES,
        causes=CAUSES,
    )


def _dialog(account_id: uuid.UUID, typed: Raw, refusal: DomainError | None = None) -> str:
    return render_template(
        "associates/add.html",
        account_id=account_id,
        typed=typed,
        refusal=refusal,
        errors=refusal.fields if refusal else {},
        labels=FIELD_LABELS | {"name": "Associate"},
        kinds=list(KINDS.items()),
        roles=list(ROLES.items()),
        new=NEW,
    )


def _role_dialog(one: links.LinkOfAccount, refusal: DomainError | None = None) -> str:
    errors = {"role": [refusal.sentence]} if refusal else {}
    return render_template("associates/role.html", one=one, name=_name(one), roles=list(ROLES.items()), errors=errors)


def _since_dialog(one: links.LinkOfAccount, typed: str | None = None, refusal: DomainError | None = None) -> str:
    return render_template(
        "associates/since.html",
        one=one,
        name=_name(one),
        since=one.link.begun_at.date().isoformat() if typed is None else typed,
        errors={"since": refusal.fields.get("since", [refusal.sentence])} if refusal else {},
    )


def _done(account_id: uuid.UUID, text: str, undo_url: str | None = None) -> Response:
    """Return the tab as it is now, with what was done."""
    response = make_response(_tab(account_id))
    response.headers.update({"HX-Retarget": "#panel-associates", "HX-Reswap": "innerHTML"})
    toast(response, text, undo_url=undo_url)
    events = json.loads(response.headers["HX-Trigger"]) if is_htmx() else {}
    response.headers["HX-Trigger"] = json.dumps({**events, "associates:changed": {}})
    return response
