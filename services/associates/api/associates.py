"""Associates: list, create, read, change, delete, bring back, status, history."""

import uuid
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.associates.domain import associates as domain
from services.associates.domain.history import read_history
from services.associates.domain.search import find_associates
from services.associates.schemas import (
    AssociateIn,
    AssociateOut,
    AssociatePage,
    AssociatePatch,
    AssociateQuery,
    ChangeOut,
    search_query,
)
from shared.db import read_only, unit_of_work
from shared.web import (
    PageQuery,
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
from shared.web.described import IDEMPOTENCY_KEY, IF_MATCH, needs_version, refusal
from shared.web.features import PARTNER_MANAGEMENT
from shared.web.records import StatusIn

blp = Blueprint("associates", __name__, description="Dealers, partners and colleagues.")
Values = dict[str, Any]
ONE = "/associates/<uuid:associate_id>"
OFF = "`partner_management_off`"


@blp.route("/associates", methods=["GET"])
@requires("associates.view", feature=PARTNER_MANAGEMENT)
@blp.arguments(AssociateQuery, location="query")
@blp.response(200, AssociatePage)
@refusal(blp, 409, OFF)
def list_associates(query: Values) -> Values:
    """Search or list associates: the code typed, then names that begin so, then all others, each by name."""
    with read_only() as session:
        found = find_associates(session, search_query(query))
    return {"items": found.items, "next": next_cursor(found.next), "count": found.count}


@blp.route("/associates", methods=["POST"])
@requires("associates.edit", feature=PARTNER_MANAGEMENT)
@idempotent
@blp.doc(parameters=[IDEMPOTENCY_KEY])
@blp.arguments(AssociateIn)
@blp.response(201, AssociateOut, description="The new associate; `Location` and `ETag` in the headers.")
@refusal(blp, 409, f"`code_taken`: `existing` names the associate that has this code. {OFF}")
def create_associate(values: Values) -> tuple[Any, Values]:
    """Add an associate."""
    with unit_of_work() as session:
        associate = domain.create_associate(session, current_actor(), values)
    location = f"/api/associates/v1/associates/{associate.id}"
    return associate, {"Location": location, "ETag": etag_of(associate.version)}


@blp.route(ONE, methods=["GET"])
@requires("associates.view", feature=PARTNER_MANAGEMENT)
@blp.response(200, AssociateOut)
@blp.alt_response(304, description="Still the version named in `If-None-Match`.")
@refusal(blp, 409, OFF)
def get_associate(associate_id: uuid.UUID) -> tuple[Any, Values] | Response:
    """Read one associate."""
    with read_only() as session:
        associate = domain.get_associate(session, associate_id)
    return unchanged(associate.version) or (associate, {"ETag": etag_of(associate.version)})


@blp.route(ONE, methods=["PATCH"])
@requires("associates.edit", feature=PARTNER_MANAGEMENT)
@needs_version(blp)
@blp.arguments(AssociatePatch)
@blp.response(200, AssociateOut)
@refusal(blp, 409, f"`code_taken`. {OFF}")
def edit_associate(values: Values, associate_id: uuid.UUID) -> tuple[Any, Values]:
    """Change some fields of the version named in `If-Match`."""
    seen = seen_version()
    with unit_of_work() as session:
        associate = domain.edit_associate(session, current_actor(), associate_id, values, seen)
    return associate, {"ETag": etag_of(associate.version)}


@blp.route(ONE, methods=["DELETE"])
@requires("associates.delete", feature=PARTNER_MANAGEMENT)
@needs_version(blp)
@blp.response(204)
@refusal(blp, 409, OFF)
def delete_associate(associate_id: uuid.UUID) -> None:
    """Delete an associate, which ends its links. Its history stays, and it can be restored with them."""
    seen = seen_version()
    with unit_of_work() as session:
        domain.delete_associate(session, current_actor(), associate_id, seen)


@blp.route(f"{ONE}/restore", methods=["POST"])
@requires("associates.delete", feature=PARTNER_MANAGEMENT)
@blp.response(200, AssociateOut)
@refusal(blp, 409, f"`not_deleted`, or `code_taken` since. {OFF}")
def restore_associate(associate_id: uuid.UUID) -> tuple[Any, Values]:
    """Bring a deleted associate back, with the links that ended with it."""
    with unit_of_work() as session:
        associate = domain.restore_associate(session, current_actor(), associate_id)
    return associate, {"ETag": etag_of(associate.version)}


@blp.route(f"{ONE}/status", methods=["POST"])
@requires("set_status", feature=PARTNER_MANAGEMENT)
@blp.arguments(StatusIn)
@blp.response(200, AssociateOut)
@refusal(blp, 409, OFF)
@refusal(blp, 412, "`stale`: it was changed since the version in `If-Match` (if you sent one).")
@blp.doc(parameters=[IF_MATCH])
def change_associate_status(values: Values, associate_id: uuid.UUID) -> tuple[Any, Values]:
    """Make an associate inactive, with a reason, or active again. An inactive one gets no new customers."""
    with unit_of_work() as session:
        associate = domain.set_associate_status(
            session, current_actor(), associate_id, values["status"], values.get("reason"), given_version()
        )
    return associate, {"ETag": etag_of(associate.version)}


@blp.route(f"{ONE}/history", methods=["GET"])
@requires("associates.view", feature=PARTNER_MANAGEMENT)
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(ChangeOut))
@refusal(blp, 409, OFF)
def associate_history(query: Values, associate_id: uuid.UUID) -> Values:
    """Who changed what and when, newest first, and which customers came and went. Also for a deleted associate."""
    with read_only() as session:
        entries, following = read_history(session, associate_id, limit=query["limit"], before=id_place(query["cursor"]))
    return {"items": entries, "next": next_cursor(following)}
