"""Writing to a customer on the screen (A7): choose an occasion, tick whom it is for, look at it, send it."""

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, current_app, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from services.customers.domain.mail_templates import TEMPLATES, left_blank
from services.customers.domain.messages import Sent, get_message
from services.customers.domain.writing import Draft, draft_message, preview_message, write_message
from services.customers.pages.wording import STATE_WORDS
from services.customers.schemas.messages import DraftQuery, MessageIn
from shared.db import read_only, unit_of_work, uuid7
from shared.errors import Conflict, DomainError
from shared.ui.records import short
from shared.web import current_actor, current_identity, go_to, requires
from shared.web.features import PARTNER_MANAGEMENT, must_be_on, sees_associates
from shared.web.forms import Raw, load_form

blueprint = Blueprint("writing", __name__)
WRITE = "/<uuid:account_id>/write"
LABELS = {"subject": "Subject", "text": "Text", "to": "To", "copies": "Copies", "reply_to": "Answers go to"}
FIELDS = ("template", "subject", "text", "reply_to")


@blueprint.get(WRITE)
@requires("write_to_customers")
def write_form(account_id: uuid.UUID) -> str:
    """Show a mail as it begins, for the occasion in `template`, addressed to `contact`."""
    given = {"template": request.args.get("template") or "free_text", "contact_id": request.args.get("contact") or None}
    draft = _draft(account_id, load_form(DraftQuery(), given))
    typed = {
        "template": draft.template,
        "subject": draft.subject,
        "text": draft.text,
        "reply_to": draft.reply_to,
        "to": {str(one.id) for one in draft.recipients if one.suggested},
        "copies": set(),
    }
    return _form(draft, typed, uuid7())


@blueprint.post(WRITE)
@requires("write_to_customers")
def write(account_id: uuid.UUID) -> Response:
    """Show the mail as it will go out, or send it; what is not right comes back with the reason."""
    form = request.form
    typed = _typed(form)
    message_id = form.get("message_id", type=uuid.UUID) or uuid7()
    try:
        values = load_form(MessageIn(), _raw(account_id, typed))
        must_be_on(PARTNER_MANAGEMENT, values["associate_ids"])
        if form.get("step") == "send":
            return _send(account_id, values, message_id)
        if form.get("step") == "preview":
            return make_response(_preview(account_id, typed, values, message_id))
    except DomainError as refusal:
        if refusal.status == 404:  # nobody to write to
            raise
        if isinstance(refusal, Conflict):  # this id is another mail's
            message_id = uuid7()
        draft = _draft(account_id, {"template": _template(typed), "contact_id": None})
        return make_response(_form(draft, typed, message_id, refusal), refusal.status)
    draft = _draft(account_id, {"template": _template(typed), "contact_id": None})
    return make_response(_form(draft, typed, message_id))


def _send(account_id: uuid.UUID, values: Raw, message_id: uuid.UUID) -> Response:
    with unit_of_work() as session:
        message = write_message(
            session, current_actor(), account_id, values, with_copies=sees_associates(), message_id=message_id
        )
    home, name = f"/customers/{account_id}#history", short(message.account_name)
    if current_app.extensions["liaison.mail"]:
        return go_to(home, f"Your mail to {name} is on its way.")
    return go_to(home, f"Your mail to {name} is kept here. Nobody gets it, as there is no mail server.", tone="warning")


def _preview(account_id: uuid.UUID, typed: Raw, values: Raw, message_id: uuid.UUID) -> str:
    with read_only() as session:
        account, people = preview_message(session, account_id, values, with_copies=sees_associates())
    return render_template(
        "customers/write_preview.html",
        account=account,
        people=people,
        typed=typed,
        values=values,
        message_id=message_id,
        blanks=left_blank(f"{values['subject']}\n{values['text']}"),
        writer=current_identity().name,
        server=current_app.extensions["liaison.mail"],
    )


@blueprint.get("/<uuid:account_id>/messages/<uuid:message_id>")
@requires("customers.view")
def show_message(account_id: uuid.UUID, message_id: uuid.UUID) -> str:
    """Show a mail, and how far it has come."""
    with read_only() as session:
        sent = get_message(session, message_id, account_id)
    return message_page(sent)


def message_page(sent: Sent, trail: Sequence[tuple[str, str]] = ()) -> str:
    """Return the page of a mail; `trail` tells an administrator the way back."""
    return render_template(
        "customers/message.html",
        sent=sent,
        message=sent.message,
        states=STATE_WORDS,
        trail=trail,
        server=current_app.extensions["liaison.mail"],
    )


def _draft(account_id: uuid.UUID, asked: Raw) -> Draft:
    with read_only() as session:
        return draft_message(
            session,
            current_actor(),
            account_id,
            asked["template"],
            contact_id=asked["contact_id"],
            with_copies=sees_associates(),
        )


def _form(draft: Draft, typed: Raw, message_id: uuid.UUID, refusal: DomainError | None = None) -> str:
    return render_template(
        "customers/write.html",
        draft=draft,
        account=draft.account,
        typed=typed,
        message_id=message_id,
        templates=TEMPLATES,
        refusal=refusal,
        errors=refusal.fields if refusal else {},
        labels=LABELS,
        server=current_app.extensions["liaison.mail"],
    )


def _typed(form: MultiDict[str, str]) -> Raw:
    """Return what stands in the form; ticks are ids as text."""
    return {
        **{field: form.get(field, "") for field in FIELDS},
        "to": set(form.getlist("to")),
        "copies": set(form.getlist("copies")),
    }


def _raw(account_id: uuid.UUID, typed: Raw) -> dict[str, Any]:
    """Return what was typed as `MessageIn` takes it."""
    own = str(account_id)
    return {
        **{field: typed[field] for field in FIELDS},
        "to_account": own in typed["to"],
        "contact_ids": sorted(typed["to"] - {own}),
        "associate_ids": sorted(typed["copies"]),
    }


def _template(typed: Raw) -> str:
    known = {template.name for template in TEMPLATES}
    return typed["template"] if typed["template"] in known else "free_text"
