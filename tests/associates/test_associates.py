"""A2: associates are kept, found, made inactive, deleted and brought back as customers are."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from services.associates.models import Associate
from shared.testing import SignedClient, client_as
from shared.web import encode_cursor
from tests.associates.conftest import ON

API = "/api/associates/v1/associates"
Make = Callable[..., Associate]


def names(answer: Any) -> list[str]:
    return [one["name"] for one in answer.json["items"]]


def test_associate_when_created_without_a_code_gets_one(client: SignedClient) -> None:
    made = client.post(API, json={"name": "Dana Dealer", "kind": "dealer"})
    assert made.status_code == 201
    assert re.fullmatch(r"A\d+", made.json["code"])
    assert client.get(made.headers["Location"]).json["kind"] == "dealer"


def test_code_when_taken_is_refused_and_names_who_has_it(client: SignedClient, make_associate: Make) -> None:
    first = make_associate(code="D-07")
    refused = client.post(API, json={"name": "Second", "code": "d-07"})
    assert (refused.status_code, refused.json["code"]) == (409, "code_taken")
    assert refused.json["existing"]["id"] == str(first.id)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("muller", ["Anna Müller"]),
        ("deal dana", ["Dana Dealer"]),
        ("north", ["Dana Dealer"]),
        ("72000011", ["Dana Dealer"]),
        ("b-1", ["Anna Müller"]),
        ("da", ["Dana Dealer", "Anna Müller"]),
        ("nobody", []),
    ],
)
def test_search_when_typed_finds_by_any_word_best_first(
    client: SignedClient, make_associate: Make, typed: str, expected: list[str]
) -> None:
    make_associate("Anna Müller", code="B-1", city="Dax")
    make_associate("Dana Dealer", email="dana@north.example", phone="+33 4 72 00 00 11")
    assert names(client.get(API, query_string={"q": typed})) == expected


def test_list_when_paged_holds_everybody_once(client: SignedClient, make_associate: Make) -> None:
    made = {make_associate(f"Person {number}").name for number in range(7)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = client.get(API, query_string={"q": "person", "limit": 3, **({"cursor": cursor} if cursor else {})})
        seen += names(page)
        cursor = page.json["next"]
        if cursor is None:
            break
    assert (sorted(seen), len(seen)) == (sorted(made), 7)
    forged = client.get(API, query_string={"q": "person", "cursor": encode_cursor([True, "x", str(uuid.uuid4())])})
    assert forged.status_code == 200


def test_edit_when_somebody_was_quicker_is_refused_and_tells_what_changed(
    client: SignedClient, make_associate: Make
) -> None:
    url = f"{API}/{make_associate().id}"
    assert client.patch(url, json={"city": "Lyon"}, headers={"If-Match": '"1"'}).status_code == 200
    stale = client.patch(url, json={"city": "Ghent"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["changes"][0]["now"]) == (412, "Lyon")


def test_associate_when_deleted_can_be_brought_back_as_it_was(client: SignedClient, make_associate: Make) -> None:
    made = make_associate("Dana Dealer", code="D-07", city="Lyon", tags=["north"])
    url = f"{API}/{made.id}"
    assert client.delete(url, headers={"If-Match": '"1"'}).status_code == 204
    assert client.get(url).status_code == 404
    back = client.post(f"{url}/restore")
    assert (back.json["code"], back.json["city"], back.json["tags"], back.json["version"]) == (
        "D-07",
        "Lyon",
        ["north"],
        2,
    )
    deeds = [one["action"] for one in client.get(f"{url}/history").json["items"]]
    assert deeds == ["restored", "deleted", "created"]


def test_status_when_inactive_needs_a_reason(client: SignedClient, make_associate: Make) -> None:
    url = f"{API}/{make_associate().id}/status"
    assert client.post(url, json={"status": "inactive"}).json["code"] == "reason_missing"
    assert client.post(url, json={"status": "inactive", "reason": "Left us"}).json["status"] == "inactive"


def test_screens_when_used_lead_from_the_form_to_the_list_and_back(client: SignedClient) -> None:
    refused = client.post("/associates", data={"name": "", "kind": "dealer"})
    assert (refused.status_code, "Needed." in refused.text) == (422, True)
    made = client.post("/associates", data={"name": "Dana Dealer", "kind": "dealer"})
    page = client.get(made.headers["Location"])
    assert "Dana Dealer" in page.text
    assert "/customers/fragments/of-associate/" in page.text
    assert made.headers["Location"] in client.get("/associates?q=dan").text
    menu = client.get(f"{made.headers['Location']}/menu").text
    assert "Make inactive…" in menu
    assert "Delete…" in menu
    viewer = client_as(client.application, "associates.view", features=ON)
    assert "Delete…" not in viewer.get(f"{made.headers['Location']}/menu").text


def test_form_when_sent_again_leads_to_the_associate_that_it_added(client: SignedClient) -> None:
    form_id = re.search(r'name="form_id" value="([^"]+)"', client.get("/associates/new").text)[1]
    form = {"name": "Dana Dealer", "kind": "dealer", "form_id": form_id}
    first, again = (client.post("/associates", data=form) for _ in range(2))
    assert first.status_code == again.status_code == 303
    assert first.location == again.location
    other = client.post("/associates", data={**form, "name": "Eve Else"})
    assert (other.status_code, f'<a href="{first.location}">Look at what was added</a>' in other.text) == (409, True)
    assert names(client.get(API)) == ["Dana Dealer"]


def test_form_when_somebody_was_quicker_keeps_both(client: SignedClient, make_associate: Make) -> None:
    made = make_associate(city="Ghent")
    url = f"/associates/{made.id}/edit"
    typed = {"name": made.name, "code": made.code, "kind": "employee", "version": "1"}
    client.patch(f"{API}/{made.id}", json={"city": "Lyon"}, headers={"If-Match": '"1"'})
    again = client.post(url, data={**typed, "city": "Ghent", "notes": "Mine"})
    assert again.status_code == 412
    assert 'value="Lyon"' in again.text
    assert "Mine" in again.text
