"""Forms of customers: refused, they come back as typed; sent again, they add once; what others changed is told."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
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
from shared.testing import SignedClient
from shared.web.forms import load_form
from tests.customers.conftest import BEN, toast_of

Make = Callable[..., Any]
FORM = {"name": "Cobalt Labs", "kind": "company", "is_customer": "true"}


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


def test_form_when_text_is_unholdable_is_no_fault(client: SignedClient) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    nul = client.post("/customers", data="name=a%00b&kind=company&is_customer=true", **form)
    assert nul.status_code == 422
    assert "Holds a NUL character." in nul.text
    half = client.post("/customers", data="name=%ED%A0%BD&kind=company&is_customer=true", **form)
    assert half.status_code == 303, "the web server reads bytes that are no text as a replacement sign"
    assert client.get("/customers?q=%00").status_code == 422
