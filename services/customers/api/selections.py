"""Selections of customers, for changes of many at once (A8, A9)."""

import uuid
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from services.customers.domain import selections as domain
from services.customers.schemas.codes_file import codes_file
from services.customers.schemas.selections import SelectionIn, SelectionOut, SnapshotOut, listed_query
from shared.db import read_only, unit_of_work
from shared.web import current_actor, requires
from shared.web.described import refusal
from shared.web.features import PARTNER_MANAGEMENT

blp = Blueprint("selections", __name__, description="Customers that are meant together, kept under an id.")
Values = dict[str, Any]
ONE = "/selections/<uuid:selection_id>"
OFF = "`partner_management_off`"


@blp.route("/selections", methods=["POST"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.arguments(SelectionIn)
@blp.response(201, SelectionOut, description="The selection; `Location` in the headers.")
@refusal(blp, 409, OFF)
@refusal(blp, 422, "`no_codes`, `too_many_codes`, `nothing_ticked`, `too_many_ticked`, `invalid`.")
def make_selection(values: Values) -> tuple[Any, Values]:
    """Select customers by pasted codes, by a filter, or one by one. The same selection again is the same one."""
    with unit_of_work() as session:
        if "codes" in values:
            made = domain.select_codes(session, current_actor(), values["codes"])
        elif "filter" in values:
            made = domain.select_listed(session, current_actor(), values["filter"])
        else:
            made = domain.select_ticked(session, current_actor(), values["account_ids"])
    return made, {"Location": f"/api/customers/v1/selections/{made.id}"}


@blp.route(ONE, methods=["GET"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.response(200, SelectionOut)
@refusal(blp, 409, OFF)
def get_selection(selection_id: uuid.UUID) -> Any:
    """Read a selection."""
    with read_only() as session:
        return domain.get_selection(session, selection_id)


@blp.route(f"{ONE}/resolve", methods=["POST"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.response(200, SnapshotOut)
@refusal(blp, 409, OFF)
def resolve_selection(selection_id: uuid.UUID) -> Any:
    """Find its customers as they are now: matched, repeated, unknown, inactive. Kept for a week as a snapshot.

    A mass change (`POST /api/imports/v1/mass-changes`) is of a snapshot, so of those that were told here.
    """
    with unit_of_work() as session:
        return domain.resolve(session, selection_id, listed_query)


@blp.route(f"{ONE}/unknown-file", methods=["GET"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.response(200, content_type="text/csv", description="One code a line, as it was written first.")
@refusal(blp, 409, OFF)
def get_unknown_file(selection_id: uuid.UUID) -> Response:
    """Download all pasted codes that no customer has now, but for those that differ in leading zeros only."""
    with read_only() as session:
        codes = domain.unknown_codes(session, selection_id, listed_query)
    return Response(codes_file(codes), content_type="text/csv; charset=utf-8")


@blp.route(f"{ONE}/zeros", methods=["POST"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.response(201, SelectionOut, description="The corrected selection; `Location` in the headers.")
@refusal(blp, 409, OFF)
def take_zeros(selection_id: uuid.UUID) -> tuple[Any, Values]:
    """Put right the codes that only lost or gained leading zeros. This makes another selection."""
    with unit_of_work() as session:
        made = domain.take_zeros(session, current_actor(), selection_id, listed_query)
    return made, {"Location": f"/api/customers/v1/selections/{made.id}"}
