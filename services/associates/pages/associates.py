"""One associate: look, add, edit, delete, bring back, active or not, history (A2, A4, A11)."""

import uuid
from typing import Any

from flask import Blueprint, Response, make_response, render_template

from services.associates.domain import associates as domain
from services.associates.domain.history import last_deletion, read_history
from services.associates.domain.links import count_accounts
from services.associates.domain.records import FIELDS
from services.associates.errors import AssociateNotFound
from services.associates.pages.wording import FIELD_LABELS, KINDS, ROLES, timeline_entry
from services.associates.schemas import AssociateIn, AssociatePatch
from shared.countries import country_choices
from shared.db import read_only
from shared.web import requires
from shared.web.features import PARTNER_MANAGEMENT
from shared.web.forms import Raw
from shared.web.records import RecordPages

blueprint = Blueprint("associates", __name__)
TICKS = ("is_firm", "can_login")


def typed_in(form: Any) -> Raw:
    """Return what stands in the form of an associate."""
    return {
        **{name: form.get(name, "") for name in FIELDS if name not in TICKS},
        **{name: name in form for name in TICKS},
    }


pages = RecordPages(
    home="/associates",
    thing="associate",
    things="Associates",
    view="associates.view",
    edit="associates.edit",
    delete="associates.delete",
    feature=PARTNER_MANAGEMENT,
    gone=AssociateNotFound,
    blank={"kind": "employee", "is_firm": False, "can_login": False},
    fields=FIELDS,
    labels=FIELD_LABELS,
    typed=typed_in,
    new_schema=AssociateIn,
    patch_schema=AssociatePatch,
    get=domain.get_associate,
    create=domain.create_associate,
    change=domain.edit_associate,
    remove=domain.delete_associate,
    restore=domain.restore_associate,
    set_status=domain.set_associate_status,
    deletion=last_deletion,
    history=read_history,
    entry=timeline_entry,
    form_template="associates/form.html",
    form_extra=lambda: {"countries": country_choices(), "kinds": list(KINDS.items())},
    delete_template="associates/delete.html",
    delete_extra=lambda session, associate: {"accounts": count_accounts(session, associate.id)[0]},
    inactive_text="Its customers stay with it until somebody else is chosen, but it gets no new ones.",
    reasons=("Left us", "No longer a partner", "On leave", "Duplicate"),
)
pages.add_routes(blueprint)


@blueprint.get("/<uuid:associate_id>")
@requires("associates.view", feature=PARTNER_MANAGEMENT)
def show_associate(associate_id: uuid.UUID) -> Response:
    """Show an associate and how many customers it looks after; of a deleted one, that it was, and the way back."""
    with read_only() as session:
        try:
            associate = domain.get_associate(session, associate_id)
        except AssociateNotFound:
            return pages.deleted_page(associate_id)
        accounts, by_role = count_accounts(session, associate_id)
    page = render_template(
        "associates/show.html",
        associate=associate,
        accounts=accounts,
        by_role=[(ROLES[role], count) for role, count in by_role.items()],
        kinds=KINDS,
    )
    return make_response(page)
