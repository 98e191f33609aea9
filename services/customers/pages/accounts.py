"""One customer: look, add, edit, delete, bring back, active or not, history (C1, C7, C8, C17)."""

import uuid

from flask import Blueprint, Response, make_response, render_template

from services.customers.domain import accounts as domain
from services.customers.domain.contacts import list_contacts
from services.customers.domain.history import last_removal, read_history
from services.customers.domain.records import ACCOUNT_FIELDS
from services.customers.domain.status import set_account_status
from services.customers.errors import AccountNotFound
from services.customers.pages.forms import account_typed
from services.customers.pages.statuses import REASONS
from services.customers.pages.wording import FIELD_LABELS, timeline_entry
from services.customers.schemas import AccountIn, AccountPatch
from shared.countries import country_choices
from shared.db import read_only
from shared.web import requires
from shared.web.records import RecordPages

blueprint = Blueprint("accounts", __name__)
pages = RecordPages(
    home="/customers",
    thing="customer",
    things="Customers",
    view="customers.view",
    edit="customers.edit",
    delete="customers.delete",
    gone=AccountNotFound,
    blank={"kind": "company", "is_customer": True, "is_vendor": False, "attributes": {}},
    fields=ACCOUNT_FIELDS,
    labels=FIELD_LABELS,
    typed=account_typed,
    new_schema=AccountIn,
    patch_schema=AccountPatch,
    get=domain.get_account,
    create=domain.create_account,
    change=domain.edit_account,
    remove=domain.delete_account,
    restore=domain.restore_account,
    set_status=set_account_status,
    deletion=last_removal,
    history=read_history,
    entry=timeline_entry,
    form_template="customers/form.html",
    form_extra=lambda: {"countries": country_choices()},
    delete_template="customers/delete.html",
    delete_extra=lambda session, account: {"contacts": list_contacts(session, account.id)},
    inactive_text="It stays in Liaison, but out of the list of active customers, and nothing new can be begun for it.",
    reasons=REASONS,
)
pages.add_routes(blueprint)


@blueprint.get("/<uuid:account_id>")
@requires("customers.view")
def show_account(account_id: uuid.UUID) -> Response:
    """Show a customer with its contacts; of one that is gone, who removed it, and the way back if there is one."""
    with read_only() as session:
        try:
            account = domain.get_account(session, account_id)
        except AccountNotFound:
            return pages.deleted_page(account_id)
        contacts = list_contacts(session, account_id)
    return make_response(render_template("customers/show.html", account=account, contacts=contacts))


@blueprint.get("/fragments/attribute")
@requires("customers.edit")
def attribute_row() -> str:
    """Show one more row for a field of the company's own."""
    return render_template("customers/attribute.html", name="", text="")
