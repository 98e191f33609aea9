"""The customers that an associate looks after (A4): a list that is searched, from the copy of the links."""
# ruff: noqa: S608 - put together from what stands here; every value is bound

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.customers.domain.scope import and_mine
from services.customers.domain.search import Found, load_found
from services.customers.domain.search_sql import MOST, SORTED, STATUSES
from services.customers.errors import AssociateNotFound
from shared.scope import associate_of
from shared.search_terms import Term, search_terms, storable

IS_LINKED = "EXISTS (SELECT FROM account_associate WHERE account_id = account.id AND associate_id = :associate)"


def find_looked_after(
    session: Session, associate_id: uuid.UUID, typed: str, limit: int, after: tuple[str, uuid.UUID] | None = None
) -> Found:
    """Return a page of the accounts of an associate that match what was typed, active and inactive, by name.

    The count is exact up to `MOST`. `after` is `Found.next` of the page before. Raises AssociateNotFound for whoever
    sees only the accounts of another one.
    """
    if associate_of(session) not in (None, associate_id):
        raise AssociateNotFound
    where, patterns = _matches(search_terms(storable(typed)))
    mine, bound = and_mine(session)
    where += mine
    values: dict[str, Any] = {**patterns, **bound, "associate": associate_id, "rows": limit + 1}
    behind = ""
    if after is not None:
        behind = f"AND ({SORTED}, id) > (:order, :id)"
        values |= {"order": after[0], "id": after[1]}
    by_status = " UNION ALL ".join(
        f"(SELECT {SORTED} AS sorted, id FROM account WHERE status = '{status}' AND {where} {behind}"
        f" ORDER BY {SORTED}, id LIMIT :rows)"
        for status in STATUSES
    )
    statement = f"SELECT sorted, id FROM ({by_status}) AS found ORDER BY sorted, id LIMIT :rows"
    found = session.execute(text(statement), values).all()
    page = found[:limit]
    total = None
    if after is None:
        counting = f"SELECT count(*) FROM (SELECT FROM account WHERE {where} LIMIT {MOST + 1}) AS counted"
        total = session.scalar(text(counting), values) or 0
    return Found(
        items=load_found(session, [row.id for row in page]),
        next=[page[-1].sorted, str(page[-1].id)] if len(found) > limit else None,
        count=None if total is None else min(total, MOST),
        capped=(total or 0) > MOST,
    )


def _matches(terms: Sequence[Term]) -> tuple[str, dict[str, str]]:
    """Return the condition for a link and all terms, and the patterns that are bound in it."""
    bound: dict[str, str] = {}

    def like(pattern: str) -> str:
        name = f"pattern{len(bound)}"
        bound[name] = pattern
        return f"search LIKE :{name}"

    conditions = [" OR ".join(" AND ".join(map(like, patterns)) for patterns in term) for term in terms]
    return " AND ".join([IS_LINKED, *(f"({one})" for one in conditions)]), bound
