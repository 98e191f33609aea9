"""I12, I13: an export holds exactly what the list shows, in its order, of one moment, and can be imported again."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.customers.app import create_bulk_app
from services.customers.bulk.export import ExportForm, count_export, stream_export
from services.customers.bulk.rows import ASSOCIATE_FIELDS
from services.customers.bulk.target import customers_target
from services.customers.domain.search import SearchQuery, all_accounts, find_accounts
from services.customers.errors import UnknownColumns
from services.customers.models import Account
from services.imports.domain.mapping import Mapping
from services.imports.domain.matching import suggest
from services.imports.domain.sample import csv_of
from services.imports.domain.sniffing import sniff
from services.imports.domain.target import Target
from shared.cells import MARK, defuse, restore
from shared.db import unit_of_work
from shared.testing import client_as, client_of_service

Make = Callable[..., Any]


def exported(session: Session, query: SearchQuery | None = None, kind: str = "customers", **form: Any) -> bytes:
    return b"".join(stream_export(session, kind, query or SearchQuery(), ExportForm(form.pop("columns", []), **form)))


def rows(data: bytes, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))


def insert(many: int, name: str = "Before") -> None:
    with unit_of_work() as session:
        session.execute(
            text(
                "INSERT INTO account (code, code_key, name, name_key, search, created_by, created_by_name)"
                " SELECT n::text, n::text, :name, lower(:name), ' ' || lower(:name) || '  ', uuidv7(), 'Ada'"
                " FROM generate_series(1, :many) n"
            ),
            {"many": many, "name": name},
        )


@pytest.fixture
def some(make_account: Make, make_contact: Make) -> list[Account]:
    """Accounts whose names, codes and contacts share words, in both states, of all roles and kinds."""
    made = []
    names = ["Smith Ltd", "Smithson", "Anna Smith", "Weber & Söhne", "Weber", "C-01 Parts", "O'Neil", "0755 Hotline"]
    for number, name in enumerate(names):
        account = make_account(
            name,
            code=["C-01", "C-02", "SMITH", "WEB1", "07", "c-010", "##", "##1"][number],
            kind=["company", "person"][number % 2],
            is_vendor=number % 3 == 0,
            is_customer=number % 3 != 0 or number == 3,
            tags=["gold"] if number % 2 else [],
            city=["Lyon", "Smithville"][number % 2],
            phone="+33 1 42 68 53 0" + str(number),
        )
        make_contact(account, ["Smith", "Weber"][number % 2], first_name="Eva", email=f"eva{number}@post.example")
        made.append(account)
    return made


WORDS = (
    *("", "s", "sm", "smith", "SMITH", "weber söhne", "c-", "C-01", "#", "##", "0755", "07", "eva smith", "lyon"),
    *("zzz", "+33 1 42", "oneil", "eva3@post", "web", "smithville ltd"),
)
TYPED = st.sampled_from(WORDS)


@settings(max_examples=150)
@given(
    typed=TYPED | st.text(st.sampled_from("sSmwe c-0#17'ö@."), max_size=6),
    status=st.sampled_from(["active", "inactive", "all"]),
    kind=st.sampled_from([None, "company", "person"]),
    role=st.sampled_from([None, "customer", "vendor"]),
    tag=st.sampled_from([None, "gold"]),
)
def test_export_when_anything_is_searched_is_the_list(session, some, typed, status, kind, role, tag):
    """The complete statement and the pages of live search: the same accounts in the same order."""
    session.execute(
        text("UPDATE account SET status = 'inactive' WHERE code IN ('C-02', 'WEB1') AND status <> 'inactive'")
    )
    query = SearchQuery(typed, status, kind, role, tag, limit=3)
    listed, found = [], find_accounts(session, query)
    listed += found.items
    while found.next:
        found = find_accounts(session, SearchQuery(typed, status, kind, role, tag, 3, found.next))
        listed += found.items
    statement, values = all_accounts(query)
    ordered = session.execute(text(f'SELECT id FROM ({statement}) AS found ORDER BY rank, "order", id'), values)
    assert [row.id for row in ordered] == [account.id for account in listed]
    assert count_export(session, "customers", query) == len(listed)


def test_export_when_longer_than_search_counts_is_whole(session):
    insert(1500, name="Smith")
    found = rows(exported(session, SearchQuery("smith")))
    assert len(found) == 1500
    assert {row["Name"] for row in found} == {"Smith"}


def test_export_by_default_has_the_columns_of_the_sample_those_of_the_list_and_the_mark(session, some):
    header = exported(session).decode("utf-8-sig").splitlines()[0]
    target = Target.from_json(customers_target()).without(ASSOCIATE_FIELDS)  # which an export has not
    sample = csv_of(target).decode("utf-8-sig").splitlines()[0]
    assert header == f"{sample},_status,{MARK}"
    contacts = exported(session, kind="contacts").decode("utf-8-sig").splitlines()[0]
    assert contacts.endswith(f"Second phone,_primary,_status,{MARK}")


def test_export_by_default_when_it_comes_back_needs_no_matching(session, some):
    """What the list shows and no import changes is left out, and no attribute of the customer."""
    sniffed = sniff(exported(session))
    matches = suggest(sniffed.header, Target.from_json(customers_target()))
    assert {match.how for match in matches} == {"exact", "own"}
    mapping = Mapping({match.column: match.field for match in matches if match.field}, keep_unmapped=True)
    assert mapping.unmapped(sniffed.header) == []
    assert [match.column for match in matches if match.how == "own"] == ["_status", MARK]


def test_export_when_written_as_asked(session, make_account):
    make_account("Müller; Söhne", code="1", notes='two\nlines\tand "more"')
    data = exported(session, columns=["Notes", "Name", "_status"], delimiter=";", bom=False)
    assert data == 'Notes;Name;_status\r\n"two\nlines\tand ""more""";"Müller; Söhne";active\r\n'.encode()
    assert exported(session, columns=["Name"], delimiter="\t") == "\ufeffName\r\nMüller; Söhne\r\n".encode()
    with pytest.raises(UnknownColumns, match="password"):
        exported(session, columns=["password"])


def test_export_when_a_cell_is_a_formula_defuses_it(session, make_account, make_contact):
    account = make_account("=1+1", code="-x", city="Lyon;@SUM(1)", phone="+33 1 42 68 53 00", notes="-5")
    make_contact(account, "@home", phone="+1-202-555-0143")
    (row,) = rows(exported(session))
    assert row["Name"] == "'=1+1"
    assert row["Code"] == "'-x"
    assert row["City"] == "Lyon;'@SUM(1)"
    assert (row["Phone"], row["Notes"]) == ("+33 1 42 68 53 00", "-5")
    assert (row["Last name"], row["Contact's phone"]) == ("'@home", "'+1-202-555-0143")
    assert restore(row["Name"]) == "=1+1"


NASTY = st.text(st.sampled_from("=+-@＝'\",;|\t\r\n .()e%05aü"), min_size=1, max_size=8)


@settings(max_examples=60)
@given(
    texts=st.lists(st.tuples(NASTY, st.none() | NASTY, st.just("+33 1 42") | NASTY), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;|\t"),
)
def test_export_of_any_texts_when_read_is_them_again(session, texts, delimiter):
    """Lines that go through untouched and lines that are written anew stand in order, each cell defused once."""
    with session.begin_nested() as savepoint:
        session.execute(
            text(
                "INSERT INTO account (code, code_key, name, name_key, notes, city, search, created_by, created_by_name)"
                " VALUES (:code, :code, :name, 'x', :notes, :city, '', uuidv7(), 'Ada')"
            ),
            [{"code": f"{at:04}", "name": a, "notes": b, "city": c} for at, (a, b, c) in enumerate(texts)],
        )
        data = exported(session, columns=["Code", "Name", "Notes", "City"], delimiter=delimiter, bom=False)
        savepoint.rollback()
    found = list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))[1:]
    wanted = [[defuse(cell or "") for cell in (f"{at:04}", *cells)] for at, cells in enumerate(texts)]
    assert sorted(found) == wanted


def test_export_of_contacts_has_all_of_the_accounts_that_are_listed(session, make_account, make_contact):
    one, other = make_account("Smith", code="1"), make_account("Weber", code="2")
    for account, last in ((one, "Zorn"), (one, "Abel"), (other, "Cole")):
        make_contact(account, last, email=f"{last.lower()}@x.example")
    make_account("Smith without", code="3")
    query = SearchQuery("smith")
    found = rows(exported(session, query, kind="contacts"))
    assert [(row["Customer code"], row["Last name"]) for row in found] == [("1", "Zorn"), ("1", "Abel")]
    assert count_export(session, "contacts", query) == 2


# ------------------------------------------------------------------ over HTTP


@pytest.fixture
def bulk(make_settings, make_database):
    """The bulk app on a database of its own, where what is written is committed."""
    app = create_bulk_app(make_settings("customers", make_database("customers")))
    with app.app_context():
        yield app
    app.extensions["liaison.engine"].dispose()


def test_export_when_rows_change_meanwhile_is_of_one_moment(bulk: Flask):
    """I12: what is committed while the file is being sent is not in it, not even in part."""
    insert(60_000)
    client = client_of_service(bulk, "imports")
    answer = client.post(
        "/internal/exports/customers", json={"filter": {}, "columns": ["Code", "Name"]}, buffered=False
    )
    pieces = answer.response
    got = [next(pieces), next(pieces)]
    with unit_of_work() as session:
        session.execute(text("UPDATE account SET name = 'After'"))
        session.execute(text("DELETE FROM account WHERE code_key < '3'"))
    found = rows(b"".join([*got, *pieces]))
    answer.close()
    assert len(found) == 60_000
    assert {row["Name"] for row in found} == {"Before"}


def test_export_when_nobody_reads_on_lets_the_database_go(bulk: Flask):
    insert(60_000)
    client = client_of_service(bulk, "imports")
    answer = client.post("/internal/exports/customers", json={"filter": {}}, buffered=False)
    next(answer.response)
    next(answer.response)
    answer.close()
    engine = bulk.extensions["liaison.engine"]
    assert engine.pool.checkedout() == 0
    with unit_of_work() as session:
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%' AND state = 'active'"
        assert session.execute(text(busy)).scalar_one() == 0


def test_export_when_asked_by_people_or_wrongly_is_refused(bulk: Flask):
    client = client_of_service(bulk, "imports")
    assert client_as(bulk, "customers.view", "export").post("/internal/exports/customers", json={}).status_code == 404
    assert client.get("/internal/export-targets/customers").json["noun"] == "customer"
    assert client.get("/internal/export-targets/users").status_code == 404
    for body in (
        {},
        {"filter": {"status": "asleep"}},
        {"filter": {"limit": 1}},
        {"filter": {}, "delimiter": "x"},
        {"filter": {}, "columns": ["search"]},
        {"filter": {"associate": "nobody"}},
        {"filter": {"associate_role": "sales"}},
    ):
        assert client.post("/internal/exports/customers/check", json=body).status_code == 422
        assert client.post("/internal/exports/customers", json=body).status_code == 422
    wrong = client.post("/internal/exports/customers/check", json={"filter": {"status": "asleep"}}).json
    assert list(wrong["errors"]) == ["filter.status"]
    assert client.post("/internal/exports/customers/check", json={"filter": {"status": "active"}}).json == {}
    assert client.post("/internal/exports/customers/count", json={"filter": {"q": "zzz"}}).json == {"rows": 0}


def test_export_when_not_permitted_is_not_offered(app, viewer):
    """I12: no entry on the list, none in the menu; with the permission both are there."""
    page = viewer.get("/customers").text
    assert "/imports/exports" not in page
    page = client_as(app, "customers.view", "export").get("/customers").text
    assert "/imports/exports/new/customers" in page
    assert "/imports/exports/new/contacts" in page
    assert 'href="/imports/exports"' in page


def test_export_of_one_account_has_its_contacts_alone(bulk: Flask):
    """By its code however written, or its id; whatever its status, unless that is asked for, too."""
    insert(3, name="Smith")
    with unit_of_work() as session:
        session.execute(text("UPDATE account SET status = 'inactive' WHERE code = '2'"))
        session.execute(
            text(
                "INSERT INTO contact (account_id, last_name, name_key, contact_key, is_primary, created_by, created_by_name)"
                " SELECT id, 'Of ' || code || word, word, word, word = 'a', uuidv7(), 'Ada'"
                " FROM account, unnest(ARRAY['a', 'b']) AS word"
            )
        )
        two = str(session.execute(text("SELECT id FROM account WHERE code = '2'")).scalar_one())
    client = client_of_service(bulk, "imports")
    for account in ("2", " 2 ", two):
        asked = {"filter": {"account": account}}
        assert client.post("/internal/exports/contacts/check", json=asked).json == {}
        assert client.post("/internal/exports/contacts/count", json=asked).json == {"rows": 2}
        found = rows(client.post("/internal/exports/contacts", json=asked).data)
        assert [row["Last name"] for row in found] == ["Of 2a", "Of 2b"]
    active = {"filter": {"account": "2", "status": "active"}}
    assert client.post("/internal/exports/contacts/count", json=active).json == {"rows": 0}
    assert client.post("/internal/exports/customers/count", json={"filter": {"account": "1"}}).json == {"rows": 1}
    for unknown in ("9", str(uuid.uuid4())):
        for path in ("contacts/check", "contacts/count", "contacts"):
            answer = client.post(f"/internal/exports/{path}", json={"filter": {"account": unknown}})
            assert (answer.status_code, answer.json["code"]) == (422, "unknown_account")
            assert list(answer.json["errors"]) == ["account"]


def test_contacts_of_an_account_are_exported_by_who_may(app, client, make_account, make_contact):
    account = make_account("Cobalt", code="C&1")
    entry = "/imports/exports/new/contacts?account=C%261"
    exporter = client_as(app, "customers.view", "export")
    assert entry not in exporter.get(f"/customers/{account.id}").text  # there are none
    make_contact(account, "Smith")
    assert entry in exporter.get(f"/customers/{account.id}").text
    assert entry not in client_as(app, "customers.view", "import").get(f"/customers/{account.id}").text
