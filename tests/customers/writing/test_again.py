"""A7: the same mail sent again is one mail, and one that was changed since is not told to be on its way."""

import re
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.customers.models import Account, Contact, Message, Recipient
from shared.testing import SignedClient
from tests.customers.writing.conftest import BODY, CARL, Make, draft_of, url_of


def test_mail_when_sent_twice_with_one_key_is_one(ines: SignedClient, cobalt: Account, session: Session) -> None:
    head = {"Idempotency-Key": "once"}
    first, second = (ines.post(url_of(cobalt), json=BODY, headers=head) for _ in range(2))
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_mail_when_sent_again_after_a_recipient_was_removed_is_the_one_that_was_sent(
    ines: SignedClient, cobalt: Account, client: SignedClient, session: Session
) -> None:
    chloe = draft_of(ines, cobalt).json["recipients"][0]["id"]
    form = {**BODY, "to": [str(cobalt.id), chloe], "step": "send", "message_id": str(uuid.uuid4())}
    first = ines.post(f"/customers/{cobalt.id}/write", data=form)
    client.delete(f"/api/customers/v1/accounts/{cobalt.id}/contacts/{chloe}", headers={"If-Match": '"1"'})
    assert session.get(Contact, uuid.UUID(chloe)) is None
    again = ines.post(f"/customers/{cobalt.id}/write", data=form)
    assert (first.status_code, again.status_code) == (303, 303)
    assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_mail_when_two_recipients_share_an_address_may_be_sent_again(
    ines: SignedClient, cobalt: Account, make_contact: Make, linked: Make, session: Session
) -> None:
    twin = make_contact(cobalt, "Twin", email="OFFICE@cobalt.example")
    linked(cobalt, CARL, "collections", name="Carl", email="carl@dealer.example")
    form = {**BODY, "to": [str(cobalt.id), str(twin.id)], "copies": [str(CARL)], "message_id": str(uuid.uuid4())}
    for _ in range(2):
        assert ines.post(f"/customers/{cobalt.id}/write", data={**form, "step": "send"}).status_code == 303
    assert session.scalar(select(func.count()).select_from(Recipient)) == 2


@pytest.mark.parametrize("change", ["template", "subject", "text", "reply_to", "one more", "one less", "a copy"])
def test_mail_when_changed_after_it_was_sent_is_not_told_to_be_on_its_way(
    ines: SignedClient, cobalt: Account, linked: Make, session: Session, change: str
) -> None:
    linked(cobalt, CARL, "collections", name="Carl", email="carl@dealer.example")
    chloe, own = draft_of(ines, cobalt).json["recipients"][0]["id"], str(cobalt.id)
    url, sent = f"/customers/{cobalt.id}/write", str(uuid.uuid4())
    to = [chloe, own] if change == "one less" else [own]
    form: dict[str, Any] = {**BODY, "to": to, "copies": [], "reply_to": "", "step": "send", "message_id": sent}
    assert ines.post(url, data=form).status_code == 303
    other = {
        "template": "dispute", "subject": "Invoice 4712", "text": "Dear Chloé", "reply_to": "ines@cobalt.example",
        "one more": [own, chloe], "one less": [own], "a copy": [str(CARL)],
    }  # fmt: skip
    field = {"one more": "to", "one less": "to", "a copy": "copies"}.get(change, change)
    changed = {**form, field: other[change]}
    page = ines.post(url, data=changed)
    assert page.status_code == 409
    assert "This mail was sent already" in page.text
    assert f'href="/customers/{own}/messages/{sent}"' in page.text
    fresh = re.search(r'name="message_id" value="([^"]+)"', page.text)[1]
    assert fresh != sent, "or there would be no way on"
    assert ines.post(url, data={**changed, "message_id": fresh}).status_code == 303
    assert session.scalar(select(func.count()).select_from(Message)) == 2


def test_id_when_it_is_of_another_mail_is_refused(ines: SignedClient, cobalt: Account, make_account: Make) -> None:
    other = make_account("Another", email="a@another.example")
    form = {**BODY, "step": "send", "message_id": str(uuid.uuid4())}
    assert ines.post(f"/customers/{cobalt.id}/write", data={**form, "to": str(cobalt.id)}).status_code == 303
    page = ines.post(f"/customers/{other.id}/write", data={**form, "to": str(other.id)})
    assert (page.status_code, "Begin it anew" in page.text) == (409, True)
