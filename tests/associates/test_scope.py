"""A6: an associate's user sees that associate and its own links, and nobody else."""

import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from services.associates.domain.scope import limit_session
from services.associates.models import Associate, Link
from shared.db import read_only
from shared.testing import SignedClient, client_as
from tests.associates.conftest import ON, KnownAccounts

API = "/api/associates/v1"


@pytest.fixture
def people(
    known: KnownAccounts, make_associate: Callable[..., Associate], make_link: Callable[..., Link]
) -> tuple[Associate, uuid.UUID, uuid.UUID]:
    """Dana, the account that she and Eve look after, and one of Eve's alone."""
    dana, eve = make_associate("Dana Dealer"), make_associate("Eve Employee", email="eve@example.org")
    shared, eves = known.add(), known.add("Zephyr Foods", "2")
    for account, associate in ((shared, dana), (shared, eve), (eves, eve)):
        make_link(account, associate)
    return dana, shared.id, eves.id


def client_of(app: Flask, dana: Associate) -> SignedClient:
    may = ("associates.view", "customers.view")
    return client_as(app, *may, name="Dana", kind="associate", associate_id=dana.id, features=ON)


def test_links_when_asked_by_an_associate_are_their_own(
    app: Flask, people: tuple[Associate, uuid.UUID, uuid.UUID]
) -> None:
    dana, shared, eves = people
    client = client_of(app, dana)
    links = client.get(f"{API}/accounts/{shared}/links").json
    assert [one["associate"]["name"] for one in links["items"]] == ["Dana Dealer"]
    assert links["former"] == []
    tab = client.get(f"/associates/fragments/of-account/{shared}")
    assert tab.status_code == 200
    assert "Dana Dealer" in tab.text
    assert "Eve" not in tab.text
    for way in (f"{API}/accounts/{eves}/links", f"/associates/fragments/of-account/{eves}"):
        assert client.get(way).status_code == 404
    assert client.get(f"{API}/associates/{dana.id}/work").json["accounts"] == 1
    assert [one["name"] for one in client.get(f"{API}/associates").json["items"]] == ["Dana Dealer"]
    assert client.get(f"/associates/{dana.id}").status_code == 200


def test_associate_without_customers_is_not_told_to_do_what_staff_does(
    app: Flask, make_associate: Callable[..., Associate], client: SignedClient
) -> None:
    dana = make_associate("Dana Dealer")
    assert "Open a customer" in client.get(f"/associates/{dana.id}").text
    page = client_of(app, dana).get(f"/associates/{dana.id}").text
    assert "Nobody has given you a customer to look after yet." in page
    assert "Open a customer" not in page


def test_read_when_only_row_level_security_stands_is_narrowed(
    app: Flask, people: tuple[Associate, uuid.UUID, uuid.UUID]
) -> None:
    with read_only() as limited:
        limit_session(limited, people[0].id)
        for table, count in (("associate", 1), ("link", 1), ("change", 0)):
            assert limited.scalar(text(f"SELECT count(*) FROM {table}")) == count, table
