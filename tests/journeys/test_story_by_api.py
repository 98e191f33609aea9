"""Who looks after whom, by nothing but HTTP and JSON through the gateway: A1 to A6, A8, A9, A11, X2.

Switch it on, bring customers, let a dealer and a colleague look after one, give two of them to some thousand pasted
codes and take that back; a user of the dealer sees exactly the dealer's customers, until the link is removed.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.journeys.driving import Copy

pytestmark = pytest.mark.journey

CODES = [f"{number:05d}" for number in range(1, 3_001)]
LOST_ZEROS = 31
UNKNOWN = [f"X-{number:04d}" for number in range(1, 161)]
PATIENCE = 60.0  # seconds on a busy machine
OWN = "five patient otters by the weir"


def client_of(copy: Copy, token: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {"Origin": copy.url}
    return httpx.Client(base_url=copy.url, headers=headers, timeout=60, trust_env=False)


def told(answer: httpx.Response, status: int = 200) -> Any:
    """Return what an answer says, which has to be of this status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text[:500]}"
    return answer.json() if answer.content else None


def until(ask: Callable[[], Any], want: Any) -> None:
    """Ask until the answer is as wanted; what passes between services takes a moment."""
    ends = time.monotonic() + PATIENCE
    while (seen := ask()) != want and time.monotonic() < ends:
        time.sleep(0.2)
    assert seen == want


def sign_in(copy: Copy, username: str, password: str, own: str = "") -> str:
    """Sign in as a person does, with a password of one's `own` from now on if that was temporary; return a token."""
    with client_of(copy) as person:
        me = told(person.post("/api/portal/v1/sign-in", json={"username": username, "password": password}), 201)
        if me["password_is_temporary"]:
            change = {"current_password": password, "new_password": own}
            told(person.post("/api/portal/v1/me/password", json=change), 204)
        named = {"name": f"story {time.time_ns()}", "days": 1}
        return str(told(person.post("/api/portal/v1/tokens", json=named), 201)["token"])


@pytest.fixture
def api(copy: Copy) -> Iterator[httpx.Client]:
    """The administrator's access token, and nothing else."""
    with client_of(copy, sign_in(copy, "admin", copy.password)) as client:
        yield client


def watch(api: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """Follow the events of a job to its end, and return it as it is then."""
    seen = []
    with api.stream("GET", f"/api/imports/v1/jobs/{job['id']}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        for line in events.iter_lines():
            seen += [line.removeprefix("event: ")] if line.startswith("event: ") else []
    assert (seen[0], seen[-1]) == ("progress", "end")
    return dict(told(api.get(f"/api/imports/v1/jobs/{job['id']}")))


def bring_customers(api: httpx.Client) -> None:
    """Some thousand by a file, one by hand."""
    lines = ["code,name", *(f"{code},Firm {code}" for code in CODES)]
    query = {"kind": "customers", "filename": "firms.csv"}
    job = told(api.post("/api/imports/v1/uploads", params=query, content="\n".join(lines).encode()), 201)
    found = told(api.get(f"/api/imports/v1/jobs/{job['id']}/matches"))["items"]
    columns = {one["column"]: one["field"] for one in found}
    assert columns == {"code": "code", "name": "name"}
    head = {"If-Match": f'"{job["version"]}"'}
    told(api.patch(f"/api/imports/v1/jobs/{job['id']}", json={"mapping": {"columns": columns}}, headers=head))
    told(api.post(f"/api/imports/v1/jobs/{job['id']}/start"), 202)
    ended = watch(api, job)
    assert (ended["state"], ended["counts"]["created"]) == ("completed", len(CODES))


def add_customer(api: httpx.Client, name: str) -> str:
    return str(told(api.post("/api/customers/v1/accounts", json={"name": name}), 201)["id"])


def add_associate(api: httpx.Client, name: str, **more: Any) -> str:
    return str(told(api.post("/api/associates/v1/associates", json={"name": name, **more}), 201)["id"])


def link(api: httpx.Client, customer: str, associate: str, role: str) -> dict[str, Any]:
    body = {"associate_id": associate, "role": role}
    return dict(told(api.post(f"/api/associates/v1/accounts/{customer}/links", json=body), 201))


def work(api: httpx.Client, associate: str) -> dict[str, Any]:
    return dict(told(api.get(f"/api/associates/v1/associates/{associate}/work")))


def customers_of(api: httpx.Client, associate: str, typed: str = "") -> tuple[int, bool, list[str]]:
    query = {"q": typed, "limit": 5}
    page = told(api.get(f"/api/customers/v1/associates/{associate}/accounts", params=query))
    return page["count"], page["capped"], [one["name"] for one in page["items"]]


def read_everywhere(api: httpx.Client) -> bool:
    """Tell whether every service has read all that the others told."""
    feeds = told(api.get("/api/portal/v1/operations"))["feeds"]
    return bool(feeds) and all(one["events"] == 0 for one in feeds)


def paste() -> str:
    """Codes as several spreadsheets put them on the clipboard: of 31 the zeros are lost, ten come twice."""
    pasted = [code.lstrip("0") if number < LOST_ZEROS else code for number, code in enumerate(CODES)]
    return "\t".join(pasted[:1_000]) + "\r\n" + "\n".join(pasted[1_000:]) + ";" + ", ".join(UNKNOWN + pasted[-10:])


def select(api: httpx.Client) -> str:
    """Paste, read the report, put the zeros right; return the selection, which is the same one next time."""
    made = told(api.post("/api/customers/v1/selections", json={"codes": paste()}), 201)
    assert told(api.post("/api/customers/v1/selections", json={"codes": paste()}), 201)["id"] == made["id"]
    report = told(api.post(f"/api/customers/v1/selections/{made['id']}/resolve"))["report"]
    counts = {
        "given": len(CODES) + len(UNKNOWN) + 10,
        "matched": len(CODES) - LOST_ZEROS,
        "repeated": 10,
        "missing": len(UNKNOWN) + LOST_ZEROS,
        "zeros": LOST_ZEROS,
        "inactive": 0,
    }
    assert {name: report[name] for name in counts} == counts
    first = {"given": "1", "code": "00001", "name": "Firm 00001"}
    assert report["first"]["zeros"][0] == first
    assert report["first"]["missing"][0] == {"given": "X-0001"}
    file = api.get(f"/api/customers/v1/selections/{made['id']}/unknown-file")
    assert (file.status_code, file.content.decode("utf-8-sig").split()) == (200, UNKNOWN)
    right = told(api.post(f"/api/customers/v1/selections/{made['id']}/zeros"), 201)
    assert right["id"] != made["id"]
    assert told(api.get(f"/api/customers/v1/selections/{right['id']}"))["codes"] == CODES + UNKNOWN
    return str(right["id"])


def snapshot(api: httpx.Client, selection: str) -> str:
    answer = told(api.post(f"/api/customers/v1/selections/{selection}/resolve"))
    report = {name: answer["report"][name] for name in ("matched", "active", "missing", "zeros")}
    assert report == {"matched": len(CODES), "active": len(CODES), "missing": len(UNKNOWN), "zeros": 0}
    return str(answer["id"])


def assign_and_take_back(api: httpx.Client, selection: str, associates: list[str]) -> None:
    """Two associates for all of the selection as one job, and away again."""
    body = {"snapshot_id": snapshot(api, selection), "associate_ids": associates, "role": "service"}
    head = {"Idempotency-Key": selection}
    started = told(api.post("/api/imports/v1/mass-changes", json=body, headers=head), 202)
    again = told(api.post("/api/imports/v1/mass-changes", json=body, headers=head), 202)
    assert again["id"] == started["id"]
    job = watch(api, started)
    assert (job["state"], job["counts"]["created"], job["counts"]["failed"]) == ("completed", len(CODES), 0)
    assert job["change"]["selection_id"] == selection
    for associate in associates:
        assert work(api, associate)["by_role"]["service"] == len(CODES)
        until(lambda associate=associate: customers_of(api, associate)[:2], (1_000, True))
        assert customers_of(api, associate, "firm 00417") == (1, False, ["Firm 00417"])
    told(api.post(f"/api/imports/v1/jobs/{job['id']}/undo"), 202)
    undone = watch(api, job)
    assert (undone["state"], undone["undo"]["restored"] + undone["undo"]["removed"]) == ("undone", len(CODES))
    assert undone["undo"]["kept"] == 0


def make_user(api: httpx.Client, copy: Copy, associate: str) -> str:
    """Make a user of the associate; return the token with which that person's program asks."""
    username = f"dealer{time.time_ns()}"
    values = {"username": username, "name": "Dana D.", "kind": "associate", "associate_id": associate}
    user = told(api.post("/api/portal/v1/users", json=values), 201)
    given = told(api.post(f"/api/portal/v1/users/{user['id']}/password", json={}))
    return sign_in(copy, username, given["password"], OWN)


def seen_by(dealer: httpx.Client) -> list[str]:
    return [one["name"] for one in told(dealer.get("/api/customers/v1/accounts"))["items"]]


def try_foreign(dealer: httpx.Client, customer: str, selection: str) -> None:
    """What is not theirs is not there, and what employees do they may not."""
    one = f"/api/customers/v1/accounts/{customer}"
    for address in (one, f"{one}/contacts", f"{one}/history", f"/api/associates/v1/accounts/{customer}/links"):
        assert dealer.get(address).status_code in (403, 404), address
    assert dealer.patch(one, json={"name": "Mine"}, headers={"If-Match": '"1"'}).status_code in (403, 404)
    assert dealer.post("/api/customers/v1/accounts", json={"name": "Mine"}).status_code == 403
    assert dealer.get(f"/api/customers/v1/selections/{selection}").status_code == 403
    for address in ("/api/imports/v1/jobs", "/api/imports/v1/exports", "/api/portal/v1/users"):
        assert dealer.get(address).status_code == 403, address


def test_story_when_told_by_api_alone_is_the_same(copy: Copy, api: httpx.Client) -> None:
    assert told(api.get("/api/associates/v1/associates"), 409)["code"] == "partner_management_off"
    told(api.put("/api/portal/v1/settings/partner-management", json={"on": True}))
    bring_customers(api)
    mine, other = add_customer(api, "Amber Foods"), add_customer(api, "Cobalt Labs")
    dana = add_associate(api, "Dana Dealer", kind="dealer", can_login=True)
    found = told(api.get("/api/associates/v1/associates", params={"q": "dana d"}))["items"]
    assert [one["id"] for one in found] == [dana]
    theirs = link(api, mine, dana, "manages")
    ben = add_associate(api, "Ben Colleague")
    link(api, mine, ben, "sales")
    looked_after = told(api.get(f"/api/associates/v1/accounts/{mine}/links"))["items"]
    assert {(one["associate"]["name"], one["link"]["role"]) for one in looked_after} == {
        ("Dana Dealer", "manages"),
        ("Ben Colleague", "sales"),
    }
    assert work(api, dana) == {"accounts": 1, "by_role": {"manages": 1}}
    until(lambda: customers_of(api, dana), (1, False, ["Amber Foods"]))

    selection = select(api)
    assign_and_take_back(api, selection, [dana, ben])
    snapshot(api, selection)  # the same selection, the same customers
    assert work(api, dana) == {"accounts": 1, "by_role": {"manages": 1}}
    until(lambda: customers_of(api, ben), (1, False, ["Amber Foods"]))

    with client_of(copy, make_user(api, copy, dana)) as dealer:
        until(lambda: seen_by(dealer), ["Amber Foods"])
        assert told(dealer.get(f"/api/customers/v1/accounts/{mine}"))["name"] == "Amber Foods"
        try_foreign(dealer, other, selection)
        told(api.delete(f"/api/associates/v1/accounts/{mine}/links/{theirs['id']}"), 204)
        until(lambda: read_everywhere(api), True)
        assert dealer.get(f"/api/customers/v1/accounts/{mine}").status_code == 404
        assert seen_by(dealer) == []
    former = told(api.get(f"/api/associates/v1/accounts/{mine}/links"))["former"]
    assert [(one["link"]["cause"], one["link"]["role"]) for one in former] == [("removed", "manages")]
