"""Live search over associates: some thousands are usual, 100,000 the most, so one trigram index is enough.

Order: the one whose code was typed; names that begin with the input; all others; each by name, accents folded.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, literal, select, tuple_
from sqlalchemy.orm import Session

from services.associates.models import Associate
from shared.keys import code_key
from shared.search_terms import matching, search_terms, starts_of_name, storable

SORTED_BY = 60  # letters


@dataclass(frozen=True, slots=True)
class Query:
    """What was typed and chosen. `after` is `Found.next` of the page before."""

    text: str = ""
    status: str = "active"
    kind: str | None = None
    limit: int = 50
    after: tuple[int, str, uuid.UUID] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A page; `count` is told on the first one only. `next` goes into `Query.after`."""

    items: Sequence[Associate]
    next: list[object] | None
    count: int | None
    capped: bool = False


def find_associates(session: Session, query: Query) -> Found:
    """Return one page of the associates that match, best first."""
    typed = storable(query.text)
    conditions = [_matches(typed)]
    if query.status != "all":
        conditions.append(Associate.status == query.status)
    if query.kind:
        conditions.append(Associate.kind == query.kind)
    order = func.left(Associate.search, SORTED_BY)
    rank = _rank(typed)
    rows = select(Associate, rank.label("rank"), order.label("order")).where(*conditions)
    if query.after:
        rows = rows.where(tuple_(rank, order, Associate.id) > tuple_(*map(literal, query.after)))
    found = session.execute(rows.order_by(rank, order, Associate.id).limit(query.limit + 1)).all()
    page = found[: query.limit]
    count = None
    if not query.after:
        count = session.scalar(select(func.count()).select_from(Associate).where(*conditions)) or 0
    following = [page[-1].rank, page[-1].order, str(page[-1][0].id)] if len(found) > query.limit else None
    return Found([row[0] for row in page], following, count)


def has_associates(session: Session) -> bool:
    """Tell whether there is any associate at all."""
    return session.scalars(select(Associate.id).limit(1)).first() is not None


def _matches(typed: str) -> ColumnElement[bool]:
    terms = search_terms(typed)
    by_words = matching(Associate.search, terms)
    if not typed.strip():
        return by_words
    by_code = Associate.code_key == code_key(typed)
    return by_code | by_words if terms else by_code


def _rank(typed: str) -> ColumnElement[int]:
    if not typed.strip():
        return literal(0) + 0
    starts = starts_of_name(typed)
    named = Associate.search.like(f"{starts}%") if starts else literal(value=False)
    return case((Associate.code_key == code_key(typed), 0), (named, 1), else_=2)
