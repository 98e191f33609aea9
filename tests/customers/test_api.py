"""The JSON API of customers (X2): what screens do, programs do; wrong input is refused with a reason, never a fault."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from shared.testing import SignedClient, client_as

API = "/api/customers/v1/accounts"
Make = Callable[..., Any]


def test_account_when_posted_is_there(client: SignedClient) -> None:
    answer = client.post(
        API, json={"name": "Cobalt Labs", "code": "00417", "country": "Frankreich", "tags": ["a", "A"]}
    )
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    got = client.get(answer.headers["Location"])
    assert got.json == answer.json
    assert (got.json["code"], got.json["country"], got.json["tags"]) == ("00417", "FR", ["a"])
    assert client.get(answer.headers["Location"], headers={"If-None-Match": '"1"'}).status_code == 304
    (listed,) = client.get(f"{API}?code=00417").json["items"]
    assert listed["id"] == got.json["id"]
    assert client.get(f"{API}?code=417").json == {"items": [], "next": None, "count": 0, "capped": False}


def test_code_when_taken_answers_409_with_its_owner(client: SignedClient, make_account: Make) -> None:
    owner = make_account("Cobalt Labs", code="00417")
    answer = client.post(API, json={"name": "Other", "code": "00417"})
    assert (answer.status_code, answer.content_type) == (409, "application/problem+json")
    assert answer.json["code"] == "code_taken"
    assert answer.json["existing"]["id"] == str(owner.id)
    assert answer.json["errors"] == {"code": ["Already belongs to Cobalt Labs."]}


def test_patch_when_stale_or_blind_is_refused(client: SignedClient, make_account: Make) -> None:
    url = f"{API}/{make_account(city='Ghent').id}"
    assert client.patch(url, json={"city": "Lyon"}).json["code"] == "precondition_required"
    done = client.patch(url, json={"city": "Lyon"}, headers={"If-Match": '"1"'})
    assert (done.status_code, done.headers["ETag"], done.json["city"], done.json["name"]) == (
        200,
        '"2"',
        "Lyon",
        "Cobalt Labs",
    )
    stale = client.patch(url, json={"city": "Paris"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"], stale.json["version"]) == (412, "stale", 2)
    assert stale.json["changes"][0]["now"] == "Lyon"
    cleared = client.patch(url, json={"city": None}, headers={"If-Match": '"2"'})
    assert cleared.json["city"] is None


def test_post_when_repeated_with_its_key_creates_once(client: SignedClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = client.post(API, json={"name": "Once"}, headers=key)
    again = client.post(API, json={"name": "Once"}, headers=key)
    assert (again.status_code, again.json, again.headers["Location"]) == (201, first.json, first.headers["Location"])
    assert client.post(API, json={"name": "Twice"}, headers=key).json["code"] == "idempotency_key_reused"
    assert client.get(f"{API}?q=once").json["count"] == 1
    contacts = f"{API}/{first.json['id']}/contacts"
    one = client.post(contacts, json={"last_name": "Petrov"}, headers={"Idempotency-Key": "k-2"})
    assert client.post(contacts, json={"last_name": "Petrov"}, headers={"Idempotency-Key": "k-2"}).json == one.json


def test_refusal_when_posted_with_a_key_is_not_kept(client: SignedClient, make_account: Make) -> None:
    owner = make_account(code="7")
    body, key = {"name": "Later", "code": "7"}, {"Idempotency-Key": "k-3"}
    assert client.post(API, json=body, headers=key).status_code == 409
    assert client.delete(f"{API}/{owner.id}", headers={"If-Match": '"1"'}).status_code == 204
    assert client.post(API, json=body, headers=key).status_code == 201


def test_list_when_paged_gives_every_account_once(client: SignedClient, make_account: Make) -> None:
    names = {f"Cobalt {number:02}" for number in range(7)}
    for name in names:
        make_account(name)
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get(f"{API}?q=cobalt&limit=3{cursor}").json
        seen += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == sorted(names)


def test_list_when_filtered_gives_what_was_asked_for(client: SignedClient, make_account: Make) -> None:
    make_account("Company")
    make_account("Person", kind="person", tags=["vip"])
    make_account("Vendor", is_vendor=True, is_customer=False)
    gone = make_account("Gone")
    client.post(f"{API}/{gone.id}/status", json={"status": "inactive", "reason": "Closed"})
    for query, expected in {
        "": ["Company", "Gone", "Person", "Vendor"],
        "status=active": ["Company", "Person", "Vendor"],
        "status=inactive": ["Gone"],
        "kind=person": ["Person"],
        "role=vendor": ["Vendor"],
        "role=customer&status=active": ["Company", "Person"],
        "tag=vip": ["Person"],
    }.items():
        assert [one["name"] for one in client.get(f"{API}?{query}").json["items"]] == expected, query


def test_status_when_posted_needs_a_reason_and_heeds_if_match(client: SignedClient, make_account: Make) -> None:
    url = f"{API}/{make_account().id}/status"
    assert client.post(url, json={"status": "inactive"}).json["code"] == "reason_missing"
    stale = client.post(url, json={"status": "inactive", "reason": "x"}, headers={"If-Match": '"5"'})
    assert stale.status_code == 412
    done = client.post(url, json={"status": "inactive", "reason": "Closed"}, headers={"If-Match": '"1"'})
    assert (done.json["status"], done.json["status_reason"], done.headers["ETag"]) == ("inactive", "Closed", '"2"')
    assert client.post(url, json={"status": "active"}).json["status"] == "active"


def test_contact_when_managed_by_api(client: SignedClient, make_account: Make) -> None:
    url = f"{API}/{make_account().id}/contacts"
    made = client.post(url, json={"last_name": "Petrov", "first_name": "Chloé", "email": "c@p.example"})
    assert (made.status_code, made.json["is_primary"]) == (201, True)
    one = made.headers["Location"]
    assert client.get(url).json == {"items": [made.json], "next": None}
    again = client.post(url, json={"last_name": "Other", "email": "C@P.example"})
    assert (again.status_code, again.json["code"], again.json["can_reactivate"]) == (409, "duplicate_contact", False)
    assert client.patch(one, json={"job_title": "Owner"}, headers={"If-Match": '"1"'}).json["job_title"] == "Owner"
    assert client.post(f"{one}/status", json={"status": "inactive", "reason": "Left"}).json["status"] == "inactive"
    again = client.post(url, json={"last_name": "Other", "email": "C@P.example"})
    assert (again.json["can_reactivate"], again.json["existing"]["id"]) == (True, made.json["id"])
    assert client.delete(one, headers={"If-Match": '"1"'}).status_code == 412
    assert client.delete(one, headers={"If-Match": '"3"'}).status_code == 204
    assert client.get(one).status_code == 404
    assert client.post(f"{one}/restore").json["version"] == 4
    actions = [entry["action"] for entry in client.get(url.replace("contacts", "history")).json["items"]]
    assert sorted(actions) == ["created", "created", "deleted", "restored", "status", "updated"]


def test_account_when_deleted_can_be_restored_by_api(client: SignedClient, make_account: Make) -> None:
    url = f"{API}/{make_account('Cobalt Labs', code='007').id}"
    assert client.delete(url).status_code == 428
    assert client.delete(url, headers={"If-Match": '"1"'}).status_code == 204
    assert client.get(url).json["code"] == "account_not_found"
    assert client.get(f"{url}/history").json["items"][0]["action"] in ("deleted", "created")
    assert client.post(f"{url}/restore").json["code"] == "007"
    assert client.post(f"{url}/restore").json["code"] == "not_deleted"


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "", "customers.view"),
        ("POST", "", "customers.edit"),
        ("GET", "/{id}", "customers.view"),
        ("PATCH", "/{id}", "customers.edit"),
        ("DELETE", "/{id}", "customers.delete"),
        ("POST", "/{id}/restore", "customers.delete"),
        ("POST", "/{id}/status", "set_status"),
        ("GET", "/{id}/history", "customers.view"),
        ("GET", "/{id}/contacts", "customers.view"),
        ("POST", "/{id}/contacts", "customers.edit"),
        ("PATCH", "/{id}/contacts/{id}", "customers.edit"),
        ("DELETE", "/{id}/contacts/{id}", "customers.edit"),
        ("POST", "/{id}/contacts/{id}/status", "set_status"),
    ],
)
def test_route_when_permission_is_missing_is_forbidden(app: Flask, method: str, path: str, permission: str) -> None:
    everything = {"customers.view", "customers.edit", "customers.delete", "set_status"}
    url = API + path.format(id=uuid.uuid4())
    denied = client_as(app, *(everything - {permission})).open(url, method=method, json={})
    assert (denied.status_code, denied.json["code"]) == (403, "forbidden")
    assert client_as(app, permission).open(url, method=method, json={}).status_code != 403
    assert app.test_client().open(url, method=method).status_code == 401


WRONG: list[Any] = [
    {},
    [],
    {"name": None},
    {"name": 5},
    {"name": "a\x00b"},
    {"name": "\ud800"},
    {"name": "x" * 501},
    {"name": "x", "unknown": 1},
    {"name": "x", "email": "nobody"},
    {"name": "x", "website": "javascript:alert(1)"},
    {"name": "x", "phone": "call me"},
    {"name": "x", "kind": "robot"},
    {"name": "x", "is_customer": "maybe"},
    {"name": "x", "is_customer": False},
    {"name": "x", "is_customer": None},
    {"name": "x", "tags": ["\x00"]},
    {"name": "x", "tags": [1]},
    {"name": "x", "tags": [str(number) for number in range(51)]},
    {"name": "x", "attributes": {"a\x00": "b"}},
    {"name": "x", "attributes": {"a": "\udfff"}},
    {"name": "x", "attributes": {str(number): "x" for number in range(301)}},
    {"name": "x", "notes": "\x01"},
]


@pytest.mark.parametrize("body", WRONG, ids=[ascii(body)[:40] for body in WRONG])
def test_account_when_wrong_is_refused_by_field(client: SignedClient, body: Any) -> None:
    answer = client.post(API, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json["errors"]


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=%ED%A0%80", "code=%00", "limit=0", "limit=x", "limit=201", "status=gone", "role=boss", "tag=%00",
     "cursor=x", "cursor=W10", "cursor=WzEsMiwzXQ", "cursor=WzEsICJcdTAwMDAiLCAiMDFhMjAwMzItY2FjZS03OWUyLTgwMDAtMDAwMDEyMjA2OWJkIl0",
     "cursor=Ww", "q=" + "x" * 201],
)  # fmt: skip
def test_list_when_asked_for_nonsense_is_no_fault(client: SignedClient, query: str) -> None:
    assert client.get(f"{API}?{query}").status_code in (200, 422)


def test_history_when_the_cursor_is_nonsense_is_refused(client: SignedClient, make_account: Make) -> None:
    url = f"{API}/{make_account().id}/history"
    for cursor in ("x", "WzFd", "WyJ4Il0"):
        assert client.get(f"{url}?cursor={cursor}").status_code == 422


def test_names_when_unusual_come_back_as_they_were(client: SignedClient) -> None:
    for name in (
        "\"Quotes\" & 'more'",
        "<script>alert(1)</script>",
        "🦊 Fox 👩‍👩‍👧",
        "شركة النور",
        "x" * 500,
        "O'Neill; DROP",
    ):
        made = client.post(API, json={"name": name})
        assert made.json["name"] == name
        assert client.get(made.headers["Location"]).json["name"] == name


def test_openapi_when_read_describes_every_route(client: SignedClient) -> None:
    spec = client.get("/api/customers/v1/openapi.json").json
    assert spec["openapi"] == "3.1.0"
    operations = [(path, method, what) for path, methods in spec["paths"].items() for method, what in methods.items()
                  if method in ("get", "post", "patch", "delete")]  # fmt: skip
    told = {(path, method.upper()) for path, method, _ in operations}
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST", "PATCH", "DELETE"}
        if rule.rule.startswith("/api/") and not rule.rule.endswith(("/openapi.json", "/docs"))
    }
    assert told == routes
    for path, method, what in operations:
        assert what.get("summary"), (method, path)
        assert set(what["responses"]) & {"200", "201", "204"}, (method, path)
    assert spec["components"]["schemas"]["AccountIn"]["properties"]["code"]["example"] == "00417"
    assert client.get("/api/customers/v1/docs").status_code == 200
