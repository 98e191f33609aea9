"""One customer: look, add, edit, delete, bring back, history (C1, C8, C17)."""

import uuid
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from services.customers.domain import accounts as domain
from services.customers.domain.contacts import list_contacts
from services.customers.domain.history import last_removal, read_history
from services.customers.domain.records import ACCOUNT_FIELDS
from services.customers.errors import AccountNotFound
from services.customers.pages.forms import account_typed
from services.customers.pages.wording import FIELD_LABELS, timeline_entry
from services.customers.schemas import AccountIn, AccountPatch
from shared.countries import country_choices
from shared.db import read_only, unit_of_work
from shared.errors import DomainError, RecordChanged
from shared.ui.records import short
from shared.web import current_actor, current_identity, go_to, id_place, next_cursor, requires
from shared.web.forms import Raw, as_typed, load_form, merge_typed, seen_in
from shared.web.places import back_to_list

blueprint = Blueprint("accounts", __name__)

BLANK: Raw = {"kind": "company", "is_customer": True, "is_vendor": False, "attributes": {}}
HISTORY_PAGE = 30


@blueprint.get("/<uuid:account_id>")
@requires("customers.view")
def show_account(account_id: uuid.UUID) -> Response:
    """Show a customer with its contacts; of one that is gone, who removed it, and the way back if there is one."""
    with read_only() as session:
        try:
            account = domain.get_account(session, account_id)
        except AccountNotFound:
            deletion = last_removal(session, account_id)
            if deletion is None:
                raise
            return make_response(_deleted(account_id, deletion), 404)
        contacts = list_contacts(session, account_id)
    return make_response(render_template("customers/show.html", account=account, contacts=contacts))


def _deleted(account_id: uuid.UUID, deletion: Any) -> str:
    return render_template(
        "ui/deleted.html",
        deletion=deletion,
        things="Customers",
        thing="customer",
        home="/customers",
        url=f"/customers/{account_id}",
        may_restore=current_identity().may("customers.delete"),
    )


@blueprint.get("/new")
@requires("customers.edit")
def new_account() -> str:
    """Show a blank form."""
    return _form(BLANK)


@blueprint.post("")
@requires("customers.edit")
def create_account() -> Response:
    """Add a customer; a refused form comes back as it was typed."""
    typed = account_typed(request.form)
    try:
        values = load_form(AccountIn(), typed)
        with unit_of_work() as session:
            account = domain.create_account(session, current_actor(), values)
    except DomainError as refusal:
        return make_response(_form(typed, refusal=refusal), refusal.status)
    return go_to(f"/customers/{account.id}", f"{short(account.name)} was added.")


@blueprint.get("/<uuid:account_id>/edit")
@requires("customers.edit")
def edit_form(account_id: uuid.UUID) -> str:
    """Show the form with what is known."""
    with read_only() as session:
        account = domain.get_account(session, account_id)
    return _form(as_typed(account, ACCOUNT_FIELDS), account)


@blueprint.post("/<uuid:account_id>/edit")
@requires("customers.edit")
def edit_account(account_id: uuid.UUID) -> Response:
    """Save a customer; where somebody else was quicker, show what they changed and keep what was typed."""
    typed, values = account_typed(request.form), {}
    try:
        values = load_form(AccountPatch(), typed)
        with unit_of_work() as session:
            account = domain.edit_account(session, current_actor(), account_id, values, seen_in(request.form))
    except DomainError as refusal:
        return _refused(account_id, typed, values, refusal)
    return go_to(f"/customers/{account.id}", f"{short(account.name)} was saved.")


def _refused(account_id: uuid.UUID, typed: Raw, values: Raw, refusal: DomainError) -> Response:
    with read_only() as session:
        account = domain.get_account(session, account_id)
    if not isinstance(refusal, RecordChanged):
        return make_response(_form(typed, account, refusal, version=seen_in(request.form)), refusal.status)
    now = as_typed(account, ACCOUNT_FIELDS)
    merged, refusal.fields = merge_typed(typed, values, now, refusal.extra["changes"], FIELD_LABELS)
    return make_response(_form(merged, account, refusal), refusal.status)


def _form(typed: Raw, account: Any = None, refusal: DomainError | None = None, version: int | None = None) -> str:
    return render_template(
        "customers/form.html",
        typed=typed,
        account=account,
        refusal=refusal,
        errors=refusal.fields if refusal else {},
        version=version if version is not None else account and account.version,
        countries=country_choices(),
        labels=FIELD_LABELS,
    )


@blueprint.get("/fragments/attribute")
@requires("customers.edit")
def attribute_row() -> str:
    """Show one more row for a field of the company's own."""
    return render_template("customers/attribute.html", name="", text="")


@blueprint.get("/<uuid:account_id>/delete")
@requires("customers.delete")
def delete_dialog(account_id: uuid.UUID) -> str:
    """Ask before a customer is deleted."""
    with read_only() as session:
        account = domain.get_account(session, account_id)
        contacts = list_contacts(session, account_id)
    return render_template("customers/delete.html", account=account, contacts=contacts)


@blueprint.post("/<uuid:account_id>/delete")
@requires("customers.delete")
def delete_account(account_id: uuid.UUID) -> Response:
    """Delete a customer; the toast offers the way back."""
    with unit_of_work() as session:
        name = domain.get_account(session, account_id).name
        domain.delete_account(session, current_actor(), account_id, seen_in(request.form))
    undo = f"/customers/{account_id}/restore"
    return go_to(back_to_list("/customers"), f"{short(name)} was deleted.", undo_url=undo)


@blueprint.post("/<uuid:account_id>/restore")
@requires("customers.delete")
def restore_account(account_id: uuid.UUID) -> Response:
    """Bring a deleted customer back."""
    with unit_of_work() as session:
        account = domain.restore_account(session, current_actor(), account_id)
    return go_to(f"/customers/{account_id}", f"{short(account.name)} is back.")


@blueprint.get("/<uuid:account_id>/history")
@requires("customers.view")
def history(account_id: uuid.UUID) -> str:
    """Show who changed what and when, a page at a time."""
    before = id_place(request.args.get("cursor"))
    with read_only() as session:
        entries, following = read_history(session, account_id, limit=HISTORY_PAGE, before=before)
    return render_template(
        "ui/history.html",
        url=f"/customers/{account_id}/history",
        changed="customers:changed",
        entries=[timeline_entry(entry) for entry in entries],
        is_first=before is None,
        next_cursor=next_cursor(following),
    )
