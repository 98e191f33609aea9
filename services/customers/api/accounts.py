"""Accounts: list, create, read, change, delete, bring back, status, history."""

import uuid
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.customers.domain import accounts as domain
from services.customers.domain.copies import associate_meant
from services.customers.domain.history import read_history
from services.customers.domain.listing import accounts_with_code
from services.customers.domain.search import Found, find_accounts
from services.customers.domain.status import set_account_status
from services.customers.schemas import (
    AccountIn,
    AccountOut,
    AccountPage,
    AccountPatch,
    AccountQuery,
    ChangeOut,
    HistoryQuery,
)
from services.customers.schemas.search import search_query
from shared.db import read_only, unit_of_work
from shared.web import (
    current_actor,
    etag_of,
    given_version,
    id_place,
    idempotent,
    next_cursor,
    page_of,
    requires,
    seen_version,
    unchanged,
)
from shared.web.described import IDEMPOTENCY_KEY, IF_MATCH, refusal
from shared.web.features import PARTNER_MANAGEMENT, must_be_on
from shared.web.records import StatusIn

blp = Blueprint("accounts", __name__, description="Customers and vendors: one record type, with roles.")
Values = dict[str, Any]


@blp.route("/accounts", methods=["GET"])
@requires("customers.view")
@blp.arguments(AccountQuery, location="query")
@blp.response(200, AccountPage)
@refusal(blp, 409, "`partner_management_off`: filtered by associate while that is switched off.")
def list_accounts(query: Values) -> Values:
    """Search or list accounts, or look one up by its code.

    The best matches come first: the code typed, names that begin so, codes that begin so, then all others by name.
    """
    must_be_on(PARTNER_MANAGEMENT, query.get("associate"), query.get("associate_role"))
    with read_only() as session:
        if query.get("code"):
            items = accounts_with_code(session, query["code"])
            found = Found(items, None, len(items), capped=False)
        else:
            associate_id = associate_meant(session, query.get("associate"), query.get("associate_role"))
            found = find_accounts(session, search_query(query, associate_id))
    return {"items": found.items, "next": next_cursor(found.next), "count": found.count, "capped": found.capped}


@blp.route("/accounts", methods=["POST"])
@requires("customers.edit")
@idempotent
@blp.doc(parameters=[IDEMPOTENCY_KEY])
@blp.arguments(AccountIn)
@blp.response(201, AccountOut, description="The new account; `Location` and `ETag` in the headers.")
@refusal(blp, 409, "`code_taken`: `existing` names the account that has this code.")
def create_account(values: Values) -> tuple[Any, Values]:
    """Add an account.

    Send an `Idempotency-Key` header so that a repeat after a lost answer does not create a second one.
    """
    with unit_of_work() as session:
        account = domain.create_account(session, current_actor(), values)
    location = f"/api/customers/v1/accounts/{account.id}"
    return account, {"Location": location, "ETag": etag_of(account.version)}


@blp.route("/accounts/<uuid:account_id>", methods=["GET"])
@requires("customers.view")
@blp.response(200, AccountOut)
@blp.alt_response(304, description="Still the version named in `If-None-Match`.")
def get_account(account_id: uuid.UUID) -> tuple[Any, Values] | Response:
    """Read one account."""
    with read_only() as session:
        account = domain.get_account(session, account_id)
    return unchanged(account.version) or (account, {"ETag": etag_of(account.version)})


@blp.route("/accounts/<uuid:account_id>", methods=["PATCH"])
@requires("customers.edit")
@blp.arguments(AccountPatch)
@blp.response(200, AccountOut)
@refusal(blp, 409, "`code_taken`, or `duplicate_contact` by another country's phone rules.")
@refusal(blp, 412, "`stale`: `version` and `changes` tell what somebody else changed.")
@refusal(blp, 428, "`precondition_required`: send `If-Match`.")
@blp.doc(parameters=[{**IF_MATCH, "required": True}])
def edit_account(values: Values, account_id: uuid.UUID) -> tuple[Any, Values]:
    """Change some fields of the version named in `If-Match`."""
    seen = seen_version()
    with unit_of_work() as session:
        account = domain.edit_account(session, current_actor(), account_id, values, seen)
    return account, {"ETag": etag_of(account.version)}


@blp.route("/accounts/<uuid:account_id>", methods=["DELETE"])
@requires("customers.delete")
@blp.response(204)
@refusal(blp, 412, "`stale`: it was changed since the version in `If-Match`.")
@refusal(blp, 428, "`precondition_required`: send `If-Match`.")
@blp.doc(parameters=[{**IF_MATCH, "required": True}])
def delete_account(account_id: uuid.UUID) -> None:
    """Delete an account with its contacts. Its history stays, and it can be restored."""
    seen = seen_version()
    with unit_of_work() as session:
        domain.delete_account(session, current_actor(), account_id, seen)


@blp.route("/accounts/<uuid:account_id>/restore", methods=["POST"])
@requires("customers.delete")
@blp.response(200, AccountOut)
@refusal(blp, 409, "`not_deleted`, or `code_taken` since.")
def restore_account(account_id: uuid.UUID) -> tuple[Any, Values]:
    """Bring a deleted account back, with its contacts."""
    with unit_of_work() as session:
        account = domain.restore_account(session, current_actor(), account_id)
    return account, {"ETag": etag_of(account.version)}


@blp.route("/accounts/<uuid:account_id>/status", methods=["POST"])
@requires("set_status")
@blp.arguments(StatusIn)
@blp.response(200, AccountOut)
@refusal(blp, 412, "`stale`: it was changed since the version in `If-Match` (if you sent one).")
@blp.doc(parameters=[IF_MATCH])
def change_account_status(values: Values, account_id: uuid.UUID) -> tuple[Any, Values]:
    """Make an account inactive, with a reason, or active again."""
    with unit_of_work() as session:
        account = set_account_status(
            session, current_actor(), account_id, values["status"], values.get("reason"), given_version()
        )
    return account, {"ETag": etag_of(account.version)}


@blp.route("/accounts/<uuid:account_id>/history", methods=["GET"])
@requires("customers.view")
@blp.arguments(HistoryQuery, location="query")
@blp.response(200, page_of(ChangeOut))
def account_history(query: Values, account_id: uuid.UUID) -> Values:
    """Who changed what and when, newest first: the account and its contacts, people and jobs alike.

    Also for a deleted account.
    """
    with read_only() as session:
        entries, following = read_history(session, account_id, limit=query["limit"], before=id_place(query["cursor"]))
    return {"items": entries, "next": next_cursor(following)}
