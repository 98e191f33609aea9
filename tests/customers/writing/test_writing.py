"""A7: writing to a customer: what a mail begins with, whom it may go to, who may write, and what history tells."""

import json
import uuid
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.customers.domain import copies
from services.customers.domain.mail_templates import PLACEHOLDERS, TEMPLATES, fill
from services.customers.domain.scope import limit_session
from services.customers.models import Account, Contact, Message, Recipient
from shared.db import read_only, unit_of_work
from shared.testing import SignedClient, client_as
from tests.customers.counting import counted
from tests.customers.writing.conftest import BODY, CARL, DANA, EVE, ON, WRITER, Make, draft_of, url_of


def test_draft_when_begun_knows_the_names_and_the_primary_contact(ines: SignedClient, cobalt: Account) -> None:
    draft = draft_of(ines, cobalt, template="reminder").json
    assert draft["subject"] == "Reminder: an invoice to Cobalt Labs is open"
    assert draft["text"].startswith("Dear Chloé Petrov,\n")
    assert "customer number 00417" in draft["text"]
    assert draft["text"].endswith("Ines Moreau")
    assert [(one["kind"], one["email"], one["suggested"]) for one in draft["recipients"]] == [
        ("contact", "chloe@cobalt.example", True),
        ("account", "office@cobalt.example", False),
    ]
    assert draft["unreachable"] == ["Silent"]


def test_draft_when_there_is_no_contact_addresses_the_customer(ines: SignedClient, make_account: Make) -> None:
    account = make_account("Amber Foods", email="kontakt@bücher.example")
    draft = draft_of(ines, account).json
    assert draft["text"].startswith("Dear Amber Foods,")
    assert [(one["email"], one["suggested"]) for one in draft["recipients"]] == [
        ("kontakt@xn--bcher-kva.example", True)
    ]
    assert draft_of(ines, make_account("Nobody")).json["recipients"] == []


@pytest.mark.parametrize(
    ("template", "first", "fitting"),
    [
        ("reminder", "Carl", 1),
        ("payment_promise", "Carl", 1),
        ("dispute", "Carl", 2),
        ("specific_action", "Eve", 1),
        ("free_text", "Dana", 1),
    ],
)
def test_copies_when_offered_come_with_the_fitting_roles_first(
    ines: SignedClient, cobalt: Account, linked: Make, template: str, first: str, fitting: int
) -> None:
    linked(cobalt, DANA, "sales", "lead_source", name="Dana", email="dana@dealer.example")
    linked(cobalt, EVE, "service", name="Eve", email="eve@dealer.example")
    linked(cobalt, CARL, "collections", name="Carl", email="carl@dealer.example")
    offered = draft_of(ines, cobalt, template=template).json["copies"]
    assert (len(offered), offered[0]["name"]) == (3, first)
    assert [one["suggested"] for one in offered] == [True] * fitting + [False] * (3 - fitting)
    assert next(one["roles"] for one in offered if one["name"] == "Dana") == ["lead_source", "sales"]


def test_copies_when_not_active_or_unreachable_or_off_are_not_offered(
    ines: SignedClient, cobalt: Account, make_account: Make, linked: Make
) -> None:
    linked(cobalt, DANA, "sales", active=False)
    linked(cobalt, EVE, "collections", email=None)
    linked(make_account("Another"), CARL, "collections")
    assert draft_of(ines, cobalt).json["copies"] == []
    linked(cobalt, CARL, "collections")
    assert len(draft_of(ines, cobalt).json["copies"]) == 1
    with unit_of_work() as session:
        copies.change_links(session, [[str(cobalt.id), str(CARL), "collections"]], [])
    assert draft_of(ines, cobalt).json["copies"] == []
    linked(cobalt, CARL, "collections")
    for permissions, features in ((WRITER, frozenset()), (WRITER[:2], ON)):
        other = client_as(ines.application, *permissions, features=features)
        assert draft_of(other, cobalt).json["copies"] == []
        refused = other.post(url_of(cobalt), json={**BODY, "associate_ids": [str(CARL)]})
        assert refused.json["code"] == ("unknown_recipient" if features else "partner_management_off")


def test_mail_when_written_is_kept_with_its_people_and_in_history(
    ines: SignedClient, cobalt: Account, linked: Make
) -> None:
    linked(cobalt, CARL, "collections", name="Carl", email="carl@dealer.example")
    chloe = draft_of(ines, cobalt).json["recipients"][0]["id"]
    answer = ines.post(
        url_of(cobalt),
        json={**BODY, "contact_ids": [chloe], "associate_ids": [str(CARL)], "reply_to": "ines@cobalt.example"},
    )
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == f"{url_of(cobalt)}/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert [one["email"] for one in made["to"]] == ["office@cobalt.example", "chloe@cobalt.example"]
    assert [(one["email"], one["state"]) for one in made["copies"]] == [("carl@dealer.example", "waiting")]
    assert (made["state"], made["subject"], made["created_by_name"]) == ("queued", "Invoice 4711", "Ines Moreau")
    assert ines.get(answer.headers["Location"]).json == made
    assert ines.get(answer.headers["Location"], headers={"If-None-Match": '"1"'}).status_code == 304
    entry = ines.get(f"/api/customers/v1/accounts/{cobalt.id}/history").json["items"][0]
    assert (entry["action"], entry["actor_name"], entry["message_id"]) == ("wrote", "Ines Moreau", made["id"])
    page = ines.get(f"/customers/{cobalt.id}/history").text
    assert "wrote to this customer" in page
    assert "Carl (carl@dealer.example)" in page
    assert "On its way" in page
    assert [one["id"] for one in ines.get(url_of(cobalt)).json["items"]] == [made["id"]]
    assert draft_of(ines, cobalt).json["reply_to"] == "ines@cobalt.example"


def test_address_when_ticked_twice_gets_the_mail_once(
    ines: SignedClient, make_account: Make, make_contact: Make, linked: Make
) -> None:
    account = make_account("Cobalt Labs", email="Office@cobalt.example")
    contact = make_contact(account, email="office@cobalt.example")
    linked(account, DANA, "manages", email="office@COBALT.example")
    made = ines.post(
        url_of(account), json={**BODY, "contact_ids": [str(contact.id)], "associate_ids": [str(DANA)]}
    ).json
    assert (len(made["to"]), made["copies"]) == (1, [])


def test_recipient_when_not_on_file_here_is_refused(
    ines: SignedClient, cobalt: Account, make_account: Make, make_contact: Make, session: Session
) -> None:
    foreign = make_contact(make_account("Another"), email="x@another.example")
    silent = next(iter(session.scalars(select(Contact.id).where(Contact.last_name == "Silent"))))
    for values, code in (
        ({"to_account": False}, "no_recipient"),
        ({"contact_ids": [str(foreign.id)]}, "unknown_recipient"),
        ({"contact_ids": [str(silent)]}, "unknown_recipient"),
        ({"associate_ids": [str(DANA)]}, "unknown_recipient"),
        ({"subject": " \n "}, "invalid"),
        ({"text": ""}, "invalid"),
        ({"reply_to": "a@b.example\nBcc: x@y.example"}, "invalid"),
        ({"template": "love"}, "invalid"),
    ):
        answer = ines.post(url_of(cobalt), json={**BODY, **values})
        assert (answer.status_code, answer.json["code"]) == (422, code), values
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_contact_when_inactive_is_neither_offered_nor_taken(
    ines: SignedClient, cobalt: Account, client: SignedClient
) -> None:
    chloe = draft_of(ines, cobalt).json["recipients"][0]["id"]
    status = {"status": "inactive", "reason": "Left"}
    client.post(f"/api/customers/v1/accounts/{cobalt.id}/contacts/{chloe}/status", json=status)
    assert [one["kind"] for one in draft_of(ines, cobalt).json["recipients"]] == ["account"]
    assert ines.post(url_of(cobalt), json={**BODY, "contact_ids": [chloe]}).json["code"] == "unknown_recipient"


def test_customer_when_inactive_may_be_written_to_with_a_warning(
    ines: SignedClient, cobalt: Account, client: SignedClient
) -> None:
    client.post(f"/api/customers/v1/accounts/{cobalt.id}/status", json={"status": "inactive", "reason": "Closed down"})
    page = ines.get(f"/customers/{cobalt.id}/write").text
    assert "This customer is inactive" in page
    assert "Closed down" in page
    assert ines.post(url_of(cobalt), json=BODY).status_code == 201


def test_customer_when_deleted_is_not_found(ines: SignedClient, cobalt: Account, client: SignedClient) -> None:
    client.delete(f"/api/customers/v1/accounts/{cobalt.id}", headers={"If-Match": '"1"'})
    assert draft_of(ines, cobalt).json["code"] == "account_not_found"
    assert ines.post(url_of(cobalt), json=BODY).json["code"] == "account_not_found"
    assert ines.get(f"/customers/{cobalt.id}/write").status_code == 404


def test_permission_when_missing_refuses_writing_but_not_reading(
    ines: SignedClient, viewer: SignedClient, cobalt: Account
) -> None:
    made = ines.post(url_of(cobalt), json=BODY).json
    assert viewer.post(url_of(cobalt), json=BODY).status_code == 403
    assert draft_of(viewer, cobalt).status_code == 403
    for method in ("GET", "POST"):
        assert viewer.open(f"/customers/{cobalt.id}/write", method=method).status_code == 403
    assert viewer.get(f"{url_of(cobalt)}/{made['id']}").status_code == 200
    assert "/write" not in viewer.get(f"/customers/{cobalt.id}").text
    assert "/write" in ines.get(f"/customers/{cobalt.id}").text
    for url in ("/settings/mail", f"/settings/mail/{made['id']}", "/api/customers/v1/messages"):
        assert ines.get(url).status_code == 403


def test_screen_when_used_previews_and_sends_once(
    ines: SignedClient, cobalt: Account, linked: Make, session: Session
) -> None:
    linked(cobalt, CARL, "collections", name="Carl Collector", email="carl@dealer.example")
    url = f"/customers/{cobalt.id}/write"
    page = ines.get(f"{url}?template=reminder").text
    assert 'href="/customers' in page
    assert "Carl Collector" in page
    form: dict[str, Any] = {
        "template": "reminder", "subject": "Invoice <4711>", "text": "Dear Chloé,\r\n[amount]", "reply_to": "",
        "to": [str(cobalt.id)], "copies": [str(CARL)], "message_id": str(uuid.uuid4()),
    }  # fmt: skip
    shown = ines.post(url, data={**form, "step": "preview"})
    assert shown.status_code == 200
    for words in (
        "This is your mail",
        "Invoice &lt;4711&gt;",
        "carl@dealer.example",
        "still something in brackets",
        "No mail server is set up",
    ):
        assert words in shown.text, words
    back = ines.post(url, data={**form, "step": "edit"}).text
    assert "Invoice &lt;4711&gt;" in back
    assert session.scalar(select(func.count()).select_from(Message)) == 0
    for _ in range(2):
        sent = ines.post(url, data={**form, "step": "send"})
        assert (sent.status_code, sent.headers["Location"]) == (303, f"/customers/{cobalt.id}#history")
    assert session.scalar(select(func.count()).select_from(Message)) == 1
    assert session.scalar(select(func.count()).select_from(Recipient)) == 2


def test_screen_when_something_is_missing_comes_back_with_what_was_typed(ines: SignedClient, cobalt: Account) -> None:
    url = f"/customers/{cobalt.id}/write"
    form = {"template": "dispute", "subject": "", "text": "Kept <words>", "step": "preview"}
    page = ines.post(url, data=form)
    assert page.status_code == 422
    assert "Kept &lt;words&gt;" in page.text
    page = ines.post(url, data={**form, "subject": "Yes"})
    assert (page.status_code, "Tick at least one" in page.text) == (422, True)
    page = ines.post(url, data={**form, "subject": "Yes", "to": "nonsense"})
    assert page.status_code == 422


def test_associates_user_when_permitted_writes_to_theirs_alone(
    app: Flask, ines: SignedClient, cobalt: Account, make_account: Make, linked: Make
) -> None:
    """A6: what they may not see stays 404, and of copies they see their own."""
    foreign = make_account("Foreign", email="f@foreign.example")
    linked(cobalt, DANA, "sales", name="Dana Dealer", email="dana@dealer.example")
    linked(cobalt, EVE, "collections", name="Eve Else", email="eve@else.example")
    mine = ines.post(url_of(cobalt), json={**BODY, "associate_ids": [str(DANA), str(EVE)]}).json
    theirs = ines.post(url_of(foreign), json=BODY).json
    dana = client_as(app, *WRITER, name="Dana Dealer", kind="associate", associate_id=DANA, features=ON)
    assert [one["name"] for one in draft_of(dana, cobalt).json["copies"]] == ["Dana Dealer"]
    written = dana.post(url_of(cobalt), json={**BODY, "associate_ids": [str(DANA)]})
    assert (written.status_code, len(written.json["copies"])) == (201, 1)
    assert dana.post(url_of(cobalt), json={**BODY, "associate_ids": [str(EVE)]}).json["code"] == "unknown_recipient"
    for answer in (
        draft_of(dana, foreign),
        dana.post(url_of(foreign), json=BODY),
        dana.get(url_of(foreign)),
        dana.get(f"{url_of(foreign)}/{theirs['id']}"),
        dana.get(f"/customers/{foreign.id}/messages/{theirs['id']}"),
        dana.get(f"/customers/{foreign.id}/write"),
    ):
        assert answer.status_code == 404
    for url in (
        f"{url_of(cobalt)}/{mine['id']}",
        f"/customers/{cobalt.id}/messages/{mine['id']}",
        f"/customers/{cobalt.id}/history",
        url_of(cobalt),
    ):
        seen = dana.get(url)
        assert seen.status_code == 200
        assert "dana@dealer.example" in seen.text
        assert "eve@else.example" not in seen.text
    looks = client_as(app, "customers.view", name="Dana Dealer", kind="associate", associate_id=DANA, features=ON)
    assert looks.post(url_of(cobalt), json=BODY).status_code == 403


def test_messages_when_only_row_level_security_stands_are_narrowed(
    ines: SignedClient, cobalt: Account, make_account: Make, linked: Make
) -> None:
    linked(cobalt, DANA, "sales", email="dana@dealer.example")
    linked(cobalt, EVE, "collections", email="eve@else.example")
    linked(make_account("Foreign", email="f@foreign.example"), EVE, "sales", email="eve@else.example")
    ines.post(url_of(cobalt), json={**BODY, "associate_ids": [str(DANA), str(EVE)]})
    with read_only() as limited:
        limit_session(limited, DANA)
        assert set(limited.connection().execute(select(Recipient.__table__.c.email)).scalars()) == {
            "office@cobalt.example",
            "dana@dealer.example",
        }
        assert limited.connection().execute(select(func.count()).select_from(Message.__table__)).scalar() == 1
    with read_only() as limited:
        limit_session(limited, None)
        assert limited.connection().execute(select(func.count()).select_from(Message.__table__)).scalar() == 0


def test_settings_when_opened_list_all_mails_and_read_one(
    ines: SignedClient, admin: SignedClient, cobalt: Account
) -> None:
    assert "No mails yet" in admin.get("/settings/mail").text
    made = ines.post(url_of(cobalt), json=BODY).json
    page = admin.get("/settings/mail").text
    assert "Invoice 4711" in page
    assert "No mail server is set up" in page
    assert "No mail is in this state" in admin.get("/settings/mail?state=failed").text
    assert "please pay" in admin.get(f"/settings/mail/{made['id']}").text
    assert admin.get(f"/settings/mail/{uuid.uuid4()}").status_code == 404
    listed = admin.get("/api/customers/v1/messages", query_string={"state": "queued"}).json
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    early = admin.post(f"/api/customers/v1/messages/{made['id']}/retry")
    assert (early.status_code, early.json["code"]) == (409, "message_not_unsent")


def test_list_of_mails_has_as_many_queries_for_many(ines: SignedClient, admin: SignedClient, cobalt: Account) -> None:
    pages = ("/settings/mail", f"/customers/{cobalt.id}/history", url_of(cobalt))
    ines.post(url_of(cobalt), json=BODY)
    costs = []
    for _ in range(2):
        for page in pages:
            with counted(admin.application) as statements:
                assert admin.get(page).status_code == 200
            costs.append(len(statements))
        for _ in range(5):
            ines.post(url_of(cobalt), json=BODY)
    assert costs[:3] == costs[3:]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda one: one.name)
def test_template_when_filled_leaves_no_placeholder(template: Any) -> None:
    for text in (template.subject, template.text):
        assert "{" not in fill(text, dict.fromkeys(PLACEHOLDERS, "x"))


@given(name=st.text())
def test_name_when_it_looks_like_a_placeholder_is_left_alone(name: str) -> None:
    assert fill("{customer}", {"customer": name, "code": "17"}) == name
    assert fill("{unknown} {", {"customer": name}) == "{unknown} {"


def test_undo_of_an_import_when_somebody_wrote_keeps_the_customer() -> None:
    from services.customers.bulk.undo_words import left_account

    kept = left_account("1", "17", "Cobalt", "wrote", "Ines", of_contact=False, by_job=False)
    assert kept.message == "Ines wrote to it since."
    assert json.dumps(kept.__dict__)
