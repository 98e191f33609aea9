"""A5: lists and exports by who looks after the customers, with or without a text."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.customers.bulk.export import ExportForm, stream_export
from services.customers.domain import copies, search, search_sql
from services.customers.domain.search import SearchQuery, all_accounts, find_accounts
from services.customers.domain.status import set_account_status
from services.customers.models import Account
from shared.db import unit_of_work
from shared.testing import SignedClient, client_as
from tests.customers.conftest import ADA

DANA, EVE = uuid.uuid4(), uuid.uuid4()
ON = frozenset({"partner_management"})
API = "/api/customers/v1/accounts"


@pytest.fixture
def names(make_account: Callable[..., Account]) -> Callable[..., list[str]]:
    """Three of Cobalt, of which Dana manages two and sells to one of these; Eve has the third."""
    labs, mines, paint = make_account("Cobalt Labs"), make_account("Cobalt Mines"), make_account("Cobalt Paint")
    links = [(labs, DANA, "manages"), (labs, DANA, "sales"), (mines, DANA, "manages"), (paint, EVE, "sales")]
    with unit_of_work() as session:
        copies.save_associate(session, DANA, "A10001", "Dana Dealer", active=True)
        copies.change_links(session, [], [[str(one.id), str(who), role] for one, who, role in links])

    def found(client: SignedClient, **query: str) -> list[str]:
        answer = client.get(API, query_string=query)
        assert answer.status_code == 200, answer.text
        assert answer.json["count"] == len(answer.json["items"])
        return [one["name"] for one in answer.json["items"]]

    return found


@pytest.fixture
def ada(app: Flask) -> SignedClient:
    return client_as(app, "customers.view", "associates.view", "export", features=ON)


@pytest.mark.parametrize("few", [search_sql.FEW_LINKS, 0], ids=["few links", "many links"])
def test_list_when_filtered_by_associate_has_theirs(
    ada: SignedClient, names: Callable[..., list[str]], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FEW_LINKS", few)
    both = ["Cobalt Labs", "Cobalt Mines"]
    for query in ({}, {"q": "c"}, {"q": "cob"}, {"q": "obal"}):
        assert names(ada, associate=str(DANA), **query) == both, query
        assert names(ada, associate=str(DANA), associate_role="sales", **query) == ["Cobalt Labs"], query
        assert names(ada, associate=str(EVE), **query) == ["Cobalt Paint"], query
    assert names(ada, associate=str(DANA), q="min") == ["Cobalt Mines"]
    assert names(ada, associate=str(uuid.uuid4())) == []
    assert names(ada, associate="a10001", status="active", kind="company") == both


@pytest.mark.parametrize("few", [search_sql.FEW_LINKS, 0], ids=["few links", "many links"])
@pytest.mark.parametrize("limit", [1, 2, 50])
def test_count_when_filtered_by_associate_is_exact_up_to_the_most(
    session: Session, make_account: Callable[..., Account], few: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (search, search_sql):
        monkeypatch.setattr(module, "MOST", 4)
    monkeypatch.setattr(search, "FEW_LINKS", few)
    made = [make_account(f"Cobalt {number}", tags=["gold"] if number < 3 else []) for number in range(6)]
    set_account_status(session, ADA, made[5].id, "inactive", "Closed down")
    links = [(one, role) for one in made for role in ("manages", "sales")]
    copies.change_links(session, [], [[str(one.id), str(DANA), role] for one, role in links])
    asked: list[tuple[dict[str, Any], int, bool]] = [
        ({"tag": "gold"}, 3, False),
        ({"tag": "gold", "associate_role": "sales"}, 3, False),
        ({"status": "inactive"}, 1, False),
        ({"status": "inactive", "tag": "gold"}, 0, False),
        ({}, 4, True),
        ({"status": "all"}, 4, True),
    ]
    for choice, count, capped in asked:
        found = find_accounts(session, SearchQuery(associate=DANA, limit=limit, **choice))
        assert (found.count, found.capped) == (count, capped), choice


def test_list_when_filtered_wrongly_says_so(app: Flask, ada: SignedClient, names: Callable[..., list[str]]) -> None:
    unknown = ada.get(API, query_string={"associate": "A9"})
    assert (unknown.status_code, unknown.json["code"]) == (422, "unknown_associate")
    nobody = ada.get(API, query_string={"associate_role": "sales"})
    assert (nobody.status_code, nobody.json["code"]) == (422, "associate_missing")
    off = client_as(app, "customers.view", "associates.view")
    for address in (API, "/customers"):
        assert off.get(address, query_string={"associate": str(DANA)}).status_code == 409
    assert "Any associate" not in off.get("/customers").text


def test_screen_when_filtered_keeps_it_in_its_address(ada: SignedClient, names: Callable[..., list[str]]) -> None:
    page = ada.get("/customers", query_string={"associate": str(DANA), "associate_role": "sales", "q": "cob"}).text
    assert f'name="associate" value="{DANA}"' in page
    assert 'value="Dana Dealer"' in page
    assert "Cobalt" in page
    assert "Paint" not in page
    assert "Mines" not in page
    waiting = ada.get("/customers", query_string={"associate_role": "sales"})
    assert waiting.status_code == 200


def test_export_when_filtered_by_associate_is_the_list(session: Session, names: Callable[..., list[str]]) -> None:
    query = SearchQuery(text="cob", associate=DANA, associate_role="manages")
    file = b"".join(stream_export(session, "customers", query, ExportForm(["Name"]))).decode("utf-8-sig")
    assert file.split("\r\n")[1:-1] == ["Cobalt Labs", "Cobalt Mines"]
    statement, bound = all_accounts(query)
    found = session.execute(text(f'SELECT id FROM ({statement}) AS every ORDER BY rank, "order", id'), bound).scalars()
    assert list(found) == [one.id for one in find_accounts(session, query).items]
