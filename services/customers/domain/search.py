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
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    tablesample,
    text,
    true,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from services.customers.domain.search_terms import Term, search_terms, starts_of_name
from services.customers.domain.search_text import (
    SearchedContact,
    SearchedContactColumns,
    search_text,
    search_text_expression,
)
from services.customers.models import Account, Contact
from shared.keys import code_key

__all__ = [
    "MOST",
    "Found",
    "FoundAccount",
    "SearchQuery",
    "SearchedContact",
    "SearchedContactColumns",
    "find_accounts",
    "search_text",
    "search_text_expression",
]

MOST = 1000
# Rows looked at in order, where a choice or the input may meet few of them.
LONGEST_WALK = 5000
SAMPLED_PAGES = 60
PAGE_BYTES = 8192
# Up to so many matches the index answers in some 10 ms.
MANY = 20_000

EXACT_CODE, NAME_START, CODE_START, OTHER = range(4)

# As in the indexes account_sorted and account_search, else the planner does not see that they fit.
SORTED: ColumnElement[str] = literal_column('left(search, 40) COLLATE "C"', Text)
FACETS = literal_column("account_facets(tags, kind, status, is_customer, is_vendor)", ARRAY(Text))
AFTER_ALL_LETTERS = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What was typed and chosen. `after` is `Found.next` of the page before; `tag` is one of `account.tags`."""

    text: str = ""
    status: Literal["active", "inactive", "all"] = "active"
    kind: Literal["company", "person"] | None = None
    role: Literal["customer", "vendor"] | None = None
    tag: str | None = None
    limit: int = 50
    after: list[Any] | None = None


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


class Place(NamedTuple):
    """Where an account stands in the result."""

    rank: int
    order: str
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Question:
    """A query taken apart into what the steps need."""

    limit: int
    after: Place | None
    statuses: tuple[str, ...]
    starts: str
    code: str
    terms: list[Term]
    choices: dict[str, str]

    @property
    def is_everything(self) -> bool:
        """Nothing typed, nothing chosen but a status."""
        return not self.terms and not self.choices


def find_accounts(session: Session, query: SearchQuery) -> Found:
    """One page of the accounts that match, best first. Reads only; leaves the transaction's settings as they were."""
    question = _question(query)
    count, places = _starts(session, question)
    is_enough = len(places) > question.limit if question.after else count > MOST
    if not is_enough and not question.is_everything:
        others = _walk(session, question) if _is_frequent(session, question) else []
        count = MOST + 1
        if len(places) + len(others) <= question.limit:
            count, others = _candidates(session, question)
        places = sorted({*places, *others})
    page = places[: question.limit]
    return Found(
        items=_load(session, page),
        next=[page[-1].rank, page[-1].order, str(page[-1].id)] if len(places) > question.limit else None,
        count=None if question.after else min(count, MOST),
        capped=count > MOST,
    )


def _question(query: SearchQuery) -> Question:
    choices = {"kind": query.kind, "role": query.role, "tag": query.tag}
    return Question(
        limit=query.limit,
        after=Place(int(query.after[0]), str(query.after[1]), uuid.UUID(query.after[2])) if query.after else None,
        statuses=("active", "inactive") if query.status == "all" else (query.status,),
        starts=starts_of_name(query.text),
        code=code_key(query.text),
        terms=search_terms(query.text),
        choices={name: value for name, value in choices.items() if value is not None},
    )


def _starts(session: Session, question: Question) -> tuple[int, list[Place]]:
    """Step 1: how many accounts start with the input (as far as counted), and a page of them."""
    rows = LONGEST_WALK if question.choices else MOST + 1
    ranges = []
    if question.code and _may_come(question, CODE_START):
        ranges.append(_ranked(question).where(_begins(Account.code_key, question.code)).order_by(Account.code_key))
    if _may_come(question, NAME_START):
        ranges += [by_name.where(_begins(SORTED, question.starts)) for by_name in _by_name(question, NAME_START)]
    if not ranges:
        return 0, []
    return _page(session, question, union(*(_fitting(rows_of, question, rows) for rows_of in ranges)).cte())


def _walk(session: Session, question: Question) -> list[Place]:
    """Step 2: a page of other matches, met in the order of names."""
    walks = [_fitting(by_name, question, LONGEST_WALK) for by_name in _by_name(question, OTHER)]
    walked = union_all(*walks).subquery()
    others = select(walked).where(walked.c.rank == OTHER)
    return [Place(*row) for row in session.execute(_in_order(others, walked, question))]


def _is_frequent(session: Session, question: Question) -> bool:
    """Whether a sample of pages, always the same ones, says that more than `MANY` accounts match."""
    share = func.least(100.0, 100.0 * SAMPLED_PAGES * PAGE_BYTES / func.greatest(func.pg_relation_size("account"), 1))
    sample = aliased(Account, tablesample(Account.__table__, func.system(share), seed=literal(1)))
    matching = func.count().filter(_fits(question, sample))
    return bool(session.scalar(select(matching * 100.0 / share > MANY).select_from(sample)))


def _candidates(session: Session, question: Question) -> tuple[int, list[Place]]:
    """Step 3: how many the index finds (as far as counted), and a page of them."""
    found = _ranked(question).where(*_matches(question, Account)).limit(MOST + 1)
    if facets := _facets(question):
        found = found.where(FACETS.op("@>")(cast(facets, ARRAY(Text))))
    if question.statuses == ("active",):
        # So said that the index by name seems of no use here.
        found = found.where(Account.status != "inactive")
    with _only_bitmaps(session):
        return _page(session, question, found.cte())


_SET_PLANNER = text(
    "SELECT set_config('enable_seqscan', :others, true), set_config('enable_indexscan', :others, true),"
    " set_config('jit', :others, true)"
)


@contextmanager
def _only_bitmaps(session: Session) -> Iterator[None]:
    """Leave the planner the trigram index alone: it cannot know how rare a pattern is."""
    session.execute(_SET_PLANNER, {"others": "off"})
    yield
    session.execute(_SET_PLANNER, {"others": "on"})


def _page(session: Session, question: Question, found: Any) -> tuple[int, list[Place]]:
    """Count what was found, and return a page of it and one more."""
    count = select(func.count()).select_from(found).scalar_subquery()
    rows = session.execute(_in_order(select(found.c.rank, found.c.order, found.c.id, count), found, question)).all()
    return (rows[0][3] if rows else 0), [Place(*row[:3]) for row in rows]


def _in_order(places: Select[Any], found: FromClause, question: Question) -> Select[Any]:
    place = tuple_(found.c.rank, found.c.order, found.c.id)
    if question.after:
        places = places.where(place > tuple_(*question.after))
    return places.order_by(found.c.rank, found.c.order, found.c.id).limit(question.limit + 1)


def _ranked(question: Question) -> Select[Any]:
    """Accounts with the place that they have in the result."""
    rank: ColumnElement[int] = literal(NAME_START)
    if question.starts:
        rank = case(
            (Account.code_key == question.code, EXACT_CODE),
            (_begins(SORTED, question.starts), NAME_START),
            (_begins(Account.code_key, question.code), CODE_START),
            else_=OTHER,
        )
    order = case((rank == CODE_START, Account.code_key), else_=SORTED)
    return select(rank.label("rank"), order.label("order"), Account.id)


def _by_name(question: Question, rank: int) -> list[Select[Any]]:
    """Accounts in the order of their names, one select for each status; those of `rank` from the page's start."""
    ordered = []
    for status in question.statuses:
        accounts = _ranked(question).where(Account.status == status).order_by(SORTED, Account.id)
        if question.after and question.after.rank == rank:
            accounts = accounts.where(tuple_(SORTED, Account.id) > tuple_(*question.after[1:]))
        ordered.append(accounts)
    return ordered


def _may_come(question: Question, rank: int) -> bool:
    return question.after is None or question.after.rank <= rank


def _fitting(accounts: Select[Any], question: Question, rows: int) -> Select[Any]:
    """Those that fit among the first `rows`."""
    looked_at = accounts.add_columns(_fits(question, Account).label("fits")).limit(rows).subquery()
    return select(looked_at.c.rank, looked_at.c.order, looked_at.c.id).where(looked_at.c.fits)


def _fits(question: Question, account: Any) -> ColumnElement[bool]:
    """All that was typed and chosen holds."""
    choices: dict[str, ColumnElement[bool]] = {
        "kind": account.kind == question.choices.get("kind"),
        "role": account.is_vendor if question.choices.get("role") == "vendor" else account.is_customer,
        "tag": account.tags.any(question.choices.get("tag")),
    }
    chosen = [choices[name] for name in question.choices]
    return and_(true(), account.status.in_(question.statuses), *_matches(question, account), *chosen)


def _matches(question: Question, account: Any) -> list[ColumnElement[bool]]:
    return [
        or_(*(and_(*(account.search.like(pattern) for pattern in patterns)) for patterns in term))
        for term in question.terms
    ]


def _facets(question: Question) -> list[str]:
    """What `account_facets` must contain; '=' marks all that is not a tag."""
    facets = [value if name == "tag" else f"={value}" for name, value in question.choices.items()]
    return [*facets, "=inactive"] if question.statuses == ("inactive",) else facets


def _begins(column: Any, start: str) -> ColumnElement[bool]:
    return and_(column >= start, column < start + AFTER_ALL_LETTERS)


def _load(session: Session, places: list[Place]) -> list[FoundAccount]:
    ids = [place.id for place in places]
    account, contact = Account, Contact
    rows = session.execute(
        select(
            *(getattr(account, name) for name in FoundAccount._fields[:13]),
            contact.id,
            contact.first_name,
            contact.last_name,
            contact.email,
            contact.phone,
        )
        .outerjoin(contact, and_(contact.account_id == account.id, contact.is_primary))
        .where(account.id == any_(literal(ids, ARRAY(Uuid))))
    )
    found = {row.id: FoundAccount._make(row) for row in rows}
    return [found[id_] for id_ in ids if id_ in found]
