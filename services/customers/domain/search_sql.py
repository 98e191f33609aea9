"""The statements of live search, as text.

They run at every key stroke, and composing them from objects took longer than most of them do. They are put together
from what stands in this file; every value that came from outside is bound (`values`).
"""
# ruff: noqa: S608

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, NamedTuple

from shared.search_terms import Term

# Where counting ends.
MOST = 1000
# Rows looked at in order, where a choice or the input may meet few of them.
LONGEST_WALK = 3000
# An associate with up to so many links is asked for link by link; of one with more, a match is met soon enough.
FEW_LINKS = 15_000
# Of who sees only their own every count is one of matches, so walking is dearer.
FEW_OWN = 25_000
# Up to so many matches the index answers in some 10 ms.
MANY = 30_000
SAMPLED_PAGES = 30

STATUSES = ("active", "inactive")
EXACT_CODE, NAME_START, CODE_START, OTHER = range(4)

# As in the indexes account_sorted and account_search, else the planner does not see that they fit.
SORTED = 'left(search, 40) COLLATE "C"'
FACETS = "account_facets(tags, kind, status, is_customer, is_vendor)"

NAME_STARTS = f"{SORTED} >= :starts AND {SORTED} < :starts_end"
CODE_STARTS = "code_key >= :code AND code_key < :code_end"
AFTER_ALL_LETTERS = "\U0010ffff"

CHOICES = {
    "kind": "kind = :kind",
    "role": "CASE :role WHEN 'vendor' THEN is_vendor ELSE is_customer END",
    "tag": ":tag = ANY (tags)",
}
LINK_CHOICES = {"associate": "associate_id = :associate", "associate_role": "role = :associate_role"}
OWN_ACCOUNTS = "own_account AS account"


class Place(NamedTuple):
    """Where an account stands in the result."""

    rank: int
    order: str
    id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Question:
    """A query taken apart into what the statements need."""

    limit: int
    after: Place | None
    statuses: Sequence[str]
    starts: str
    code: str
    terms: Sequence[Term]
    choices: dict[str, str]
    links: dict[str, str | uuid.UUID]
    account: uuid.UUID | None = None

    @property
    def has_others(self) -> bool:
        """Whether accounts may match that do not start with the input; what has no word asks for codes alone."""
        return bool(self.terms or (self.is_narrowed and not self.code))

    @property
    def accounts(self) -> str:
        """What is searched: by who sees only their own, the view of these (migration 0009), which uses the indexes."""
        return OWN_ACCOUNTS if "mine" in self.links else "account"

    @property
    def is_narrowed(self) -> bool:
        """Whether something was chosen, so that not all of a range match; `accounts` has only what one may see."""
        return bool(self.choices or self.links.keys() & LINK_CHOICES.keys() or self.account)


def values(question: Question) -> dict[str, Any]:
    """What is bound, for all statements together."""
    facets = [value if name == "tag" else f"={value}" for name, value in question.choices.items()]
    if question.statuses == ("inactive",):
        facets.append("=inactive")
    patterns = [pattern for term in question.terms for patterns in term for pattern in patterns]
    return {
        "starts": question.starts,
        "starts_end": question.starts + AFTER_ALL_LETTERS,
        "code": question.code,
        "code_end": question.code + AFTER_ALL_LETTERS,
        "rows": question.limit + 1,
        "facets": facets,
        **question.choices,
        **question.links,
        **({"account": question.account} if question.account else {}),
        **(question.after._asdict() if question.after else {}),
        **{f"pattern{number}": pattern for number, pattern in enumerate(patterns)},
    }


def starts(question: Question) -> str | None:
    """Step 1: a page of what starts with the input and, on a first page, how many there are up to `MOST` each."""
    ranges, counted = [], []
    if question.code and _may_come(question, CODE_START):
        codes = f"{CODE_STARTS} AND {_status(question)}"
        ranges.append((codes, "code_key"))
        counted.append(f"{codes} AND NOT ({NAME_STARTS})" if question.starts else codes)
    if (question.starts or not question.code) and _may_come(question, NAME_START):
        names = NAME_STARTS if question.starts else "true"
        after = _after(question, NAME_START)
        of_statuses = [f"status = '{status}' AND {names} {after}" for status in question.statuses]
        ranges += [(of_status, f"{SORTED}, id") for of_status in of_statuses]
        counted += of_statuses
    if not ranges:
        return None
    found = " UNION ".join(f"({_first_of_range(question, *range_)})" for range_ in ranges)
    total = "NULL" if question.after else " + ".join(f"({_count(question, range_)})" for range_ in counted)
    return f"SELECT *, {total} AS total FROM ({found}) AS found {_page(question)}"


def walk(question: Question) -> str:
    """Step 2: a page of other matches, met in the order of names."""
    after = _after(question, OTHER)
    walked = " UNION ALL ".join(
        f"(SELECT *, {SORTED} AS sorted FROM {question.accounts} WHERE status = '{status}' {after}"
        f" ORDER BY {SORTED}, id LIMIT {LONGEST_WALK})"
        for status in question.statuses
    )
    return (
        f'SELECT {OTHER} AS rank, sorted AS "order", id FROM ({walked}) AS walked'
        f" WHERE {_fits(question, 'walked')} AND {_rank(question)} = {OTHER} ORDER BY sorted, id LIMIT :rows"
    )


def is_frequent(question: Question) -> str:
    """Whether a sample of pages, always the same ones, says that more than `MANY` accounts match."""
    share = f"least(100, {SAMPLED_PAGES} * 819200.0 / greatest(pg_relation_size('account'), 1))"
    return (
        f"SELECT count(*) * 100 / {share} > {MANY} FROM account TABLESAMPLE SYSTEM ({share}) REPEATABLE (1)"
        f" WHERE {_fits(question, 'account')}"
    )


def candidates(question: Question) -> str:
    """Step 3: how many the trigram index finds, up to one more than `MOST`, and a page of them."""
    conditions = [_matches(question), _status(question), _chosen(question, "account")]
    if question.choices or question.statuses == ("inactive",):
        conditions.append(f"{FACETS} @> CAST(:facets AS text[])")
    return (
        f"WITH found AS MATERIALIZED (SELECT {_rank(question)} AS rank, code_key, {SORTED} AS sorted, id"
        f" FROM {question.accounts} WHERE {' AND '.join(conditions)} LIMIT {MOST + 1})"
        f" SELECT *, (SELECT count(*) FROM found) AS total"
        f" FROM (SELECT rank, {_order('rank', 'sorted')}, id FROM found) AS placed {_page(question)}"
    )


def count_links(question: Question) -> str:
    """How many links the associate has, up to one more than `FEW_LINKS` or `FEW_OWN`."""
    return f"SELECT count(*) FROM (SELECT {_links(question)} LIMIT {max(FEW_LINKS, FEW_OWN) + 1}) AS counted"


def by_links(question: Question) -> str:
    """All steps at once for an associate with few links: each of its accounts is looked at."""
    return (
        f"WITH found AS MATERIALIZED (SELECT {_rank(question)} AS rank, code_key, {SORTED} AS sorted, id"
        f" FROM {question.accounts} WHERE id = ANY (ARRAY(SELECT account_id {_links(question)}))"
        f" AND {_status(question)} AND {_chosen(question, 'account', by_links=True)} AND {_any_way(question)})"
        f" SELECT *, (SELECT count(*) FROM found) AS total"
        f" FROM (SELECT rank, {_order('rank', 'sorted')}, id FROM found) AS placed {_page(question)}"
    )


def count_by_links(question: Question) -> str:
    """How many `by_links` finds, up to one more than `MOST`; of the links no more is read than that takes."""
    fits = f"{_status(question)} AND {_chosen(question, 'account', by_links=True)} AND {_any_way(question)}"
    return (
        f"SELECT count(*) FROM (SELECT FROM (SELECT DISTINCT account_id {_links(question)}) AS linked"
        f" WHERE (SELECT true FROM {question.accounts} WHERE id = linked.account_id AND {fits} LIMIT 1)"
        f" LIMIT {MOST + 1}) AS counted"
    )


def every_match(question: Question) -> str:
    """All accounts that the steps above find page by page, with `rank` and `order`, as one query without an end."""
    return (
        f"SELECT *, {_rank(question)} AS rank, {_order(_rank(question), SORTED)} FROM account"
        f" WHERE {_status(question)} AND {_chosen(question, 'account')} AND {_any_way(question)}"
    )


def _any_way(question: Question) -> str:
    ways = [CODE_STARTS] if question.code else []
    if question.starts or not question.code:
        ways.append(NAME_STARTS if question.starts else "true")
    if question.has_others:
        ways.append(_matches(question))
    return "(" + " OR ".join(f"({way})" for way in ways) + ")"


def _links(question: Question) -> str:
    """The links that were asked for, of one associate."""
    whose = "associate" if "associate" in question.links else "mine"
    role = " AND role = :associate_role" if "associate_role" in question.links else ""
    return f"FROM account_associate WHERE associate_id = :{whose}{role}"


# Neither how rare a pattern is nor, right after an import, anything at all is known to the planner: each step leaves
# it the one index that is meant. NULL puts back what the connection began with.
PLAN_BY_ORDER = (
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('jit', 'off', true)"
)
PLAN_BY_TRIGRAMS = "SELECT set_config('enable_indexscan', 'off', true), set_config('enable_bitmapscan', 'on', true)"
PLAN_FREELY = (
    "SELECT set_config('enable_seqscan', NULL, true), set_config('enable_bitmapscan', NULL, true),"
    " set_config('enable_indexscan', NULL, true), set_config('jit', NULL, true)"
)

LOAD = """
SELECT account.id, code, name, account.kind, is_customer, is_vendor, account.email, account.phone, city, country, tags,
       account.status, account.version, contact.id AS contact_id, first_name AS contact_first_name,
       last_name AS contact_last_name, contact.email AS contact_email, contact.phone AS contact_phone
FROM account LEFT JOIN contact ON contact.account_id = account.id AND contact.is_primary
WHERE account.id = ANY (:ids)
"""


def _may_come(question: Question, rank: int) -> bool:
    return question.after is None or question.after.rank <= rank


def _first_of_range(question: Question, range_: str, order: str) -> str:
    """A page of the accounts of a range of an index; with something chosen, among the first of them."""
    rows = LONGEST_WALK if question.is_narrowed else ":rows"
    return (
        f"SELECT {_place(question)}, id FROM (SELECT * FROM {question.accounts} WHERE {range_}"
        f" ORDER BY {order} LIMIT {rows}) AS first WHERE {_chosen(question, 'first')} LIMIT :rows"
    )


def _count(question: Question, range_: str) -> str:
    rows = LONGEST_WALK if question.is_narrowed else MOST + 1
    return (
        f"SELECT count(*) FROM (SELECT * FROM {question.accounts} WHERE {range_} LIMIT {rows}) AS first"
        f" WHERE {_chosen(question, 'first')}"
    )


def _page(question: Question) -> str:
    after = 'WHERE (rank, "order", id) > (:rank, :order, :id)' if question.after else ""
    return f'{after} ORDER BY rank, "order", id LIMIT :rows'


def _after(question: Question, rank: int) -> str:
    """From where the page starts, if it starts among those of this rank."""
    starts_here = question.after is not None and question.after.rank == rank
    return f"AND ({SORTED}, id) > (:order, :id)" if starts_here else ""


def _place(question: Question) -> str:
    rank = _rank(question)
    return f"{rank} AS rank, {_order(rank, SORTED)}"


def _order(rank: str, by_name: str) -> str:
    return f'CASE {rank} WHEN {CODE_START} THEN code_key ELSE {by_name} END AS "order"'


def _rank(question: Question) -> str:
    if not question.code:
        return f"{NAME_START}"
    if not question.starts:  # a code of signs alone is a code still
        return f"CASE WHEN code_key = :code THEN {EXACT_CODE} ELSE {CODE_START} END"
    return (
        f"CASE WHEN code_key = :code THEN {EXACT_CODE} WHEN {NAME_STARTS} THEN {NAME_START}"
        f" WHEN {CODE_STARTS} THEN {CODE_START} ELSE {OTHER} END"
    )


def _fits(question: Question, accounts: str) -> str:
    return f"{_status(question)} AND {_matches(question)} AND {_chosen(question, accounts)}"


def _status(question: Question) -> str:
    """Said by what it is not, of which no index can seem to be of use."""
    return " AND ".join(f"status <> '{status}'" for status in STATUSES if status not in question.statuses) or "true"


def _chosen(question: Question, accounts: str, *, by_links: bool = False) -> str:
    """What was chosen of `accounts`, as the statement around calls them.

    `by_links` leaves out the links by which the accounts are looked up.
    """
    conditions = [CHOICES[name] for name in question.choices] + (
        [f"{accounts}.id = :account"] if question.account else []
    )
    asked = [LINK_CHOICES[name] for name in question.links if name in LINK_CHOICES]
    if "mine" in question.links and (asked or not by_links):
        conditions.append(_linked(accounts, "associate_id = :mine"))
    if asked and not (by_links and "associate" in question.links):
        conditions.append(_linked(accounts, " AND ".join(asked)))
    return " AND ".join(conditions) or "true"


def _linked(accounts: str, condition: str) -> str:
    """Whether an account has such a link.

    Not EXISTS, of which the planner makes a join: it would read all links of an associate before the first account,
    where a page is full after some hundred.
    """
    return f"(SELECT true FROM account_associate AS link WHERE link.account_id = {accounts}.id AND {condition} LIMIT 1)"


def _matches(question: Question) -> str:
    numbers = count()
    terms = [
        " OR ".join(" AND ".join(f"search LIKE :pattern{next(numbers)}" for _ in patterns) for patterns in term)
        for term in question.terms
    ]
    return " AND ".join(f"({term})" for term in terms) or "true"
