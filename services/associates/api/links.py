"""Who looks after whom: by account, and by associate (A3, A4)."""

import uuid
from typing import Any

from flask_smorest import Blueprint

from services.associates.api.associates import OFF
from services.associates.domain import links as domain
from services.associates.domain.associates import get_associate
from services.associates.schemas import AssociateLinkPage, LinkIn, LinkOut, LinksOut, RolePatch, WorkOut
from services.associates.surroundings import account_facts
from shared.db import read_only, unit_of_work
from shared.web import PageQuery, current_actor, id_place, idempotent, next_cursor, requires
from shared.web.described import IDEMPOTENCY_KEY, refusal
from shared.web.features import PARTNER_MANAGEMENT

blp = Blueprint("links", __name__, description="Who looks after which account, in which role.")
Values = dict[str, Any]
OF_ACCOUNT = "/accounts/<uuid:account_id>/links"
ONE = f"{OF_ACCOUNT}/<uuid:link_id>"
AWAY = "`service_unavailable`: customers does not answer, so it is not known whether there is such an account."


@blp.route(OF_ACCOUNT, methods=["GET"])
@requires("associates.view", feature=PARTNER_MANAGEMENT)
@blp.response(200, LinksOut)
@refusal(blp, 409, OFF)
def links_of_account(account_id: uuid.UUID) -> Values:
    """Who looks after an account, the primary one first, and who did before."""
    with read_only() as session:
        items = domain.links_of_account(session, account_id)
        return {"items": items, "former": domain.former_links(session, account_id)}


@blp.route(OF_ACCOUNT, methods=["POST"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@idempotent
@blp.doc(parameters=[IDEMPOTENCY_KEY])
@blp.arguments(LinkIn)
@blp.response(201, LinkOut, description="The new link; `Location` in the headers.")
@refusal(blp, 409, f"`link_exists`, with `existing`; `associate_inactive`. {OFF}")
@refusal(blp, 503, AWAY)
def begin_link(values: Values, account_id: uuid.UUID) -> tuple[Any, Values]:
    """Let an associate look after an account in a role."""
    account = account_facts(account_id)
    with unit_of_work() as session:
        link = domain.begin_link(
            session,
            current_actor(),
            account,
            values["associate_id"],
            values["role"],
            primary=values["is_primary"],
            since=values["since"],
        )
    return link, {"Location": f"/api/associates/v1/accounts/{account_id}/links/{link.id}"}


@blp.route(ONE, methods=["PATCH"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.arguments(RolePatch)
@blp.response(200, LinkOut, description="The link; with another role it is a new one, and the former one ended.")
@refusal(blp, 409, f"`link_exists`. {OFF}")
@refusal(blp, 503, AWAY)
def change_link(values: Values, account_id: uuid.UUID, link_id: uuid.UUID) -> Any:
    """Change the role, make this the associate to turn to first, or say since when it has the role."""
    account, actor = account_facts(account_id), current_actor()
    with unit_of_work() as session:
        link = domain.change_role(session, actor, account, link_id, values.get("role"))
        if values.get("is_primary"):
            link = domain.make_primary(session, actor, account, link.id)
        if since := values.get("since"):
            link = domain.change_since(session, actor, account, link.id, since)
    return link


@blp.route(ONE, methods=["DELETE"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.response(204)
@refusal(blp, 409, OFF)
@refusal(blp, 503, AWAY)
def end_link(account_id: uuid.UUID, link_id: uuid.UUID) -> None:
    """End a link. It stays among the former ones, and can be restored."""
    account = account_facts(account_id)
    with unit_of_work() as session:
        domain.end_link(session, current_actor(), account, link_id)


@blp.route(f"{ONE}/restore", methods=["POST"])
@requires("assign", feature=PARTNER_MANAGEMENT)
@blp.response(200, LinkOut)
@refusal(blp, 409, f"`not_removed`, or `link_exists` since. {OFF}")
@refusal(blp, 503, AWAY)
def reopen_link(account_id: uuid.UUID, link_id: uuid.UUID) -> Any:
    """Take back that a link ended."""
    account = account_facts(account_id)
    with unit_of_work() as session:
        return domain.reopen_link(session, current_actor(), account, link_id)


@blp.route("/associates/<uuid:associate_id>/links", methods=["GET"])
@requires("associates.view", feature=PARTNER_MANAGEMENT)
@blp.arguments(PageQuery, location="query")
@blp.response(200, AssociateLinkPage)
@refusal(blp, 409, OFF)
def links_of_associate(query: Values, associate_id: uuid.UUID) -> Values:
    """What an associate looks after, in the order of account ids; `limit` counts accounts.

    Names, and a search: `GET /api/customers/v1/associates/{associate_id}/accounts`.
    """
    with read_only() as session:
        links, following = domain.links_of_associate(session, associate_id, query["limit"], id_place(query["cursor"]))
    return {"items": links, "next": next_cursor(following)}


@blp.route("/associates/<uuid:associate_id>/work", methods=["GET"])
@requires("associates.view", feature=PARTNER_MANAGEMENT)
@blp.response(200, WorkOut)
@refusal(blp, 409, OFF)
def count_work(associate_id: uuid.UUID) -> Values:
    """How many accounts an associate looks after, and how many by role."""
    with read_only() as session:
        get_associate(session, associate_id)
        accounts, by_role = domain.count_accounts(session, associate_id)
    return {"accounts": accounts, "by_role": by_role}
