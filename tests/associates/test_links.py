"""A3, A4, A11: who looks after whom, on both sides, with from, to and by whom."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.associates.consumers import FEEDS
from services.associates.domain import copies
from services.associates.domain.link_ends import end_links_of_accounts
from services.associates.models import GoneAccount, Link, Outbox
from shared.history import Actor
from shared.testing import SignedClient, client_as
from tests.associates.conftest import ON, KnownAccounts

API = "/api/associates/v1"


def begin(client: SignedClient, account: Any, associate: Any, **more: Any) -> Any:
    return client.post(f"{API}/accounts/{account.id}/links", json={"associate_id": str(associate.id), **more})


def told(session: Session, name: str) -> list[dict[str, Any]]:
    rows = session.scalars(select(Outbox).where(Outbox.name == name).order_by(Outbox.seq))
    return [row.payload for row in rows]


def customers_tells(session: Session, name: str, account_id: uuid.UUID) -> None:
    payload = {"account_id": str(account_id), "actor_id": str(uuid.uuid4()), "actor_name": "Ben", "ip": ""}
    FEEDS["customers"][f"customers.{name}.v1"](session, {"payload": payload})
    session.flush()


def test_import_when_taken_back_ends_the_links_that_its_customers_got_meanwhile(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    gone, there, dana = known.add(), known.add(), make_associate()
    for account in (gone, there):
        begin(client, account, dana)
    payload = {"removed": [str(gone.id)], "restored": 1, "actor_id": str(uuid.uuid4()), "actor_name": "Ben"}
    FEEDS["customers"]["customers.accounts_taken_back.v2"](session, {"payload": payload})
    session.flush()
    assert client.get(f"{API}/associates/{dana.id}/work").json["accounts"] == 1
    ended = session.scalars(select(Link).where(Link.account_id == gone.id)).one()
    assert (ended.cause, ended.ended_by_name) == ("account_deleted", "Ben")
    assert begin(client, gone, make_associate("Eve")).status_code == 404  # one that was on its way
    FEEDS["customers"]["customers.accounts_taken_back.v2"](session, {"payload": payload | {"removed": []}})


def test_accounts_when_very_many_are_gone_are_noted_at_once(session: Session) -> None:
    end_links_of_accounts(session, Actor(uuid.uuid4(), "Command line"), [uuid.uuid4() for _ in range(70_000)])
    assert session.scalar(select(func.count()).select_from(GoneAccount)) >= 70_000


def test_link_when_begun_shows_on_both_sides_and_is_told(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    account, dana = known.add("Cobalt Labs", "00417"), make_associate()
    link = begin(client, account, dana, role="sales").json
    shown = client.get(f"{API}/accounts/{account.id}/links").json["items"][0]
    assert (shown["associate"]["name"], shown["link"]["role"], shown["link"]["begun_by_name"]) == (
        "Dana Dealer",
        "sales",
        "Ada Admin",
    )
    assert client.get(f"{API}/associates/{dana.id}/work").json == {"accounts": 1, "by_role": {"sales": 1}}
    assert [one["id"] for one in client.get(f"{API}/associates/{dana.id}/links").json["items"]] == [link["id"]]
    assert told(session, "associates.links_changed.v2") == [
        {"ended": [], "begun": [[str(dana.id), "sales", [str(account.id)]]]}
    ]
    entry = client.get(f"{API}/associates/{dana.id}/history").json["items"][0]
    assert (entry["action"], entry["changes"][0]["new"]) == ("linked", "Cobalt Labs (00417)")


def test_link_when_refused_says_why(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any]
) -> None:
    account, dana, ben = known.add(), make_associate(), make_associate("Ben")
    first = begin(client, account, dana).json
    again = begin(client, account, dana)
    assert (again.json["code"], again.json["existing"]["id"]) == ("link_exists", first["id"])
    client.post(f"{API}/associates/{ben.id}/status", json={"status": "inactive", "reason": "Left us"})
    assert begin(client, account, ben).json["code"] == "associate_inactive"
    nobody = type("Nobody", (), {"id": uuid.uuid4()})
    assert begin(client, account, nobody).json["code"] == "associate_not_found"
    assert begin(client, nobody, dana).json["code"] == "account_not_found"
    may_not = client_as(client.application, "associates.view", "associates.edit", features=ON)
    assert begin(may_not, account, dana).status_code == 403


def test_role_when_changed_ends_the_former_link_and_keeps_it(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any]
) -> None:
    account, dana = known.add(), make_associate()
    former = begin(client, account, dana, is_primary=True).json
    url = f"{API}/accounts/{account.id}/links"
    now = client.patch(f"{url}/{former['id']}", json={"role": "service"}).json
    assert (now["role"], now["is_primary"], now["id"] != former["id"]) == ("service", True, True)
    told = client.get(url).json["former"][0]["link"]
    assert (told["role"], told["cause"], told["ended_by_name"]) == ("manages", "role_changed", "Ada Admin")
    assert client.patch(f"{url}/{now['id']}", json={"role": "service"}).json["id"] == now["id"]


def test_primary_when_another_is_made_so_steps_back(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any]
) -> None:
    account = known.add()
    one = begin(client, account, make_associate("One"), is_primary=True).json
    two = begin(client, account, make_associate("Two")).json
    url = f"{API}/accounts/{account.id}/links"
    client.patch(f"{url}/{two['id']}", json={"is_primary": True})
    assert {one["link"]["id"]: one["link"]["is_primary"] for one in client.get(url).json["items"]} == {
        one["id"]: False,
        two["id"]: True,
    }


def test_primary_when_made_so_stands_in_the_history(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any]
) -> None:
    account, dana = known.add("Cobalt Labs", "00417"), make_associate()
    link = begin(client, account, dana).json
    for _ in range(2):
        client.patch(f"{API}/accounts/{account.id}/links/{link['id']}", json={"is_primary": True})
    begin(client, account, dana, role="sales", is_primary=True)
    entries = client.get(f"{API}/associates/{dana.id}/history").json["items"]
    told = [{one["field"]: one["new"] for one in entry["changes"]} for entry in entries]
    firsts = [changes for changes in told if changes.get("primary")]
    customer = "Cobalt Labs (00417)"
    assert firsts == [
        {"customer": customer, "role": "sales", "primary": True},
        {"customer": customer, "primary": True},
    ]


def test_start_when_it_was_another_day_is_said_and_mended(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any]
) -> None:
    account, dana = known.add(), make_associate()
    link = begin(client, account, dana, since="2025-03-01").json
    assert link["begun_at"].startswith("2025-03-01T")
    url = f"{API}/accounts/{account.id}/links/{link['id']}"
    assert client.patch(url, json={"since": "2024-12-31"}).json["begun_at"].startswith("2024-12-31T")
    entry = client.get(f"{API}/associates/{dana.id}/history").json["items"][0]
    days = [(one["old"], one["new"]) for one in entry["changes"] if one["field"] == "since"]
    assert days == [("2025-03-01", "2024-12-31")]
    tomorrow, later = ((datetime.now(UTC) + timedelta(days)).date().isoformat() for days in (1, 2))
    assert client.patch(url, json={"since": later}).json["errors"] == {"since": ["Is to come."]}
    assert begin(client, known.add(), dana, since=later).status_code == 422
    assert begin(client, known.add(), dana, since=tomorrow).status_code == 201  # where it is that day already
    assert begin(client, known.add(), dana, since="soon").status_code == 422


def test_link_when_removed_by_mistake_is_brought_back(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any]
) -> None:
    account, dana = known.add(), make_associate()
    url = f"{API}/accounts/{account.id}/links/{begin(client, account, dana).json['id']}"
    assert client.post(f"{url}/restore").json["code"] == "not_removed"
    assert client.delete(url).status_code == 204
    assert client.delete(url).json["code"] == "link_not_found"
    assert client.post(f"{url}/restore").json["ended_at"] is None
    assert client.get(f"{API}/associates/{dana.id}/work").json["accounts"] == 1


def test_count_when_one_has_two_roles_at_a_customer_counts_it_once(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any]
) -> None:
    account, other, dana = known.add(), known.add("Other", "2"), make_associate()
    for one, role in ((account, "manages"), (account, "sales"), (other, "sales")):
        begin(client, one, dana, role=role)
    assert client.get(f"{API}/associates/{dana.id}/work").json == {
        "accounts": 2,
        "by_role": {"manages": 1, "sales": 2},
    }


def test_account_when_deleted_loses_its_links_and_gets_them_back(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    account, dana = known.add(), make_associate()
    begin(client, account, dana)
    customers_tells(session, "account_deleted", account.id)
    assert client.get(f"{API}/associates/{dana.id}/work").json["accounts"] == 0
    assert (
        begin(client, account, dana, role="sales").json["code"] == "account_not_found"
    )  # customers knew it a moment ago
    customers_tells(session, "account_restored", account.id)
    assert client.get(f"{API}/associates/{dana.id}/work").json == {"accounts": 1, "by_role": {"manages": 1}}
    link = [str(dana.id), "manages", [str(account.id)]]
    assert told(session, "associates.links_changed.v2") == [
        {"ended": [], "begun": [link]},
        {"ended": [link], "begun": []},
        {"ended": [], "begun": [link]},
    ]


def test_associate_when_deleted_ends_its_links_and_brings_them_back(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    account, dana = known.add(), make_associate()
    begin(client, account, dana)
    client.delete(f"{API}/associates/{dana.id}", headers={"If-Match": '"1"'})
    url = f"{API}/accounts/{account.id}/links"
    gone = client.get(url).json
    assert (gone["items"], gone["former"][0]["link"]["cause"], gone["former"][0]["associate"]) == (
        [],
        "associate_deleted",
        None,
    )
    client.post(f"{API}/associates/{dana.id}/restore")
    assert len(client.get(url).json["items"]) == 1
    assert copies.some_links(session, None) == [(str(account.id), str(dana.id), "manages")]


def test_tab_when_used_adds_changes_removes_and_takes_back(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    account, dana = known.add(), make_associate()
    url = f"/associates/fragments/of-account/{account.id}"
    assert "Nobody looks after this customer yet" in client.get(url).text
    only = client_as(client.application, "customers.view", "assign", features=ON)
    for chooser in (client, only):
        assert f'data-value="{dana.id}"' in chooser.get("/associates/fragments/pick?associate_name=dan").text
    done = client.post(url, data={"associate_id": str(dana.id), "associate_name": "Dana", "role": "sales"})
    assert (done.headers["HX-Retarget"], "Dana Dealer" in done.text) == ("#panel-associates", True)
    link = session.scalars(select(Link)).one()
    assert client.post(f"{url}/{link.id}/role", data={"role": "service"}).status_code == 200
    new = session.scalars(select(Link).where(Link.ended_at.is_(None))).one()
    today = new.begun_at.date().isoformat()
    assert f'value="{today}"' in client.get(f"{url}/{new.id}/since").text
    assert (
        "since 2 Jan 2025"
        in client.post(f"{url}/{new.id}/since", data={"since": "2025-01-02"}, headers={"HX-Request": "true"}).headers[
            "HX-Trigger"
        ]
    )
    assert client.post(f"{url}/{new.id}/since", data={"since": ""}).status_code == 422
    headers = {"HX-Request": "true"}
    gone = client.post(f"{url}/{new.id}/remove", headers=headers)
    assert f"{url}/{new.id}/restore" in gone.headers["HX-Trigger"]
    assert "Nobody looks after this customer yet" in gone.text
    assert (
        "looks after this customer again"
        in client.post(f"{url}/{new.id}/restore", headers=headers).headers["HX-Trigger"]
    )


def test_tab_when_a_colleague_is_created_on_the_spot_links_them_in_the_same_step(
    client: SignedClient, known: KnownAccounts, session: Session
) -> None:
    account = known.add()
    url = f"/associates/fragments/of-account/{account.id}"
    typed = {"associate_id": "new", "associate_name": "Nora New", "kind": "partner", "email": "no", "role": "sales"}
    refused = client.post(url, data=typed)
    assert (refused.status_code, "Not an e-mail address" in refused.text) == (422, True)
    assert "Nora New" in client.post(url, data={**typed, "email": "nora@new.example"}).text
    assert [name for _, _, name, *_ in copies.some_associates(session, None)] == ["Nora New"]
    may_not = client_as(client.application, "associates.view", "assign", features=ON)
    assert "Choose an associate" in may_not.post(url, data={**typed, "email": ""}).text


def test_picker_when_nothing_was_chosen_says_so(client: SignedClient, known: KnownAccounts) -> None:
    url = f"/associates/fragments/of-account/{known.add().id}"
    refused = client.post(url, data={"associate_id": "", "associate_name": "Da", "role": "sales"})
    assert (refused.status_code, "Choose an associate" in refused.text) == (422, True)


def test_account_when_deleted_and_back_has_whom_to_turn_to_first(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    account, dana = known.add(), make_associate()
    assert begin(client, account, dana, is_primary=True).status_code == 201
    for _ in range(2):
        customers_tells(session, "account_deleted", account.id)
        customers_tells(session, "account_restored", account.id)
    shown = client.get(f"{API}/accounts/{account.id}/links").json["items"]
    assert [one["link"]["is_primary"] for one in shown] == [True]


def test_links_when_both_sides_were_deleted_come_back_with_the_last_of_them(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    account, dana = known.add(), make_associate()
    begin(client, account, dana)
    customers_tells(session, "account_deleted", account.id)
    client.delete(f"{API}/associates/{dana.id}", headers={"If-Match": '"1"'})
    customers_tells(session, "account_restored", account.id)
    assert session.scalars(select(Link.cause)).all() == ["associate_deleted"]
    assert client.post(f"{API}/associates/{dana.id}/restore").status_code == 200
    assert client.get(f"{API}/associates/{dana.id}/work").json["accounts"] == 1


def test_link_when_it_ended_twice_is_opened_once(
    client: SignedClient, known: KnownAccounts, make_associate: Callable[..., Any], session: Session
) -> None:
    """Guard: only the newest is opened. Else the feed of customers would stand still over it."""
    account, dana = known.add(), make_associate()
    begin(client, account, dana)
    session.execute(
        update(Link).values(ended_at=func.now(), ended_by=dana.id, ended_by_name="A", cause="account_deleted")
    )
    session.commit()
    begin(client, account, dana)
    customers_tells(session, "account_deleted", account.id)
    customers_tells(session, "account_restored", account.id)
    assert client.get(f"{API}/associates/{dana.id}/work").json["accounts"] == 1
    assert sorted(map(str, session.scalars(select(Link.cause)))) == ["None", "undone"]
