"""A7: mails are sent by a real SMTP server's rules, tried again with growing waits, and given up in clear words."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.customers import tasks
from services.customers.domain import copies, messages, sending
from services.customers.domain.writing import write_message
from services.customers.models import Account, Message
from shared.db import read_only, unit_of_work
from shared.history import Actor
from shared.mail import MailServer, Outcome
from shared.mail_queue import WAITS
from shared.testing import SignedClient, client_as
from tests.smtp import SmtpServer

INES = Actor(uuid.UUID(int=9), "Ines Moreau")
DANA = uuid.UUID(int=1)
TO, CC = "office@cobalt.example", "dana@dealer.example"
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def running() -> Iterator[SmtpServer]:
    server = SmtpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def smtp(app: Flask, running: SmtpServer) -> Iterator[SmtpServer]:
    """A mail server that the app knows."""
    running.reset()
    app.extensions["liaison.mail"] = MailServer.from_environment(
        "customers", {"SMTP_URL": running.url, "MAIL_FROM": "office@trading.example"}
    )
    yield running
    app.extensions["liaison.mail"] = None


@pytest.fixture
def write(app: Flask, make_account: Make) -> Callable[..., Message]:
    """write() -> a mail to Cobalt Labs, with a copy to Dana."""

    def make(subject: str = "Invoice 4711", account: Account | None = None) -> Message:
        account = account or make_account("Cobalt Labs", email=TO)
        with unit_of_work() as session:
            copies.save_associate(session, DANA, "A1", "Dana Dealer", active=True, email=CC)
            copies.change_links(session, [], [[str(account.id), str(DANA), "collections"]])
        values = {
            "template": "reminder",
            "subject": subject,
            "text": "Please pay.",
            "to_account": True,
            "associate_ids": [DANA],
        }
        with unit_of_work() as session:
            return write_message(session, INES, account.id, values, with_copies=True)

    return make


def now(message: Message) -> messages.Sent:
    with read_only() as session:
        return messages.get_message(session, message.id)


def make_due(message: Message) -> None:
    with unit_of_work() as session:
        session.execute(update(Message).where(Message.id == message.id).values(due_at=datetime(2020, 1, 1, tzinfo=UTC)))


def test_mail_when_due_is_sent_and_told(smtp: SmtpServer, write: Make, viewer: SignedClient) -> None:
    message = write()
    tasks.send_mail.run()
    tasks.send_mail.run()
    ((to, mail),) = smtp.mails
    assert (to, str(mail["To"]), str(mail["Cc"])) == ([TO, CC], f"Cobalt Labs <{TO}>", f"Dana Dealer <{CC}>")
    assert (str(mail["From"]), str(mail["Message-ID"])) == (
        "Ines Moreau <office@trading.example>",
        f"<{message.id}@trading.example>",
    )
    sent = now(message)
    assert (sent.message.state, sent.message.error, {one.state for one in sent.people}) == ("sent", None, {"accepted"})
    assert sent.message.ended_at is not None
    assert "Sent" in viewer.get(f"/customers/{message.account_id}/history").text
    assert viewer.get(f"/customers/{message.account_id}/messages/{message.id}").status_code == 200


def test_mail_when_refused_for_good_is_not_tried_again(smtp: SmtpServer, write: Make, viewer: SignedClient) -> None:
    smtp.answers = {TO: "550 No such user", CC: "550 Not him either"}
    message = write()
    tasks.send_mail.run()
    sent = now(message)
    assert (sent.message.state, sent.message.error) == ("failed", "The mail server refused everybody.")
    assert [one.refusal for one in sent.people] == ["550 No such user", "550 Not him either"]
    make_due(message)
    smtp.answers = {}
    tasks.send_mail.run()
    assert smtp.mails == []
    page = viewer.get(f"/customers/{message.account_id}/history").text
    assert "Not sent: The mail server refused everybody." in page
    assert "550 No such user" in viewer.get(f"/customers/{message.account_id}/messages/{message.id}").text


def test_mail_when_refused_for_some_is_said_to_be_and_tried_again_for_those(
    smtp: SmtpServer, write: Make, app: Flask
) -> None:
    admin = client_as(app, "settings.manage")
    smtp.answers = {CC: "550 No such user"}
    message = write()
    tasks.send_mail.run()
    sent = now(message)
    assert (sent.message.state, [one.state for one in sent.people]) == ("partly_sent", ["accepted", "refused"])
    assert "did not reach everybody" in admin.get(f"/settings/mail/{message.id}").text
    smtp.answers = {}
    again = admin.post(f"/api/customers/v1/messages/{message.id}/retry")
    assert (again.status_code, again.json["state"], again.headers["ETag"]) == (200, "queued", '"3"')
    tasks.send_mail.run()
    assert [to for to, _ in smtp.mails] == [[TO], [CC]]
    assert now(message).message.state == "sent"
    assert admin.post(f"/api/customers/v1/messages/{message.id}/retry").status_code == 409


def test_mail_when_the_server_is_away_waits_and_goes_once_it_is_back(smtp: SmtpServer, write: Make) -> None:
    message = write()
    smtp.stop()
    try:
        tasks.send_mail.run()
        sent = now(message)
        assert (sent.message.state, sent.message.attempts) == ("queued", 1)
        assert "does not answer" in str(sent.message.error)
        assert timedelta() < sent.message.due_at - datetime.now(UTC) <= WAITS[0]
        tasks.send_mail.run()
        assert now(message).message.attempts == 1, "it is not due yet"
    finally:
        smtp.start()
    make_due(message)
    tasks.send_mail.run()
    assert (now(message).message.state, len(smtp.mails)) == ("sent", 1)


def test_mail_when_one_address_asks_for_later_goes_to_the_others_once(smtp: SmtpServer, write: Make) -> None:
    smtp.answers = {CC: "451 Grey for a while"}
    message = write()
    tasks.send_mail.run()
    assert [one.state for one in now(message).people] == ["accepted", "waiting"]
    smtp.answers = {}
    make_due(message)
    tasks.send_mail.run()
    assert [to for to, _ in smtp.mails] == [[TO], [CC]]
    assert len({str(mail["Message-ID"]) for _, mail in smtp.mails}) == 1
    assert now(message).message.state == "sent"


def test_mail_when_it_never_goes_is_given_up_after_growing_waits(smtp: SmtpServer, write: Make) -> None:
    smtp.answer = "452 Disk full"
    message = write()
    waits = []
    for _ in range(len(WAITS) + 3):
        make_due(message)
        tasks.send_mail.run()
        sent = now(message)
        if sent.message.state != "queued":
            break
        waits.append(sent.message.due_at - datetime.now(UTC))
    assert sent.message.state == "failed"
    assert str(sent.message.error).startswith("We gave up after many tries. The mail server answered: 452 Disk full")
    assert len(waits) == len(WAITS)
    assert waits == sorted(waits)
    assert len(smtp.tries) == len(WAITS) + 1
    assert len(set(smtp.tries)) == 1, "the same Message-ID each time"


def test_mail_when_there_is_no_server_is_kept_and_sent_later_by_hand(app: Flask, smtp: SmtpServer, write: Make) -> None:
    server, app.extensions["liaison.mail"] = app.extensions["liaison.mail"], None
    admin = client_as(app, "settings.manage", "customers.view")
    message = write()
    tasks.send_mail.run()
    assert now(message).message.state == "kept"
    assert "Kept, not sent" in admin.get("/settings/mail").text
    app.extensions["liaison.mail"] = server
    tasks.send_mail.run()
    assert smtp.mails == [], "what was kept is not sent by surprise"
    assert "Send now" in admin.get(f"/settings/mail/{message.id}").text
    page = admin.post(f"/settings/mail/{message.id}/retry")
    assert (page.status_code, page.headers["Location"]) == (303, f"/settings/mail/{message.id}")
    tasks.send_mail.run()
    assert (now(message).message.state, len(smtp.mails)) == ("sent", 1)


def test_mail_when_its_customer_was_deleted_is_not_sent(
    smtp: SmtpServer, write: Make, client: SignedClient, app: Flask
) -> None:
    message = write()
    client.delete(f"/api/customers/v1/accounts/{message.account_id}", headers={"If-Match": '"1"'})
    tasks.send_mail.run()
    sent = now(message)
    assert (sent.message.state, sent.message.error) == ("failed", sending.GONE)
    assert smtp.tries == []
    admin = client_as(app, "settings.manage")
    assert sending.GONE in admin.get(f"/settings/mail/{message.id}").text
    assert admin.post(f"/api/customers/v1/messages/{message.id}/retry").json["code"] == "account_not_found"


def test_lease_when_it_holds_keeps_others_away_and_when_it_ran_out_does_not(
    smtp: SmtpServer, write: Make, session: Session
) -> None:
    message = write()
    with unit_of_work() as dead:
        first = sending.claim_message(dead)
    assert first is not None
    tasks.send_mail.run()
    assert smtp.tries == []
    session.execute(update(Message).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC)))
    session.commit()
    tasks.send_mail.run()
    assert (now(message).message.state, now(message).message.attempts, len(smtp.mails)) == ("sent", 2, 1)
    with unit_of_work() as late:
        assert sending.settle_message(late, first, Outcome(delayed="too late")) is False
    assert now(message).message.state == "sent"


def test_mail_when_it_kills_every_worker_is_given_up(smtp: SmtpServer, write: Make, session: Session) -> None:
    message, other = write(), write("Another")
    session.execute(update(Message).where(Message.id == message.id).values(attempts=len(WAITS) + 1))
    session.commit()
    tasks.send_mail.run()
    assert "again and again" in str(now(message).message.error)
    assert (now(message).message.state, now(other).message.state) == ("failed", "sent")


def test_outcome_when_the_database_is_away_is_written_later(
    smtp: SmtpServer, write: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail that the server has must not go twice because PostgreSQL restarted."""
    from sqlalchemy.exc import OperationalError

    message, faults, settle = write(), [1, 2], sending.settle_message

    def faulty(*arguments: Any) -> bool:
        if faults:
            faults.pop()
            raise OperationalError("", {}, Exception("gone"))
        return settle(*arguments)

    monkeypatch.setattr(sending, "settle_message", faulty)
    monkeypatch.setattr("time.sleep", lambda _: None)
    tasks.send_mail.run()
    assert (now(message).message.state, len(smtp.tries)) == ("sent", 1)


def test_task_when_one_is_sending_leaves_the_thread_to_others(smtp: SmtpServer, write: Make) -> None:
    write()
    with tasks._sending:
        tasks.send_mail.run()
    assert smtp.tries == []


def test_writing_when_committed_wakes_the_worker(app: Flask, write: Make) -> None:
    woken: list[None] = []
    wake, app.extensions["liaison.wake_mail"] = app.extensions["liaison.wake_mail"], lambda: woken.append(None)
    try:
        write()
    finally:
        app.extensions["liaison.wake_mail"] = wake
    assert len(woken) == 1
    with read_only() as session:
        assert session.scalar(select(Message.state)) == "queued"
