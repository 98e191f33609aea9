"""C2: live search finds what people type, best first, and stays within its bounds."""

import itertools
import random
import re
import uuid
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from services.customers.domain import search, search_sql
from services.customers.domain.search import SearchQuery, find_accounts
from services.customers.domain.search_text import (
    SearchedContact,
    SearchedContactColumns,
    search_text,
    search_text_expression,
)
from services.customers.models import Account
from shared.keys import code_key, name_key
from shared.words import fold
from tests.customers.conftest import ADA


def names(session: Session, typed: str, **choices: Any) -> list[str]:
    return [account.name for account in find_accounts(session, SearchQuery(typed, **choices)).items]


def all_pages(session: Session, query: SearchQuery) -> list[str]:
    found = find_accounts(session, query)
    codes = [account.code for account in found.items]
    while found.next:
        found = find_accounts(session, SearchQuery(query.text, query.status, limit=query.limit, after=found.next))
        codes += [account.code for account in found.items]
    return codes


@pytest.fixture
def fill(session: Session) -> Callable[..., list[str]]:
    """fill(["Smith", ...], **values) -> their search texts; codes are Z000, Z001, ..."""

    def make(account_names: list[str], **values: Any) -> list[str]:
        rows = [
            {
                "name": name,
                "name_key": name_key(name),
                "code": (code := f"Z{number:03d}"),
                "code_key": code_key(code),
                "search": search_text(name=name, code_key=code_key(code)),
                "created_by": ADA.id,
                "created_by_name": ADA.name,
                **values,
            }
            for number, name in enumerate(account_names)
        ]
        session.execute(insert(Account), rows)
        return [row["search"] for row in rows]

    return make


# ------------------------------------------------------------------ what is kept

words = st.none() | st.text(
    st.characters(exclude_categories=["Cs", "Cn", "Co"], exclude_characters="\x00"), max_size=20
)
plain = st.none() | st.from_regex(r"[a-z.]{1,5}@[a-z-]{1,5}\.[a-z]{2}|\+49[0-9]{3,6}", fullmatch=True)


@settings(max_examples=300)
@given(words, words, words, words, words, plain, plain, plain, plain)
def test_search_text_and_its_column_twin_agree(name, code, city, first, last, email, email2, phone, phone2):
    name, code = name or "", code or ""
    columns = {
        "name": name,
        "code": code,
        "city": city,
        "email": email,
        "phone": phone,
        "first": first,
        "last": last,
        "email2": email2,
        "phone2": phone2,
    }
    frame = pl.DataFrame({key: pl.Series([value], dtype=pl.String) for key, value in columns.items()})
    column = pl.col
    twin = search_text_expression(
        name=column("name"),
        code_key=column("code"),
        city=column("city"),
        email_key=column("email"),
        phone_keys=[column("phone")],
        contacts=[SearchedContactColumns(column("first"), column("last"), column("email2"), [column("phone2")])],
    )
    alone = search_text(
        name=name,
        code_key=code,
        city=city,
        email_key=email,
        phone_keys=[phone],
        contacts=[SearchedContact(first, last, email2, [phone2])],
    )
    assert frame.select(twin).item() == alone


def test_a_contact_who_is_the_account_is_not_repeated():
    contact = SearchedContact("Eva", "Lind", "eva@lind.se", ["+46701234567"])
    kept = search_text(
        name="Eva Lind", code_key="c1", email_key="eva@lind.se", phone_keys=["+46701234567"], contacts=[contact]
    )
    assert kept == " eva lind  c1 eva lindse 46701234567"


# ------------------------------------------------------------------ what is found


@pytest.fixture
def weber(make_account: Callable[..., Account], make_contact: Callable[..., Any]) -> Account:
    account = make_account(
        "Weber & Söhne Großhandel",
        code="00417-B",
        city="Łódź",
        country="DE",
        email="office@weber-soehne.de",
        phone="0755 322 9565",
    )
    make_contact(account, "O'Neil-Tanaka", first_name="Zoë", email="zoe.tanaka7@post.example", phone="+81 3 1234 5678")
    return account


@pytest.mark.parametrize(
    "typed",
    [
        *("w", "we", "Weber", "weber & s", "WEBER söhne", "sohne", "grosshandel", "handel", "ssha", "lodz", "Łódź"),
        *("ta", "tan", "Tanaka", "oneil", "o'neil", "O’Neil-Tanaka", "zoe", "Zoë ta", "tanaka weber", "lo we ta"),
        *("00417", "00417-b", "0417", "417", "office@weber", "office@weber-soehne.de", "weber-soehne.de", "soehne"),
        *("zoe.tanaka7@post.example", "tanaka7", "post.ex", "zoe.t"),
        *("0755 322", "0755-322/9565", "(0755) 322", "7553229565", "+49 755 322", "+49 (0)755 3229565", "0049755"),
        *("322 95", "+81 3 1234", "12345678", "weber 0755 322"),
    ],
)
def test_account_is_found_when_typing(session, weber, make_account, typed):
    make_account("Quite Another", code="X1", city="Paris")
    assert names(session, typed) == [weber.name]


@pytest.mark.parametrize(
    "typed", ["eb", "de", "%", "_", "w%r", "weber smith", "0417-c", "qqqq", "00 418", "\\", "'; --", "٪"]
)
def test_account_is_not_found_when_typing(session, weber, typed):
    assert names(session, typed) == []


@pytest.mark.parametrize(
    "typed", ["lorem ipsum " * 1000, "x" * 100_000, "1 " * 5000, "\t\n", "a@" * 500, "x." * 99, "\x00", "\ud800we"]
)
def test_anything_pasted_gets_an_answer(session, weber, typed):
    assert len(find_accounts(session, SearchQuery(typed)).items) <= 1


def test_typed_code_comes_first_then_names_then_codes_then_the_rest(session, make_account):
    for name, code in [
        ("Zeta 12", "Q1"),
        ("Last", "12"),
        ("12 Monkeys", "Q2"),
        ("Middle", "12-4"),
        ("12 Angry Men", "Q3"),
    ]:
        make_account(name, code=code)
    assert names(session, "12") == ["Last", "12 Angry Men", "12 Monkeys", "Middle", "Zeta 12"]


def test_signs_alone_are_the_beginning_of_a_code(session, make_account):
    for name, code in [("Alpha", "1"), ("Beta", "--"), ("-- Gamma", "--1"), ("😀", "2")]:
        make_account(name, code=code)
    found = find_accounts(session, SearchQuery("--"))
    assert [account.name for account in found.items] == ["Beta", "-- Gamma"]
    assert found.count == 2
    for typed, role in itertools.product(("😀", "&&", "%"), (None, "customer")):
        nothing = find_accounts(session, SearchQuery(typed, role=role))
        assert (nothing.items, nothing.count) == ([], 0)
    assert names(session, " ") == ["😀", "Alpha", "Beta", "-- Gamma"]


def test_names_are_sorted_without_accents_and_short_ones_first(session, make_account):
    for name in ("Smith and Co", "Smith", "Šmith", "Smithers", "smith a"):
        make_account(name)
    assert names(session, "smi") == ["Smith", "Šmith", "smith a", "Smith and Co", "Smithers"]


def test_inactive_ones_are_found_on_request(session, fill):
    fill(["Old Smith"], status="inactive")
    assert names(session, "smith") == []
    assert names(session, "smith", status="inactive") == names(session, "smith", status="all") == ["Old Smith"]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"role": "vendor"}, ["Vendor Smith"]),
        ({"role": "customer"}, ["Smith Person", "Tagged Smith"]),
        ({"kind": "person"}, ["Smith Person"]),
        ({"tag": "vendor"}, ["Tagged Smith"]),
        ({"tag": "vendor", "kind": "person"}, []),
        ({"tag": "=vendor"}, []),
    ],
)
@pytest.mark.parametrize("typed", ["", "smith", "s"])
def test_choices_combine_with_what_is_typed(session, make_account, choices, expected, typed):
    make_account("Smith Person", kind="person")
    make_account("Vendor Smith", is_vendor=True, is_customer=False)
    make_account("Tagged Smith", tags=["vendor"])
    assert names(session, typed, **choices) == expected


def test_a_line_shows_the_primary_contact(session, weber):
    line = find_accounts(session, SearchQuery("tanaka")).items[0]
    assert (line.contact_first_name, line.contact_last_name) == ("Zoë", "O'Neil-Tanaka")
    assert (line.code, line.city, line.version) == (weber.code, "Łódź", weber.version)


# ------------------------------------------------------------------ every way of finding

VOCABULARY = ("ann", "anna", "bo", "co", "comet", "de", "delta", "échelon", "x", "12", "1234", "99", "o'hara")


def oracle(texts: list[str], typed: str) -> set[int]:
    """What must be found, by the definition in words: each word begins a word or, from three letters, is inside."""
    found = set()
    for number, kept in enumerate(texts):
        pieces = fold(typed).split()
        if all(piece in kept if len(piece) > 2 else f" {piece}" in kept for piece in pieces):
            found.add(number)
    return found


@pytest.fixture(params=["as it comes", "walking", "candidates", "walking, too short"])
def way(request, monkeypatch):
    """Each way of finding, forced."""
    if request.param.startswith("walking"):
        monkeypatch.setattr(search_sql, "MANY", -1)
    if request.param == "walking, too short":
        monkeypatch.setattr(search_sql, "LONGEST_WALK", 3)
    if request.param == "candidates":
        monkeypatch.setattr(search_sql, "MANY", 10**9)


@pytest.mark.parametrize("seed", range(3))
def test_pages_together_hold_every_match_once(session, fill, way, seed):
    chance = random.Random(seed)
    texts = fill([" ".join(chance.choices(VOCABULARY, k=chance.randint(1, 4))) for _ in range(60)])
    for word in VOCABULARY:
        for typed in (word, word[:1], word[:2], f"{word} {chance.choice(VOCABULARY)[:3]}"):
            if len(typed.split()) > 1 and typed.replace(" ", "").isdigit():
                continue  # One number, typed with a gap.
            codes = all_pages(session, SearchQuery(typed, limit=7))
            assert sorted(codes) == sorted(f"Z{number:03d}" for number in oracle(texts, typed)), typed


def test_pages_of_both_statuses_are_in_one_order(session, fill, way, make_account):
    fill([f"Smith {letter}" for letter in "badce"], status="inactive")
    make_account("Smith C2", code="A1")
    make_account("Blacksmith", code="A2")
    codes = all_pages(session, SearchQuery("smith", status="all", limit=2))
    assert codes == ["Z001", "Z000", "Z003", "A1", "Z002", "Z004", "A2"]


def test_counting_ends(session, fill, monkeypatch):
    monkeypatch.setattr(search_sql, "MOST", 5)
    monkeypatch.setattr(search, "MOST", 5)
    fill([f"Smith {number}" for number in range(5)] + [f"John Baker {number}" for number in range(8)])
    few, many, nothing = (find_accounts(session, SearchQuery(typed, limit=2)) for typed in ("smith", "baker", "xyz"))
    assert (few.count, few.capped) == (5, False)
    assert (many.count, many.capped) == (5, True)
    assert (nothing.count, nothing.capped, nothing.items, nothing.next) == (0, False, [], None)
    assert find_accounts(session, SearchQuery("smith", limit=2, after=few.next)).count is None


# ------------------------------------------------------------------ how it is found


def test_the_planner_is_free_again_afterwards(session, weber):
    def settings_now() -> list[str]:
        touched = ("enable_seqscan", "enable_bitmapscan", "enable_indexscan", "jit")
        return [session.scalar(text(f"SHOW {name}")) for name in touched]

    before = settings_now()
    find_accounts(session, SearchQuery("tanaka"))
    assert settings_now() == before
    assert "on" in before


@pytest.mark.parametrize("typed", ["s", "smith", "smith lyon", "0755 322", "c0001"])
@pytest.mark.parametrize("choice", [{}, {"tag": "gold", "status": "inactive"}, {"role": "vendor", "status": "all"}])
def test_each_step_uses_its_index_even_without_statistics(session, fill, typed, choice):
    fill([f"Smith {number}" for number in range(500)])
    question = search._question(SearchQuery(typed, **choice))
    steps = {
        (search_sql.PLAN_BY_ORDER, search_sql.starts(question) or ""): {"account_sorted", "account_code_key_key"},
        (search_sql.PLAN_BY_ORDER, search_sql.walk(question)): {"account_sorted"},
        (search_sql.PLAN_BY_TRIGRAMS, search_sql.candidates(question)): {"account_search"},
    }
    for (planning, statement), expected in steps.items():
        session.execute(text(search_sql.PLAN_BY_ORDER))
        session.execute(text(planning))
        lines = session.scalars(text(f"EXPLAIN {statement}"), search_sql.values(question)).all()
        plan = "\n".join(lines)
        assert "Seq Scan" not in plan
        used = {name for name in ("account_sorted", "account_code_key_key", "account_search") if f" {name} " in plan}
        assert used == expected, plan
        session.execute(text(search_sql.PLAN_FREELY))


def test_links_when_asked_for_name_the_accounts_that_are_meant():
    """An `id` alone would mean the link's, had that table one."""
    question = search._question(SearchQuery("smith", associate=uuid.uuid4()), mine=uuid.uuid4())
    steps = (search_sql.starts, search_sql.walk, search_sql.is_frequent, search_sql.candidates, search_sql.by_links)
    for step in (*steps, search_sql.every_match):
        statement = step(question)
        linked = re.findall(r"link\.account_id = (\S+)", statement)
        assert len(linked) == statement.count("AS link") > 0
        assert set(linked) <= {"account.id", "first.id", "walked.id"}, statement


def test_every_statement_runs_planned(session, weber, monkeypatch):
    statements: list[str] = []
    execute = session.execute

    def record(statement: Any, *args: Any) -> Any:
        statements.append(str(statement))
        return execute(statement, *args)

    monkeypatch.setattr(session, "execute", record)
    find_accounts(session, SearchQuery("tanaka"))
    planning = [number for number, statement in enumerate(statements) if "set_config" in statement]
    planned = [statements[number] for number in planning]
    assert planned == [search_sql.PLAN_BY_ORDER, search_sql.PLAN_BY_TRIGRAMS, search_sql.PLAN_FREELY]
    assert planning[0] == 0
    assert "MATERIALIZED" in statements[planning[1] + 1]
    assert statements[planning[2] :] == [search_sql.PLAN_FREELY, search_sql.LOAD]
