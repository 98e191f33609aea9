"""A10: chunks of imports that meet each other, other jobs and people on real connections."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from services.associates.app import create_app
from services.associates.domain import associates, links
from services.associates.domain.links import AccountFacts
from services.associates.errors import LinkExists
from shared.bulk import COUNTS
from shared.db import read_only, unit_of_work
from shared.importing.job import ImportJob
from shared.settings import Settings
from shared.testing import client_of_service
from tests.associates.conftest import ADA, KnownAccounts
from tests.associates.import_chunks import body_of, frame, headers_of, job


@pytest.fixture(scope="module")
def bulk_app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """Associates on a database of its own, with real commits; customers has 40 accounts."""
    app = create_app(make_settings("associates", make_database("associates")))
    known = KnownAccounts()
    for at in range(40):
        known.add(f"Firm {at}", f"F{at}")
    app.extensions["associates.customers"] = known
    yield app
    app.extensions["liaison.engine"].dispose()


def send(app: Flask, told: ImportJob, *rows: dict[str, str | None], no: int = 0) -> Any:
    body, checksum = body_of(frame(*rows))
    with app.app_context():
        client = client_of_service(app, "imports")
        return client.post(f"/internal/chunks/{told.id}/{no}", data=body, headers=headers_of(told, checksum)).json


def one(app: Flask, query: str, **values: Any) -> Any:
    with app.app_context(), read_only() as session:
        return session.scalar(text(query), values)


def test_chunk_when_sent_ten_times_at_once_is_applied_once(bulk_app: Flask) -> None:
    rows = [{"code": f"T{at}", "name": f"Person {at}"} for at in range(60)]
    told = job()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: send(bulk_app, told, *rows), range(10)))
    assert [answer["created"] for answer in answers] == [60] * 10
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 9
    assert one(bulk_app, "SELECT count(*) FROM associate WHERE code LIKE 'T%'") == 60
    assert one(bulk_app, "SELECT count(*) FROM change WHERE job_id = :job", job=told.id) == 60
    assert one(bulk_app, "SELECT count(*) FROM outbox WHERE name = 'associates.associates_saved.v1'") == 1


@pytest.mark.parametrize("match", ["code", "email"])
def test_jobs_when_they_bring_the_same_people_at_once_add_each_once(bulk_app: Flask, match: str) -> None:
    mark = f"Mark {uuid.uuid4().hex[:6]}"
    rows: list[dict[str, str | None]] = [
        {"code": f"{mark}{at}" if match == "code" else None, "name": mark, "email": f"{mark[5:]}{at}@x.example"}
        for at in range(40)
    ]
    jobs = [
        (job(match=match), [{**row, "city": f"City {at}"} for row in rows[:: 1 if at % 2 else -1]]) for at in range(4)
    ]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda told: send(bulk_app, told[0], *told[1]), jobs))
    assert sorted(answer["created"] for answer in answers) == [0, 0, 0, 40]
    assert [sum(answer[name] for name in COUNTS) for answer in answers] == [40] * 4
    assert one(bulk_app, "SELECT count(*) FROM associate WHERE name = :mark", mark=mark) == 40
    assert one(bulk_app, "SELECT count(DISTINCT city) FROM associate WHERE name = :mark", mark=mark) == 1


def test_links_when_a_person_and_two_files_give_the_same_stay_single_with_one_first(bulk_app: Flask) -> None:
    accounts: list[AccountFacts] = list(bulk_app.extensions["associates.customers"].accounts.values())
    with bulk_app.app_context(), unit_of_work() as session:
        dana = associates.create_associate(session, ADA, {"name": "Dana"})
        ben = associates.create_associate(session, ADA, {"name": "Ben"})

    def by_hand(account: AccountFacts) -> str:
        with bulk_app.app_context():
            try:
                with unit_of_work() as session:
                    links.begin_link(session, ADA, account, dana.id, "manages", primary=True)
            except LinkExists:
                return "there"
            return "begun"

    rows = [{"customer_code": account.code, "primary": "yes"} for account in accounts]
    files = [[{**row, "associate_code": who.code} for row in rows] for who in (dana, ben)]
    with ThreadPoolExecutor(8) as threads:
        hands = [threads.submit(by_hand, account) for account in accounts]
        jobs = [threads.submit(send, bulk_app, job("assignments"), *file) for file in files]
        answers = [one.result() for one in jobs]
        begun = [one.result() for one in hands].count("begun") + answers[0]["created"]
    assert (begun, answers[1]["created"]) == (40, 40)
    assert [sum(answer[name] for name in COUNTS) for answer in answers] == [40, 40]
    assert one(bulk_app, "SELECT count(*) FROM link WHERE associate_id = :id", id=dana.id) == 40
    assert one(bulk_app, "SELECT count(*) FROM link WHERE is_primary AND ended_at IS NULL") == 40
