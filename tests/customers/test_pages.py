"""The screens of customers (C1 to C5, C17): lists, forms that come back as typed, menus, and text shown as text."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from services.customers.domain.accounts import edit_account
from services.customers.models import Account
from services.customers.pages.forms import account_typed
from services.customers.schemas import AccountIn
from shared.db import unit_of_work
from shared.errors import Invalid
from shared.keys import clean
from shared.testing import SignedClient, client_as
from shared.web.forms import load_form
from tests.customers.conftest import ADA, BEN
from tests.customers.counting import counted

Make = Callable[..., Any]
HTMX = {"HX-Request": "true"}
LIST = {**HTMX, "HX-Target": "div#customer-list"}
FORM = {"name": "Cobalt Labs", "kind": "company", "is_customer": "true"}


def toast_of(response: Any) -> dict[str, Any]:
    cookie = re.search("liaison_toast=([^;]+)", response.headers.get("Set-Cookie", ""))
    if cookie:
        return json.loads(unquote(cookie[1]))
    return json.loads(response.headers["HX-Trigger"])["liaison:toast"]


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


def test_form_when_refused_comes_back_as_typed(client: SignedClient) -> None:
    typed = {**FORM, "email": "nobody@", "city": "Ghent", "attribute_name": ["Shoe", ""], "attribute_text": ["43", ""]}
    answer = client.post("/customers", data=typed)
    assert answer.status_code == 422
    assert "Not an e-mail address" in answer.text
    for value in ("Cobalt Labs", "nobody@", "Ghent", "Shoe", "43"):
        assert f'value="{value}"' in answer.text


def test_form_when_sent_adds_the_customer(client: SignedClient) -> None:
    typed = {
        **FORM,
        "tags": "a, b",
        "attribute_name": ["Shoe", "Hat"],
        "attribute_text": ["43", ""],
        "website": "c.example",
    }
    answer = client.post("/customers", data=typed)
    assert answer.status_code == 303
    assert toast_of(answer)["text"] == "Cobalt Labs was added."
    page = client.get(answer.headers["Location"]).text
    assert 'href="https://c.example"' in page
    assert "Shoe" in page
    assert "Hat" not in page


@pytest.mark.parametrize("second", ["Region", "Region ", " Region\u00a0"])
def test_form_when_a_further_field_stands_twice_keeps_both_rows(
    client: SignedClient, make_account: Make, second: str
) -> None:
    account = make_account("Cobalt Labs", code="7", attributes={"Region": "North"})
    rows = {"attribute_name": ["Region", second], "attribute_text": ["North", ""]}
    form = {**FORM, "code": "7", "version": "1", **rows}
    for url in ("/customers", f"/customers/{account.id}/edit"):
        page = client.post(url, data=form)
        assert page.status_code == 422
        assert "“Region” stands here twice." in page.text
        assert len(re.findall(r'name="attribute_name" value="\s*Region\s*"', page.text)) == 2
        assert 'name="attribute_text" value="North"' in page.text
    assert client.post(f"/customers/{account.id}/edit", data={**form, "attribute_text": ["", "x"]}).status_code == 422


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("Ra \u00a0", max_size=3), st.text("xy ", max_size=2)), max_size=4))
def test_further_fields_when_typed_are_all_kept_or_refused(rows: list[tuple[str, str]]) -> None:
    names, texts = [name for name, _ in rows], [text for _, text in rows]
    form = MultiDict([("name", "Cobalt"), ("kind", "company"), ("is_customer", "true")])
    form.setlist("attribute_name", names)
    form.setlist("attribute_text", texts)
    typed = account_typed(form)
    filled = [(name, text) for name, text in rows if name.strip() or text.strip()]
    assert list(typed["attributes"].values()) == [text for _, text in filled]
    meant = [clean(name) for name, _ in filled]
    if "" in meant or len(set(meant)) < len(meant):
        with pytest.raises(Invalid):
            load_form(AccountIn(), typed)
    else:
        kept = load_form(AccountIn(), typed)["attributes"]
        assert kept == {clean(name): clean(text) for name, text in filled if text.strip()}


def test_form_when_sent_again_leads_to_the_customer_that_it_added(client: SignedClient, session: Session) -> None:
    form = {**FORM, "form_id": _form_id(client.get("/customers/new").text)}
    refused = client.post("/customers", data={**form, "email": "nobody@"})
    assert refused.status_code == 422
    first, again = (client.post("/customers", data=form) for _ in range(2))
    assert first.status_code == again.status_code == 303
    assert first.location == again.location
    assert session.scalar(select(func.count()).select_from(Account)) == 1


def test_form_when_changed_and_sent_again_tells_what_it_added(client: SignedClient, session: Session) -> None:
    form = {**FORM, "form_id": _form_id(client.get("/customers/new").text)}
    made = client.post("/customers", data=form).location
    other = client.post("/customers", data={**form, "name": "Cobalt Mines"})
    assert other.status_code == 409
    assert f'<a href="{made}">Look at what was added</a>' in other.text
    assert 'value="Cobalt Mines"' in other.text
    assert session.scalar(select(func.count()).select_from(Account)) == 1
    fresh = _form_id(other.text)
    assert client.post("/customers", data={**form, "name": "Cobalt Mines", "form_id": fresh}).status_code == 303
    assert session.scalar(select(func.count()).select_from(Account)) == 2


def _form_id(page: str) -> str:
    return re.search(r'name="form_id" value="([^"]+)"', page)[1]


def test_form_when_the_code_is_taken_links_to_its_owner(client: SignedClient, make_account: Make) -> None:
    owner = make_account("Cobalt Labs", code="00417")
    answer = client.post("/customers", data={**FORM, "name": "Other", "code": "00417"})
    assert answer.status_code == 409
    assert f'<a href="/customers/{owner.id}"><bdi>Cobalt Labs</bdi></a>' in answer.text
    assert 'value="Other"' in answer.text


def test_form_when_stale_shows_theirs_and_keeps_ours(client: SignedClient, make_account: Make) -> None:
    account = make_account("Cobalt Labs", code="7", city="Ghent", attributes={"Shoe": "43", "Hat": "7"})
    with unit_of_work() as session:
        theirs = {"city": "Lyon", "phone": "+33 4 72", "attributes": {"Shoe": "44", "Glove": "9"}}
        edit_account(session, BEN, account.id, theirs, 1)
    ours = {**FORM, "code": "7", "city": "Paris", "street": "Main 1", "version": "1",
            "attribute_name": ["Shoe", "Hat"], "attribute_text": ["45", "7"]}  # fmt: skip
    answer = client.post(f"/customers/{account.id}/edit", data=ours)
    assert answer.status_code == 412
    assert "Ben Baker changed City to “Lyon” meanwhile." in answer.text
    assert "Ben Baker changed Shoe to “44” meanwhile." in answer.text
    for kept in (
        'value="Paris"',
        'value="Main 1"',
        'value="45"',
        'value="+33 4 72"',
        'value="9"',
        'name="version" value="2"',
    ):
        assert kept in answer.text
    assert 'value="Hat"' not in answer.text, "they removed it and we did not touch it"
    saved = client.post(f"/customers/{account.id}/edit", data={**ours, "phone": "+33 4 72", "version": "2"})
    assert saved.status_code == 303


def test_form_when_the_version_is_nonsense_is_stale(client: SignedClient, make_account: Make) -> None:
    account = make_account(code="7")
    for version in ("", "x", "-1", "9" * 40):
        answer = client.post(
            f"/customers/{account.id}/edit", data={**FORM, "code": "7", "city": "x", "version": version}
        )
        assert answer.status_code == 412


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


def test_form_when_text_is_unholdable_is_no_fault(client: SignedClient) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    nul = client.post("/customers", data="name=a%00b&kind=company&is_customer=true", **form)
    assert nul.status_code == 422
    assert "Holds a NUL character." in nul.text
    half = client.post("/customers", data="name=%ED%A0%BD&kind=company&is_customer=true", **form)
    assert half.status_code == 303, "the web server reads bytes that are no text as a replacement sign"
    assert client.get("/customers?q=%00").status_code == 422


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
