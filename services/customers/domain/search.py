"""Live search over accounts and their contacts: the best matches first, quick at a million accounts.

What is searched: `account.search` (its form: `search_text.py`; what a typed text asks of it: `search_terms.py`).
Order: the account whose code was typed; names that start with the input; codes that start with it; all others; each
by name, accents folded. Nothing counts a million rows: the count ends at `MOST`.

How, cheapest first, each step only while the page is not full or the count still open:

1. *Starts*: ranges of two btrees (code, name) give what starts with the input.
2. *Walk*: a sample of some pages tells whether the input is in a great part of all accounts ("com", "4"). Then
   walking the names in order soon meets a page full of matches.
3. *Candidates*: the trigram index, cheap because matches are not so many. The first `MOST` are found and then
   ordered; beyond them a person refines the input. Facets (kind, role, tag, inactive) are in the same index.

Who looks after the accounts, asked for (A5) or because somebody sees only their own (A6), is one more condition of
each step, probed in the copy of the links. The accounts of an associate with few links are looked at one by one. For
who sees only their own the steps are the same over `own_account`, a view of these, as row-level security lets no index
of texts be used before it; the lines of a page are then loaded under it (`load_found`).

Measured (`bench/search.py`; 1,000,000 accounts with contacts, two shared cores; milliseconds p50/p99 of all of
`find_accounts`): 1 letter 6/8, 2 letters 6/18, 3 letters 6/19, 4 to 5 letters 9/17, more 9/24, parts of a phone
11/18, of an e-mail 11/32, of a code 9/17, no match 5/45, with choices 10/28; all 9/29. While an import has left 12 MB
in the index's pending list, about 8 ms of work more. What the index costs: COPY of the accounts and contacts took 22 s
with keys alone, 25 s with the btree, 100 s with trigrams, 105 s with facets too; a tsvector instead of trigrams 75 s,
but it is blind inside words and numbers.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.customers.domain import search_sql
from services.customers.domain.scope import and_mine
from services.customers.domain.search_sql import FEW_LINKS, FEW_OWN, MOST, Place, Question
from services.customers.domain.search_text import (
    SearchedContact,
    SearchedContactColumns,
    search_text,
    search_text_expression,
)
from shared.keys import code_key
from shared.scope import associate_of
from shared.search_terms import search_terms, starts_of_name, storable

__all__ = [
    "MOST",
    "Found",
    "FoundAccount",
    "SearchQuery",
    "SearchedContact",
    "SearchedContactColumns",
    "all_accounts",
    "find_accounts",
    "load_found",
    "search_text",
    "search_text_expression",
]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What was typed and chosen. `after` is `Found.next` of the page before; `tag` is one of `account.tags`.

    `associate` looks after the accounts (A5), as `associate_role` if that is given, too. `account` is that one alone.
    """

    text: str = ""
    status: Literal["active", "inactive", "all"] = "active"
    kind: Literal["company", "person"] | None = None
    role: Literal["customer", "vendor"] | None = None
    tag: str | None = None
    limit: int = 50
    after: list[Any] | None = None
    associate: uuid.UUID | None = None
    associate_role: str | None = None
    account: uuid.UUID | None = None


class FoundAccount(NamedTuple):
    """One line of the result, with the account's primary contact."""

    id: uuid.UUID
    code: str
    name: str
    kind: str
    is_customer: bool
    is_vendor: bool
    email: str | None
    phone: str | None
    city: str | None
    country: str | None
    tags: list[str]
    status: str
    version: int
    contact_id: uuid.UUID | None
    contact_first_name: str | None
    contact_last_name: str | None
    contact_email: str | None
    contact_phone: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A page. `count` is exact unless `capped`, then it is "`count`+"; only a first page counts (else None).

    `next` goes into `SearchQuery.after`: three JSON values.
    """

    items: list[FoundAccount]
    next: list[Any] | None
    count: int | None
    capped: bool


def find_accounts(session: Session, query: SearchQuery) -> Found:
    """One page of the accounts that match, best first. Reads only; leaves the transaction's settings as they were."""
    question = _question(query, mine=associate_of(session))
    with _planned(session):
        if question.links and _has_few_links(session, question):
            count, places = _page(session, search_sql.by_links(question), question)
        else:
            count, places = _by_steps(session, question)
    page = places[: question.limit]
    return Found(
        items=load_found(session, [place.id for place in page]),
        next=[page[-1].rank, page[-1].order, str(page[-1].id)] if len(places) > question.limit else None,
        count=None if question.after else min(count, MOST),
        capped=count > MOST,
    )


def _by_steps(session: Session, question: Question) -> tuple[int, list[Place]]:
    count, places = _starts(session, question)
    is_full = len(places) > question.limit
    is_by_associate_alone = "associate" in question.links and not question.terms and not question.code
    if is_by_associate_alone and not is_full:
        return _page(session, search_sql.by_links(question), question)
    if is_by_associate_alone:
        return _count_by_links(session, question), places
    is_enough = is_full if question.after else count > MOST
    if not is_enough and question.has_others:
        count, others = _others(session, question, enough=question.limit + 1 - len(places))
        places = sorted({*places, *others})
    return count, places


def _has_few_links(session: Session, question: Question) -> bool:
    links = session.scalar(text(search_sql.count_links(question)), search_sql.values(question)) or 0
    return links <= (FEW_OWN if "mine" in question.links else FEW_LINKS)


def all_accounts(query: SearchQuery) -> tuple[str, dict[str, Any]]:
    """A query, and what it binds (`:name`), of all that `find_accounts` gives page by page: the columns of `account`.

    Its order is that of `rank`, `order` and `id`, which come as columns too. `limit` and `after` are left aside.
    """
    question = _question(replace(query, after=None))
    return search_sql.every_match(question), search_sql.values(question)


def _question(query: SearchQuery, mine: uuid.UUID | None = None) -> Question:
    typed = storable(query.text)
    choices = {"kind": query.kind, "role": query.role, "tag": query.tag and storable(query.tag)}
    is_told_twice = query.associate == mine and not query.associate_role
    associate = None if is_told_twice else query.associate
    links = {"associate": associate, "associate_role": query.associate_role, "mine": mine}
    return Question(
        limit=query.limit,
        after=Place(int(query.after[0]), str(query.after[1]), uuid.UUID(query.after[2])) if query.after else None,
        statuses=search_sql.STATUSES if query.status == "all" else (query.status,),
        starts=starts_of_name(typed),
        code=code_key(typed),
        terms=search_terms(typed),
        choices={name: value for name, value in choices.items() if value is not None},
        links={name: value for name, value in links.items() if value is not None},
        account=query.account,
    )


def _starts(session: Session, question: Question) -> tuple[int, list[Place]]:
    statement = search_sql.starts(question)
    return _page(session, statement, question) if statement else (0, [])


def _count_by_links(session: Session, question: Question) -> int:
    """How many there are of an associate with many links, where the first of them by name are found already."""
    if question.after:
        return 0
    return session.scalar(text(search_sql.count_by_links(question)), search_sql.values(question)) or 0


def _others(session: Session, question: Question, enough: int) -> tuple[int, list[Place]]:
    """Steps 2 and 3: how many match (as far as counted), and a page of them."""
    if _is_frequent(session, question) and len(met := _walk(session, question)) >= enough:
        return MOST + 1, met
    return _candidates(session, question)


def _is_frequent(session: Session, question: Question) -> bool:
    return bool(session.scalar(text(search_sql.is_frequent(question)), search_sql.values(question)))


def _walk(session: Session, question: Question) -> list[Place]:
    rows = session.execute(text(search_sql.walk(question)), search_sql.values(question))
    return [Place._make(row) for row in rows]


def _candidates(session: Session, question: Question) -> tuple[int, list[Place]]:
    session.execute(text(search_sql.PLAN_BY_TRIGRAMS))
    return _page(session, search_sql.candidates(question), question)


@contextmanager
def _planned(session: Session) -> Iterator[None]:
    """Hold the planner's settings; after an error the rollback puts them back."""
    session.execute(text(search_sql.PLAN_BY_ORDER))
    yield
    session.execute(text(search_sql.PLAN_FREELY))


def _page(session: Session, statement: str, question: Question) -> tuple[int, list[Place]]:
    rows = session.execute(text(statement), search_sql.values(question)).all()
    return (rows[0].total or 0) if rows else 0, [Place(row.rank, row.order, row.id) for row in rows]


def load_found(session: Session, ids: list[uuid.UUID]) -> list[FoundAccount]:
    """Return the lines of these accounts, in this order; one that was deleted meanwhile is left out."""
    if not ids:
        return []
    mine, bound = and_mine(session)
    rows = session.execute(text(search_sql.LOAD + mine), {"ids": ids, **bound})
    found = {row.id: FoundAccount._make(row) for row in rows}
    return [found[id_] for id_ in ids if id_ in found]
