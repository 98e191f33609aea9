"""The screens of customers (C1 to C5, C17): lists, forms that come back as typed, menus, and text shown as text."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from services.customers.domain.accounts import edit_account
from shared.db import unit_of_work
from shared.testing import SignedClient, client_as
from tests.customers.conftest import ADA, toast_of
from tests.customers.counting import counted

Make = Callable[..., Any]
HTMX = {"HX-Request": "true"}
LIST = {**HTMX, "HX-Target": "div#customer-list"}
FORM = {"name": "Cobalt Labs", "kind": "company", "is_customer": "true"}


def test_list_when_empty_tells_the_next_step(client: SignedClient, viewer: SignedClient) -> None:
    page = client.get("/customers").text
    assert "No customers yet" in page
    assert "Import a file" in page
    assert 'href="/customers/new"' in page
    assert "New customer" not in viewer.get("/customers").text


def test_list_when_asked_by_htmx_is_the_list_alone(client: SignedClient, make_account: Make) -> None:
    make_account("Cobalt Labs")
    whole, part = client.get("/customers?q=cob"), client.get("/customers?q=cob", headers=LIST)
    assert "<!doctype html>" in whole.text
    assert "<!doctype html>" not in part.text
    assert "<mark>Cob</mark>alt Labs" in part.text
    assert "HX-Request" in part.headers["Vary"]
    assert 'hx-sync="this:replace"' in whole.text
    assert "delay:150ms" in whole.text


def test_list_when_found_by_a_contact_shows_that_contact(
    client: SignedClient, make_account: Make, make_contact: Make
) -> None:
    account = make_account("Cobalt Labs", email="office@cobalt.example")
    make_contact(account, "Almeida", first_name="Aisha")
    make_contact(account, "Petrov", first_name="Chloé", email="c@p.example")
    make_contact(account, "Zhang")
    page = client.get("/customers?q=petrov+cob", headers=LIST).text
    assert "Chloé <mark>Petrov</mark>, c@p.example" in page
    assert "Aisha Almeida" in page, "the primary one has a column of its own"


def test_list_when_filtered_keeps_to_active_ones_unless_told(client: SignedClient, make_account: Make) -> None:
    account = make_account("Gone Ltd")
    client.post(f"/customers/{account.id}/status", data={"status": "inactive", "reason": "Closed"})
    assert "Gone Ltd" not in client.get("/customers").text
    assert "Gone Ltd" in client.get("/customers?status=inactive").text
    nothing = client.get("/customers?q=gone", headers=LIST).text
    assert "No customer matches “gone”" in nothing
    assert "/customers?q=gone&amp;status=all" in nothing


def test_list_when_long_is_paged_forward_and_back(client: SignedClient, make_account: Make) -> None:
    for number in range(120):
        make_account(f"Cobalt {number:03}")
    seen, url, addresses = [], "/customers?q=cobalt", []
    for _ in range(3):
        page = client.get(url, headers=LIST).text
        seen.append(re.findall(r"</mark> (\d{3})</a>", page))
        addresses.append(url)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        url = following[1].replace("&amp;", "&") if following else ""
    assert [len(part) for part in seen] == [50, 50, 20]
    assert [name for part in seen for name in part] == [f"{number:03}" for number in range(120)]
    back = re.search(r'href="([^"]+)" rel="prev"', page)
    assert back is not None
    middle = client.get(back[1].replace("&amp;", "&"), headers=LIST).text
    assert re.findall(r"</mark> (\d{3})</a>", middle) == seen[1]
    first = re.search(r'href="([^"]+)" rel="prev"', middle)
    assert first is not None
    assert first[1] == "/customers?q=cobalt"


@pytest.mark.parametrize(
    "url", ["/customers", "/customers?q=cobalt", "/customers?q=petrov", "/customers/fragments/recent"]
)
def test_list_when_longer_costs_the_same_number_of_queries(
    app: Flask, client: SignedClient, make_account: Make, make_contact: Make, url: str
) -> None:
    def add(count: int) -> None:
        for _ in range(count):
            account = make_account("Cobalt Labs")
            for name in ("Almeida", "Petrov", "Quinn"):
                make_contact(account, name)

    add(2)
    with counted(app) as few:
        client.get(url)
    add(15)
    with counted(app) as many:
        client.get(url)
    assert len(many) == len(few) <= 9


def test_account_when_shown_costs_few_queries(
    app: Flask, client: SignedClient, make_account: Make, make_contact: Make
) -> None:
    account = make_account()
    for number in range(20):
        make_contact(account, f"Contact {number}")
    with counted(app) as statements:
        assert client.get(f"/customers/{account.id}").status_code == 200
    assert len(statements) <= 2
    with counted(app) as statements:
        assert client.get(f"/customers/{account.id}/history").status_code == 200
    assert len(statements) <= 4


def test_text_when_it_is_html_is_shown_as_text(client: SignedClient, make_account: Make, make_contact: Make) -> None:
    evil = '<script>alert("x")</script>'
    account = make_account(
        evil,
        code="<b>",
        city=evil,
        street=evil,
        notes=evil,
        tags=[evil],
        source=evil,
        tax_id="<i>",
        attributes={evil: evil},
    )
    contact = make_contact(account, evil, first_name=evil, job_title=evil)
    client.post(f"/customers/{account.id}/status", data={"status": "inactive", "reason": evil})
    base = f"/customers/{account.id}"
    for url in ("/customers?status=all", "/customers?status=all&q=script+alert", "/customers/fragments/recent", base, f"{base}/edit",
                f"{base}/history", f"{base}/menu", f"{base}/delete", f"{base}/inactive", f"{base}/contacts/{contact.id}/edit",
                f"{base}/contacts/{contact.id}/menu", f"{base}/contacts/{contact.id}/delete", "/customers?q=<script>alert(1)"):  # fmt: skip
        page = client.get(url).text
        assert not re.search(r"<script>|<b>|<i>", page), url
    client.post(f"{base}/delete", data={"version": "2"})
    assert "<script>" not in client.get(base).text


def test_menu_when_opened_offers_what_the_person_may(
    client: SignedClient, viewer: SignedClient, make_account: Make
) -> None:
    account = make_account(email="office@cobalt.example", code="007")
    mine, theirs = (who.get(f"/customers/{account.id}/menu").text for who in (client, viewer))
    for entry in ("Open", "Edit", "Make inactive…", "Copy e-mail", "Copy code", "Delete…"):
        assert f"<span>{entry}</span>" in mine
    assert "Edit" not in theirs
    assert "Delete" not in theirs
    assert 'data-copy="007"' in theirs
    assert 'data-copy="office@cobalt.example"' in theirs
    client.post(f"/customers/{account.id}/status", data={"status": "inactive", "reason": "x"})
    assert "Make active" in client.get(f"/customers/{account.id}/menu").text


def test_rows_when_listed_carry_their_menu(client: SignedClient, make_account: Make) -> None:
    account = make_account()
    assert f'<tr data-menu="/customers/{account.id}/menu">' in client.get("/customers").text


def test_deletion_when_confirmed_offers_the_way_back(
    client: SignedClient, make_account: Make, make_contact: Make
) -> None:
    account = make_account("Cobalt Labs", code="007")
    make_contact(account)
    base = f"/customers/{account.id}"
    assert "Its contact goes with it." in client.get(f"{base}/delete").text
    assert client.post(f"{base}/delete", data={"version": "9"}, headers=HTMX).status_code == 412
    here = {**HTMX, "HX-Current-URL": "http://localhost/customers?q=cob"}
    answer = client.post(f"{base}/delete", data={"version": "1"}, headers=here)
    assert answer.headers["HX-Redirect"] == "/customers?q=cob"
    assert toast_of(answer) == {"text": "Cobalt Labs was deleted.", "tone": "success", "undo_url": f"{base}/restore"}
    gone = client.get(base)
    assert gone.status_code == 404
    assert "Bring it back" in gone.text
    assert "007" in gone.text
    assert client.post(f"{base}/restore", headers=HTMX).headers["HX-Redirect"] == base
    assert client.get(base).status_code == 200
    assert client.get(f"/customers/{uuid.uuid4()}").status_code == 404


def test_customer_when_its_code_was_taken_meanwhile_stays_deleted_and_says_so(
    client: SignedClient, make_account: Make
) -> None:
    base = f"/customers/{make_account('Cobalt Labs', code='K1').id}"
    assert client.post(f"{base}/delete", data={"version": "1"}).status_code == 303
    make_account("Acme", code="K1")
    answer = client.post(f"{base}/restore")
    assert answer.headers["Location"] == base
    assert toast_of(answer)["tone"] == "danger"
    assert "Acme" in toast_of(answer)["text"]
    assert client.get(base).status_code == 404


def test_back_when_the_person_came_from_elsewhere_is_the_list(client: SignedClient, make_account: Make) -> None:
    for came_from in (
        "https://evil.example/customers.evil",
        "http://localhost//evil.example",
        "javascript:alert(1)",
        "",
    ):
        account = make_account()
        answer = client.post(
            f"/customers/{account.id}/delete", data={"version": "1"}, headers={**HTMX, "HX-Current-URL": came_from}
        )
        assert answer.headers["HX-Redirect"] == "/customers"


def test_status_when_no_reason_is_given_asks_again(client: SignedClient, make_account: Make) -> None:
    account = make_account("Cobalt Labs")
    base = f"/customers/{account.id}"
    answer = client.post(f"{base}/status", data={"status": "inactive", "reason": " "}, headers=HTMX)
    assert answer.status_code == 422
    assert "Say why." in answer.text
    done = client.post(f"{base}/status", data={"status": "inactive", "reason": "Closed down"}, headers=HTMX)
    assert toast_of(done)["undo_url"] == f"{base}/status?status=active"
    page = client.get(base).text
    assert "This customer is inactive" in page
    assert "Closed down" in page
    assert client.post(f"{base}/status?status=active").status_code == 303
    assert "This customer is inactive" not in client.get(base).text


def test_contact_when_added_on_the_screen(client: SignedClient, make_account: Make) -> None:
    base = f"/customers/{make_account().id}"
    assert "Add contact" in client.get(base).text
    wrong = client.post(f"{base}/contacts", data={"first_name": "Chloé", "email": "x", "kind": "person"}, headers=HTMX)
    assert wrong.status_code == 422
    assert 'value="Chloé"' in wrong.text
    typed = {"first_name": "Chloé", "last_name": "Petrov", "kind": "person", "email": "c@p.example"}
    added = client.post(f"{base}/contacts", data=typed, headers=HTMX)
    assert added.status_code == 200
    assert added.headers["HX-Retarget"] == "#panel-contacts"
    assert "1 contact" in added.text
    assert toast_of(added)["text"] == "Chloé Petrov was added."
    assert 'id="panel-contacts"' in client.get(base).text


def test_contact_when_inactive_and_added_again_offers_reactivation(
    client: SignedClient, make_account: Make, make_contact: Make
) -> None:
    contact = make_contact(account := make_account(), "Petrov")
    base = f"/customers/{account.id}/contacts"
    client.post(f"{base}/{contact.id}/status", data={"status": "inactive", "reason": "Left"}, headers=HTMX)
    again = client.post(base, data={"last_name": "petrov", "kind": "person"}, headers=HTMX)
    assert again.status_code == 422
    assert f'hx-post="{base}/{contact.id}/status?status=active"' in again.text
    answer = client.post(
        f"{base}/{contact.id}/status?status=active", data={"last_name": "petrov", "kind": "person"}, headers=HTMX
    )
    assert toast_of(answer)["text"] == "Petrov is active again."


def test_contact_when_changed_on_the_screen(client: SignedClient, make_account: Make, make_contact: Make) -> None:
    account = make_account()
    first, second = make_contact(account, "Almeida"), make_contact(account, "Becker")
    base = f"/customers/{account.id}/contacts"
    primary = client.post(f"{base}/{second.id}/primary", headers=HTMX)
    assert primary.text.index("Becker") < primary.text.index("Almeida")
    stale = {"last_name": "Almeida", "kind": "person", "job_title": "Owner", "is_primary": "true", "version": "1"}
    answer = client.post(f"{base}/{first.id}/edit", data=stale, headers=HTMX)
    assert answer.status_code == 422
    assert 'name="version" value="2"' in answer.text
    assert 'value="Owner"' in answer.text
    assert client.post(f"{base}/{first.id}/edit", data={**stale, "version": "2"}, headers=HTMX).status_code == 200
    removed = client.post(f"{base}/{second.id}/delete", data={"version": "3"}, headers=HTMX)
    assert toast_of(removed)["undo_url"] == f"{base}/{second.id}/restore"
    assert "customers:changed" in removed.headers["HX-Trigger"]
    assert "Becker" in client.post(f"{base}/{second.id}/restore", headers=HTMX).text


def test_history_when_shown_links_jobs_and_goes_on(client: SignedClient, make_account: Make) -> None:
    account = make_account("Cobalt Labs")
    for number in range(40):
        with unit_of_work() as session:
            edit_account(session, ADA, account.id, {"city": f"City {number}"}, None)
    page = client.get(f"/customers/{account.id}/history").text
    assert "Ada Admin" in page
    more = re.search(r'hx-get="([^"]+cursor=[^"]+)"', page)
    assert more is not None
    assert "added this customer" in client.get(more[1]).text
    assert client.get(f"/customers/{account.id}/history?cursor=x").status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "/new", "customers.edit"),
        ("POST", "", "customers.edit"),
        ("POST", "/{id}/edit", "customers.edit"),
        ("GET", "/{id}/delete", "customers.delete"),
        ("POST", "/{id}/delete", "customers.delete"),
        ("POST", "/{id}/restore", "customers.delete"),
        ("GET", "/{id}/inactive", "set_status"),
        ("POST", "/{id}/status", "set_status"),
        ("POST", "/{id}/contacts", "customers.edit"),
        ("POST", "/{id}/contacts/{id}/status", "set_status"),
        ("GET", "/{id}/history", "customers.view"),
        ("GET", "/fragments/recent", "customers.view"),
    ],
)
def test_page_when_permission_is_missing_is_forbidden(app: Flask, method: str, path: str, permission: str) -> None:
    everything = {"customers.view", "customers.edit", "customers.delete", "set_status"}
    url = "/customers" + path.format(id=uuid.uuid4())
    assert client_as(app, *(everything - {permission})).open(url, method=method).status_code == 403
    assert client_as(app, permission).open(url, method=method).status_code != 403
