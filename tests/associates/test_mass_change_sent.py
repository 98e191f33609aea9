"""A8: chunks of mass changes as imports sends them, also many at once, with real commits."""

import hashlib
import io
import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest
from flask import Flask
from sqlalchemy import select, text

from services.associates.app import create_app
from services.associates.domain import associates, links
from services.associates.domain.history import read_history
from services.associates.domain.links import AccountFacts
from services.associates.errors import LinkExists
from services.associates.models import Link, Outbox
from shared.db import read_only, unit_of_work
from shared.settings import Settings
from shared.testing import SignedClient, client_of_service
from tests.associates.conftest import ADA, KnownAccounts

Made = Callable[..., Any]


@pytest.fixture(scope="module")
def bulk_app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """Associates on a database of its own, with real commits."""
    app = create_app(make_settings("associates", make_database("associates")))
    yield app
    app.extensions["liaison.engine"].dispose()


def body_of(accounts: list[AccountFacts]) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(
        {
            "_row": range(1, len(accounts) + 1),
            "_line": range(2, len(accounts) + 2),
            "account_id": [str(one.id) for one in accounts],
            "code": [one.code for one in accounts],
            "name": [one.name for one in accounts],
        }
    ).write_ipc(file)
    return file.getvalue()


def send(app: Flask, job: uuid.UUID, no: int, body: bytes, associate: uuid.UUID, action: str = "add") -> Any:
    told = {
        "kind": "mass_change", "actor_id": str(ADA.id), "actor_name": ADA.name,
        "change": {"action": action, "associate_ids": [str(associate)], "role": "manages"},
    }  # fmt: skip
    with app.app_context():
        client: SignedClient = client_of_service(app, "imports")
        headers = {"Liaison-Job": json.dumps(told), "Liaison-Checksum": hashlib.sha256(body).hexdigest()}
        return client.post(f"/internal/chunks/{job}/{no}", data=body, headers=headers)


def test_chunk_when_sent_ten_times_at_once_is_applied_once(bulk_app: Flask) -> None:
    accounts = [AccountFacts(uuid.uuid4(), str(at), f"Firm {at}") for at in range(50)]
    job = uuid.uuid4()
    with bulk_app.app_context(), unit_of_work() as session:
        dana = associates.create_associate(session, ADA, {"name": "Dana"})
    body = body_of(accounts)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: send(bulk_app, job, 0, body, dana.id).json, range(10)))
    assert [answer["created"] for answer in answers] == [50] * 10
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 9
    with bulk_app.app_context(), read_only() as session:
        assert session.scalar(text("SELECT count(*) FROM link WHERE associate_id = :id"), {"id": dana.id}) == 50
        told = session.scalars(select(Outbox).where(Outbox.name == "associates.links_changed.v2")).all()
        begun = [links for event in told for links in event.payload["begun"]]
        assert [len(accounts) for associate, _, accounts in begun if associate == str(dana.id)] == [50]
    client = client_of_service(bulk_app, "imports")
    for _ in range(2):
        assert client.post(f"/internal/jobs/{job}/finish", json={"kind": "mass_change"}).status_code == 200
    asked = {"kind": "mass_change", "actor_id": str(ADA.id), "actor_name": ADA.name}
    with ThreadPoolExecutor(4) as threads:
        undone = list(
            threads.map(
                lambda _: client_of_service(bulk_app, "imports").post(
                    f"/internal/chunks/{job}/0/undo", json=asked
                ).json,
                range(4),
            )
        )  # fmt: skip
    assert [answer["removed"] for answer in undone] == [50] * 4
    assert client.post(f"/internal/jobs/{job}/finish", json={"kind": "mass_change"}).status_code == 200
    with bulk_app.app_context(), read_only() as session:
        entries = [one for one in read_history(session, dana.id)[0] if one.job_id]
    assert [(one.action, one.changes[0].old, one.changes[0].new) for one in entries] == [
        ("undone_many", None, 50), ("linked_many", None, 50),
    ]  # fmt: skip


def test_links_when_a_person_and_two_jobs_give_the_same_stay_single(bulk_app: Flask) -> None:
    accounts = [AccountFacts(uuid.uuid4(), str(at), f"Firm {at}") for at in range(40)]
    with bulk_app.app_context(), unit_of_work() as session:
        dana = associates.create_associate(session, ADA, {"name": "Dana"})
    body = body_of(accounts)

    def by_hand(at: int) -> str:
        with bulk_app.app_context():
            try:
                with unit_of_work() as session:
                    links.begin_link(session, ADA, accounts[at], dana.id, "manages", primary=True)
            except LinkExists:
                return "there"
            return "begun"

    with ThreadPoolExecutor(8) as threads:
        hands = [threads.submit(by_hand, at) for at in range(40)]
        jobs = [threads.submit(send, bulk_app, uuid.uuid4(), 0, body, dana.id) for _ in range(2)]
        begun = [one.result() for one in hands].count("begun") + sum(one.result().json["created"] for one in jobs)
    assert begun == 40
    with bulk_app.app_context(), read_only() as session:
        assert session.scalar(text("SELECT count(*) FROM link WHERE associate_id = :id"), {"id": dana.id}) == 40


def test_chunk_when_the_job_was_cancelled_is_refused(bulk_app: Flask) -> None:
    job = uuid.uuid4()
    with bulk_app.app_context(), unit_of_work() as session:
        dana = associates.create_associate(session, ADA, {"name": "Dana"})
    client = client_of_service(bulk_app, "imports")
    assert client.post(f"/internal/jobs/{job}/fence").json == {"applied": []}
    answer = send(bulk_app, job, 0, body_of([AccountFacts(uuid.uuid4(), "1", "X")]), dana.id)
    assert (answer.status_code, answer.json["code"]) == (409, "fence_closed")


def test_associates_when_replaced_by_two_jobs_at_once_are_those_of_one_of_them(bulk_app: Flask) -> None:
    """Guard: who replaces does so alone."""
    accounts = [AccountFacts(uuid.uuid4(), str(at), f"Firm {at}") for at in range(200)]
    with bulk_app.app_context(), unit_of_work() as session:
        people = [associates.create_associate(session, ADA, {"name": f"Nora {at}"}).id for at in range(4)]
    body = body_of(accounts)
    assert send(bulk_app, uuid.uuid4(), 0, body, people[0]).status_code == 200
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda one: send(bulk_app, uuid.uuid4(), 0, body, one, "replace"), people * 2))
    assert {answer.status_code for answer in answers} == {200}
    with bulk_app.app_context(), read_only() as session:
        open_links = select(Link.account_id).where(Link.ended_at.is_(None), Link.associate_id.in_(people))
        assert sorted(session.scalars(open_links)) == sorted(one.id for one in accounts)


def test_customer_when_deleted_since_it_was_selected_is_refused(
    app: Flask, known: KnownAccounts, make_associate: Made
) -> None:
    """The list of the job has no name for it any more, whatever the feed has told so far."""
    there = known.add()
    body = body_of([there, AccountFacts(uuid.uuid4(), None, None)])  # type: ignore[arg-type] # as the list has it
    answer = send(app, uuid.uuid4(), 0, body, make_associate("Dana").id).json
    assert (answer["created"], answer["failed"], answer["refusals"][0]["code"]) == (1, 1, "customer_deleted")
