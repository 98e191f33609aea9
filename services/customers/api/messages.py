"""Mails to customers (A7): begin, send, follow, try again."""

import uuid
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.customers.domain import messages as domain
from services.customers.domain.writing import draft_message, write_message
from services.customers.schemas.messages import DraftOut, DraftQuery, MessageIn, MessageOut, MessageQuery
from shared.db import read_only, unit_of_work
from shared.web import (
    PageQuery,
    current_actor,
    etag_of,
    id_place,
    idempotent,
    next_cursor,
    page_of,
    requires,
    unchanged,
)
from shared.web.described import IDEMPOTENCY_KEY, refusal
from shared.web.features import PARTNER_MANAGEMENT, must_be_on, sees_associates

blp = Blueprint("messages", __name__, description="Mails to customers, with copies to who looks after them.")
Values = dict[str, Any]
PAGE = page_of(MessageOut)
OF_ACCOUNT = "/accounts/<uuid:account_id>/messages"


@blp.route("/accounts/<uuid:account_id>/message-draft", methods=["GET"])
@requires("write_to_customers")
@blp.arguments(DraftQuery, location="query")
@blp.response(200, DraftOut)
def begin_message(query: Values, account_id: uuid.UUID) -> Any:
    """Give what a mail begins with, and whom it can go to; nothing is kept.

    Copies are offered while partner management is on, those first whose role fits what the mail is about.
    """
    with read_only() as session:
        return draft_message(
            session,
            current_actor(),
            account_id,
            query["template"],
            contact_id=query["contact_id"],
            with_copies=sees_associates(),
        )


@blp.route(OF_ACCOUNT, methods=["POST"])
@requires("write_to_customers")
@idempotent
@blp.doc(parameters=[IDEMPOTENCY_KEY])
@blp.arguments(MessageIn)
@blp.response(201, MessageOut, description="The mail, to be sent; `Location` and `ETag` in the headers.")
@refusal(blp, 409, "`partner_management_off`: copies to associates while that is switched off.")
@refusal(blp, 422, "`no_recipient`, `unknown_recipient`, `invalid`.")
def send_message(values: Values, account_id: uuid.UUID) -> tuple[Any, Values]:
    """Write a mail to a customer. It is sent within seconds, in the background; `state` tells how far it is.

    Send an `Idempotency-Key` header so that a repeat after a lost answer does not send a second one.
    """
    must_be_on(PARTNER_MANAGEMENT, values["associate_ids"])
    with unit_of_work() as session:
        message = write_message(session, current_actor(), account_id, values, with_copies=sees_associates())
        sent = domain.with_recipients(session, [message])[0]
    location = f"/api/customers/v1/accounts/{account_id}/messages/{message.id}"
    return sent, {"Location": location, "ETag": etag_of(message.version)}


@blp.route(OF_ACCOUNT, methods=["GET"])
@requires("customers.view")
@blp.arguments(PageQuery, location="query")
@blp.response(200, PAGE)
def list_messages(query: Values, account_id: uuid.UUID) -> Values:
    """List the mails to a customer, newest first."""
    with read_only() as session:
        items, following = domain.list_messages(
            session, query["limit"], id_place(query["cursor"]), account_id=account_id
        )
    return {"items": items, "next": next_cursor(following)}


@blp.route(f"{OF_ACCOUNT}/<uuid:message_id>", methods=["GET"])
@requires("customers.view")
@blp.response(200, MessageOut)
@blp.alt_response(304, description="Still the version named in `If-None-Match`.")
def get_message(account_id: uuid.UUID, message_id: uuid.UUID) -> tuple[Any, Values] | Response:
    """Read a mail, and whether it was sent."""
    with read_only() as session:
        sent = domain.get_message(session, message_id, account_id)
    return unchanged(sent.message.version) or (sent, {"ETag": etag_of(sent.message.version)})


@blp.route("/messages", methods=["GET"])
@requires("settings.manage")
@blp.arguments(MessageQuery, location="query")
@blp.response(200, PAGE)
def list_all_messages(query: Values) -> Values:
    """List the mails to all customers, newest first."""
    with read_only() as session:
        place = id_place(query["cursor"])
        items, following = domain.list_messages(session, query["limit"], place, state=query["state"])
    return {"items": items, "next": next_cursor(following)}


@blp.route("/messages/<uuid:message_id>/retry", methods=["POST"])
@requires("settings.manage")
@blp.response(200, MessageOut)
@refusal(blp, 409, "`message_not_unsent`: it waits to be sent, or was sent to everybody.")
def retry_message(message_id: uuid.UUID) -> tuple[Any, Values]:
    """Try a mail anew that failed, or that was kept as there was no mail server. Who has it does not get it again."""
    with unit_of_work() as session:
        sent = domain.retry_message(session, message_id)
    return sent, {"ETag": etag_of(sent.message.version)}
