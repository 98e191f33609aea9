"""Settings, Mail: what was written to customers, how far it has come, and trying again (A7)."""

import uuid

import marshmallow as ma
from flask import Blueprint, Response, current_app, render_template, request

from services.customers.domain import messages as domain
from services.customers.pages.wording import STATE_WORDS
from services.customers.pages.writing import message_page
from services.customers.schemas.messages import MessageQuery
from shared.db import read_only, unit_of_work
from shared.web import go_to, id_place, next_cursor, pages_beside, requires
from shared.web.forms import load_form

blueprint = Blueprint("mail", __name__)
PAGE = "/settings/mail"
ROWS = 50


class ListQuery(MessageQuery):
    """What the screen lists; `back` are the cursors of the pages before."""

    class Meta:
        """Addresses get parameters from elsewhere, too."""

        unknown = ma.EXCLUDE

    back = ma.fields.String(load_default="")


@blueprint.get(PAGE)
@requires("settings.manage")
def list_mail() -> str:
    """Show the mails, newest first."""
    query = load_form(ListQuery(), {name: text for name, text in request.args.items() if text})
    with read_only() as session:
        place = id_place(query["cursor"])
        items, following = domain.list_messages(session, ROWS, place, state=query["state"])
    chosen = {"state": query["state"]} if query["state"] else {}
    return render_template(
        "customers/mail.html",
        items=items,
        state=query["state"],
        states=STATE_WORDS,
        server=current_app.extensions["liaison.mail"],
        **pages_beside(PAGE, chosen, query["cursor"], query["back"], next_cursor(following)),
    )


@blueprint.get(f"{PAGE}/<uuid:message_id>")
@requires("settings.manage")
def show_mail(message_id: uuid.UUID) -> str:
    """Show one mail, also of a customer that was deleted since."""
    with read_only() as session:
        sent = domain.get_message(session, message_id)
    return message_page(sent, [("Mail", PAGE), (sent.message.subject, "")])


@blueprint.post(f"{PAGE}/<uuid:message_id>/retry")
@requires("settings.manage")
def retry_mail(message_id: uuid.UUID) -> Response:
    """Try a mail anew."""
    with unit_of_work() as session:
        domain.retry_message(session, message_id)
    return go_to(f"{PAGE}/{message_id}", "The mail is tried again.")
