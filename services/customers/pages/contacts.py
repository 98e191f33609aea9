"""The contacts on a customer's screen: add, edit, remove, bring back, status (C4, C5)."""

import json
import uuid
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from services.customers.domain import contacts as domain
from services.customers.domain.accounts import get_account
from services.customers.domain.records import CONTACT_FIELDS, contact_name
from services.customers.domain.status import set_contact_status
from services.customers.pages.forms import contact_typed
from services.customers.pages.statuses import REASONS
from services.customers.pages.wording import FIELD_LABELS
from services.customers.schemas import ContactIn, ContactPatch
from shared.db import read_only, unit_of_work
from shared.errors import DomainError, Invalid, RecordChanged
from shared.ui.records import short
from shared.web import current_actor, is_htmx, requires, toast
from shared.web.forms import Raw, as_typed, load_form, merge_typed, seen_in, status_typed
from shared.web.records import StatusIn

blueprint = Blueprint("contacts", __name__)
ONE = "/<uuid:account_id>/contacts/<uuid:contact_id>"


@blueprint.get("/<uuid:account_id>/contacts/new")
@requires("customers.edit")
def new_contact(account_id: uuid.UUID) -> str:
    """Show a blank form; the first contact is the primary one."""
    with read_only() as session:
        is_first = not domain.list_contacts(session, account_id)
    return _form(account_id, {"kind": "person", "is_primary": is_first})


@blueprint.post("/<uuid:account_id>/contacts")
@requires("customers.edit")
def add_contact(account_id: uuid.UUID) -> Response:
    """Add a contact; a refused form comes back as it was typed."""
    typed = contact_typed(request.form)
    try:
        values = load_form(ContactIn(), typed)
        with unit_of_work() as session:
            contact = domain.add_contact(session, current_actor(), account_id, values)
    except DomainError as refusal:
        return _again(_form(account_id, typed, refusal=refusal))
    return _list(account_id, f"{_name(contact)} was added.")


@blueprint.get(f"{ONE}/edit")
@requires("customers.edit")
def edit_form(account_id: uuid.UUID, contact_id: uuid.UUID) -> str:
    """Show the form with what is known."""
    with read_only() as session:
        contact = domain.get_contact(session, account_id, contact_id)
    return _form(account_id, as_typed(contact, CONTACT_FIELDS), contact)


@blueprint.post(f"{ONE}/edit")
@requires("customers.edit")
def edit_contact(account_id: uuid.UUID, contact_id: uuid.UUID) -> Response:
    """Save a contact; where somebody else was quicker, show what they changed and keep what was typed."""
    typed, values = contact_typed(request.form), {}
    try:
        values = load_form(ContactPatch(), typed)
        with unit_of_work() as session:
            contact = domain.edit_contact(
                session, current_actor(), account_id, contact_id, values, seen_in(request.form)
            )
    except DomainError as refusal:
        return _refused(account_id, contact_id, typed, values, refusal)
    return _list(account_id, f"{_name(contact)} was saved.")


def _refused(account_id: uuid.UUID, contact_id: uuid.UUID, typed: Raw, values: Raw, refusal: DomainError) -> Response:
    with read_only() as session:
        contact = domain.get_contact(session, account_id, contact_id)
    version = seen_in(request.form)
    if isinstance(refusal, RecordChanged):
        version = contact.version
        now = as_typed(contact, CONTACT_FIELDS)
        typed, refusal.fields = merge_typed(typed, values, now, refusal.extra["changes"], FIELD_LABELS)
    return _again(_form(account_id, typed, contact, refusal, version))


@blueprint.get(f"{ONE}/menu")
@requires("customers.view")
def contact_menu(account_id: uuid.UUID, contact_id: uuid.UUID) -> str:
    """Show what can be done with a contact."""
    with read_only() as session:
        contact = domain.get_contact(session, account_id, contact_id)
    return render_template("customers/contact_menu.html", contact=contact, name=_name(contact))


@blueprint.get(f"{ONE}/delete")
@requires("customers.edit")
def remove_dialog(account_id: uuid.UUID, contact_id: uuid.UUID) -> str:
    """Ask before a contact is removed."""
    with read_only() as session:
        contact = domain.get_contact(session, account_id, contact_id)
    return render_template("customers/contact_delete.html", contact=contact, name=_name(contact))


@blueprint.post(f"{ONE}/delete")
@requires("customers.edit")
def remove_contact(account_id: uuid.UUID, contact_id: uuid.UUID) -> Response:
    """Remove a contact; the toast offers the way back."""
    with unit_of_work() as session:
        name = _name(domain.get_contact(session, account_id, contact_id))
        domain.remove_contact(session, current_actor(), account_id, contact_id, seen_in(request.form))
    return _list(account_id, f"{name} was removed.", f"/customers/{account_id}/contacts/{contact_id}/restore")


@blueprint.post(f"{ONE}/restore")
@requires("customers.edit")
def restore_contact(account_id: uuid.UUID, contact_id: uuid.UUID) -> Response:
    """Bring a removed contact back."""
    with unit_of_work() as session:
        contact = domain.restore_contact(session, current_actor(), account_id, contact_id)
    return _list(account_id, f"{_name(contact)} is back.")


@blueprint.post(f"{ONE}/primary")
@requires("customers.edit")
def make_primary(account_id: uuid.UUID, contact_id: uuid.UUID) -> Response:
    """Make this contact the one to turn to first."""
    with unit_of_work() as session:
        contact = domain.edit_contact(session, current_actor(), account_id, contact_id, {"is_primary": True}, None)
    return _list(account_id, f"{_name(contact)} is the primary contact now.")


@blueprint.get(f"{ONE}/inactive")
@requires("set_status")
def inactive_dialog(account_id: uuid.UUID, contact_id: uuid.UUID) -> str:
    """Ask why a contact becomes inactive."""
    with read_only() as session:
        contact = domain.get_contact(session, account_id, contact_id)
    return _inactive(contact)


@blueprint.post(f"{ONE}/status")
@requires("set_status")
def change_contact_status(account_id: uuid.UUID, contact_id: uuid.UUID) -> Response:
    """Make a contact inactive, or active again."""
    with read_only() as session:
        contact = domain.get_contact(session, account_id, contact_id)
    try:
        values = load_form(StatusIn(), status_typed(request.values))
        with unit_of_work() as session:
            set_contact_status(session, current_actor(), account_id, contact_id, values["status"], values.get("reason"))
    except Invalid as refusal:
        return _again(_inactive(contact, request.form.get("reason", ""), refusal.fields))
    words = "active again" if values["status"] == "active" else "inactive now"
    return _list(account_id, f"{_name(contact)} is {words}.")


def _inactive(contact: Any, reason: str = "", errors: dict[str, list[str]] | None = None) -> str:
    return render_template(
        "ui/inactive.html",
        title=f"Make {_name(contact)} inactive?",
        text="The contact stays on this screen, marked as inactive.",
        action=f"/customers/{contact.account_id}/contacts/{contact.id}/status",
        reason=reason,
        errors=errors or {},
        reasons=REASONS,
    )


def _form(
    account_id: uuid.UUID,
    typed: Raw,
    contact: Any = None,
    refusal: DomainError | None = None,
    version: int | None = None,
) -> str:
    return render_template(
        "customers/contact_form.html",
        account_id=account_id,
        typed=typed,
        contact=contact,
        refusal=refusal,
        errors=refusal.fields if refusal else {},
        version=version if version is not None else contact and contact.version,
        labels=FIELD_LABELS,
    )


def _again(panel: str) -> Response:
    """Return a refused form, to be put where it was."""
    return make_response(panel, 422)


def _list(account_id: uuid.UUID, text: str, undo_url: str | None = None) -> Response:
    """Return the contacts as they are now, with what was done."""
    with read_only() as session:
        account = get_account(session, account_id)
        contacts = domain.list_contacts(session, account_id)
    response = make_response(render_template("customers/contacts.html", account=account, contacts=contacts))
    response.headers.update({"HX-Retarget": "#panel-contacts", "HX-Reswap": "innerHTML"})
    toast(response, text, undo_url=undo_url)
    events = json.loads(response.headers["HX-Trigger"]) if is_htmx() else {}
    response.headers["HX-Trigger"] = json.dumps({**events, "customers:changed": {}})  # the history tab listens
    return response


def _name(contact: Any) -> str:
    return short(contact_name(contact.first_name, contact.last_name))
