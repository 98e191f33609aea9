"""Contacts of an account: list, add, read, change, remove, bring back, status."""

import uuid
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.customers.domain import contacts as domain
from services.customers.domain.status import set_contact_status
from services.customers.schemas import ContactIn, ContactOut, ContactPatch
from shared.db import read_only, unit_of_work
from shared.web import current_actor, etag_of, given_version, idempotent, page_of, requires, seen_version, unchanged
from shared.web.described import IDEMPOTENCY_KEY, IF_MATCH, refusal
from shared.web.records import StatusIn

blp = Blueprint("contacts", __name__, description="People and firms at an account.")
Values = dict[str, Any]
ONE = "/accounts/<uuid:account_id>/contacts/<uuid:contact_id>"
DUPLICATE = "`duplicate_contact`: `existing` names it; with `can_reactivate` it is inactive and can be made active."


@blp.route("/accounts/<uuid:account_id>/contacts", methods=["GET"])
@requires("customers.view")
@blp.response(200, page_of(ContactOut))
def list_contacts(account_id: uuid.UUID) -> Values:
    """All contacts of an account, the primary one first, then by name. There is always one page."""
    with read_only() as session:
        contacts = domain.list_contacts(session, account_id)
    return {"items": contacts, "next": None}


@blp.route("/accounts/<uuid:account_id>/contacts", methods=["POST"])
@requires("customers.edit")
@idempotent
@blp.doc(parameters=[IDEMPOTENCY_KEY])
@blp.arguments(ContactIn)
@blp.response(201, ContactOut, description="The new contact; `Location` and `ETag` in the headers.")
@refusal(blp, 409, DUPLICATE)
def add_contact(values: Values, account_id: uuid.UUID) -> tuple[Any, Values]:
    """Add a contact. Within its account it is known by its e-mail, else by name and phone, else by name."""
    with unit_of_work() as session:
        contact = domain.add_contact(session, current_actor(), account_id, values)
    location = f"/api/customers/v1/accounts/{account_id}/contacts/{contact.id}"
    return contact, {"Location": location, "ETag": etag_of(contact.version)}


@blp.route(ONE, methods=["GET"])
@requires("customers.view")
@blp.response(200, ContactOut)
@blp.alt_response(304, description="Still the version named in `If-None-Match`.")
def get_contact(account_id: uuid.UUID, contact_id: uuid.UUID) -> tuple[Any, Values] | Response:
    """Read one contact."""
    with read_only() as session:
        contact = domain.get_contact(session, account_id, contact_id)
    return unchanged(contact.version) or (contact, {"ETag": etag_of(contact.version)})


@blp.route(ONE, methods=["PATCH"])
@requires("customers.edit")
@blp.arguments(ContactPatch)
@blp.response(200, ContactOut)
@refusal(blp, 409, DUPLICATE)
@refusal(blp, 412, "`stale`: `version` and `changes` tell what somebody else changed.")
@refusal(blp, 428, "`precondition_required`: send `If-Match`.")
@blp.doc(parameters=[{**IF_MATCH, "required": True}])
def edit_contact(values: Values, account_id: uuid.UUID, contact_id: uuid.UUID) -> tuple[Any, Values]:
    """Change some fields of the version named in `If-Match`."""
    seen = seen_version()
    with unit_of_work() as session:
        contact = domain.edit_contact(session, current_actor(), account_id, contact_id, values, seen)
    return contact, {"ETag": etag_of(contact.version)}


@blp.route(ONE, methods=["DELETE"])
@requires("customers.edit")
@blp.response(204)
@refusal(blp, 412, "`stale`: it was changed since the version in `If-Match`.")
@refusal(blp, 428, "`precondition_required`: send `If-Match`.")
@blp.doc(parameters=[{**IF_MATCH, "required": True}])
def remove_contact(account_id: uuid.UUID, contact_id: uuid.UUID) -> None:
    """Remove a contact. It stays in the account's history, and it can be restored."""
    seen = seen_version()
    with unit_of_work() as session:
        domain.remove_contact(session, current_actor(), account_id, contact_id, seen)


@blp.route(f"{ONE}/restore", methods=["POST"])
@requires("customers.edit")
@blp.response(200, ContactOut)
@refusal(blp, 409, f"`not_deleted`, or {DUPLICATE}")
def restore_contact(account_id: uuid.UUID, contact_id: uuid.UUID) -> tuple[Any, Values]:
    """Bring a removed contact back."""
    with unit_of_work() as session:
        contact = domain.restore_contact(session, current_actor(), account_id, contact_id)
    return contact, {"ETag": etag_of(contact.version)}


@blp.route(f"{ONE}/status", methods=["POST"])
@requires("set_status")
@blp.arguments(StatusIn)
@blp.response(200, ContactOut)
@refusal(blp, 412, "`stale`: it was changed since the version in `If-Match` (if you sent one).")
@blp.doc(parameters=[IF_MATCH])
def change_contact_status(values: Values, account_id: uuid.UUID, contact_id: uuid.UUID) -> tuple[Any, Values]:
    """Make a contact inactive, with a reason, or active again."""
    with unit_of_work() as session:
        contact = set_contact_status(
            session, current_actor(), account_id, contact_id, values["status"], values.get("reason"), given_version()
        )
    return contact, {"ETag": etag_of(contact.version)}
