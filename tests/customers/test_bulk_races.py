"""Chunks over HTTP, several at once, on a database where transactions really commit."""

import json
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import polars as pl
import pytest
from flask import Flask
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from services.customers.app import create_bulk_app
from services.customers.bulk.target import customers_target
from services.customers.domain.accounts import edit_account
from services.customers.models import Account, Change, Contact
from services.customers.tasks import tidy_up
from shared.db import read_only, unit_of_work
from shared.history import Actor
from shared.importing.job import ImportJob
from shared.settings import Settings
from shared.testing import SignedClient, client_as, client_of_service
from shared.worker import waiting_tasks
from tests.customers.bulk_chunks import check_derived, counts, frame, job, post, refused, sample_rows

LONG = 60
PEOPLE = [
    {"code": f"R{number:03}", "name": f"Name {number}", "email": f"r{number}@ex.example", "contact_last_name": "Doe"}
    for number in range(300)
]


@pytest.fixture(scope="module")
def bulk_app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    app = create_bulk_app(make_settings("customers", make_database("customers")))
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def app(bulk_app: Flask) -> Flask:
    with bulk_app.app_context(), unit_of_work() as session:
        session.execute(text("TRUNCATE account, contact, change, receipt, undo_receipt, job_fence, outbox"))
    return bulk_app


@pytest.fixture
def imports(app: Flask) -> SignedClient:
    return client_of_service(app, "imports")


def at_once(app: Flask, sendings: list[Callable[[SignedClient], Any]]) -> list[Any]:
    start = threading.Barrier(len(sendings))

    def send(sending: Callable[[SignedClient], Any]) -> Any:
        client = client_of_service(app, "imports")
        start.wait(LONG)
        return sending(client)

    with ThreadPoolExecutor(len(sendings)) as pool:
        return [future.result(LONG) for future in [pool.submit(send, sending) for sending in sendings]]


def digest(app: Flask) -> str:
    """Return a digest over keys, fields and versions of all records, whatever their ids and times."""
    with app.app_context(), read_only() as session:
        accounts = session.execute(
            text(
                "SELECT code, name, kind, is_customer, is_vendor, email_key, phone_key, website, city, country, tags,"
                " attributes::text, notes, search, version, status, created_by FROM account ORDER BY code_key"
            )
        ).all()
        contacts = session.execute(
            text(
                "SELECT a.code, c.contact_key, c.first_name, c.last_name, c.phone_key, c.phone2_key, c.is_primary,"
                " c.version FROM contact c JOIN account a ON a.id = c.account_id ORDER BY a.code_key, c.contact_key"
            )
        ).all()
    return sha256(repr([accounts, contacts]).encode()).hexdigest()


def number_of(app: Flask, what: Any) -> int:
    with app.app_context(), read_only() as session:
        return session.scalar(select(func.count()).select_from(what)) or 0


def test_target_when_a_service_asks_is_told(imports: SignedClient) -> None:
    answer = imports.get("/internal/import-targets/customers")
    assert answer.get_json() == customers_target()
    assert imports.get("/internal/import-targets/ships").status_code == 404


@pytest.mark.parametrize("path", ["/internal/import-targets/customers", f"/internal/jobs/{uuid.UUID(int=1)}/fence"])
def test_bulk_address_when_a_person_asks_is_not_there(app: Flask, path: str) -> None:
    client = client_as(app, "import", "customers.edit")
    assert client.open(path, method="GET" if "targets" in path else "POST").status_code in (401, 404)


def test_chunk_when_posted_is_applied(app: Flask, imports: SignedClient) -> None:
    answer = post(imports, job(), 1, frame(*sample_rows(), {"code": "C9"}))
    assert answer.status_code == 200
    assert counts(answer.get_json()) == {"created": 3, "failed": 1}
    assert answer.get_json()["repeated"] is False
    assert refused(answer.get_json()) == [(4, "name", "name_required")]
    assert number_of(app, Contact) == 3


@pytest.mark.parametrize(
    ("body", "checksum", "about", "status", "code"),
    [
        (b"", None, {"kind": "ships"}, 404, "unknown_kind"),
        (b"", None, {"mode": "delete"}, 422, "invalid"),
        (b"x", "0" * 64, {}, 422, "chunk_unreadable"),
        (b"no arrow", None, {}, 422, "chunk_unreadable"),
    ],
)
def test_chunk_when_it_is_not_right_is_refused_for_good(
    imports: SignedClient, body: bytes, checksum: str | None, about: dict[str, str], status: int, code: str
) -> None:
    told = {
        "kind": "customers", "mode": "both", "match": "code", "blank": "keep", "actor_id": str(uuid.uuid4()),
        "actor_name": "Carla", **about,
    }  # fmt: skip
    headers = {"Liaison-Checksum": checksum or sha256(body).hexdigest(), "Liaison-Job": json.dumps(told)}
    answer = imports.post(f"/internal/chunks/{uuid.uuid4()}/1", data=body, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_chunk_when_its_checksum_is_another_ones_is_refused(app: Flask, imports: SignedClient) -> None:
    answer = post(imports, job(), 1, frame(*PEOPLE), checksum="0" * 64)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "chunk_unreadable")
    assert number_of(app, Account) == 0


def test_chunk_when_delivered_ten_times_at_once_is_applied_once(app: Flask) -> None:
    told = job()
    answers = at_once(app, [lambda client: post(client, told, 1, frame(*PEOPLE)).get_json()] * 10)
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 9
    assert {answer["created"] for answer in answers} == {300}
    assert (number_of(app, Account), number_of(app, Contact)) == (300, 300)


def test_jobs_when_they_bring_the_same_new_rows_in_other_orders_at_once_agree(app: Flask) -> None:
    shuffled = list(PEOPLE)
    random.Random(7).shuffle(shuffled)
    files = [PEOPLE, PEOPLE[::-1], shuffled]
    tolds = [job() for _ in files]
    answers = at_once(
        app,
        [
            lambda client, told=told, rows=rows, no=no: post(
                client, told, no, frame(*rows[no * 100 : no * 100 + 100])
            ).get_json()
            for told, rows in zip(tolds, files, strict=True)
            for no in range(3)
        ],
    )
    assert sum(answer["created"] for answer in answers) == 300
    assert sum(answer["unchanged"] for answer in answers) == 600
    assert number_of(app, Account) == 300
    with app.app_context(), unit_of_work() as session:
        check_derived(session)


def test_jobs_when_they_change_the_same_rows_in_other_orders_at_once_all_count(
    app: Flask, imports: SignedClient
) -> None:
    post(imports, job(), 1, frame(*PEOPLE))
    changed = [[{"code": row["code"], "notes": f"from {name}"} for row in PEOPLE] for name in "abcd"]
    files = [changed[0], changed[1][::-1], changed[2], changed[3][::-1]]
    answers = at_once(
        app, [lambda client, rows=rows: post(client, job(), 1, frame(*rows)).get_json() for rows in files]
    )
    assert [answer["updated"] for answer in answers] == [300] * 4
    with app.app_context(), read_only() as session:
        assert session.execute(select(func.min(Account.version), func.max(Account.version))).one() == (5, 5)
        assert session.scalar(text("SELECT count(*) FROM change")) == 1200


def test_jobs_when_they_add_to_the_same_rows_at_once_lose_nothing(app: Flask, imports: SignedClient) -> None:
    post(imports, job(), 1, frame(*PEOPLE))
    files = [[{"code": row["code"], "_attributes": json.dumps({name: "1"})} for row in PEOPLE] for name in "abcd"]
    at_once(app, [lambda client, rows=rows: post(client, job(), 1, frame(*rows)).get_json() for rows in files])
    with app.app_context(), read_only() as session:
        assert set(map(json.dumps, session.scalars(select(Account.attributes)))) == {
            json.dumps(dict.fromkeys("abcd", "1"))
        }


def test_jobs_when_they_bring_the_same_addresses_at_once_create_each_customer_once(app: Flask) -> None:
    rows = [{"email": row["email"], "name": row["name"]} for row in PEOPLE]
    sendings = [
        lambda client, part=part: post(client, job(match="email"), 1, frame(*part)).get_json()
        for part in (rows, rows[::-1], rows[100:])
    ]
    answers = at_once(app, sendings)
    assert sum(answer["created"] for answer in answers) == 300 == number_of(app, Account)


def test_chunk_when_another_transaction_is_quicker_with_a_code_goes_on_from_there(app: Flask) -> None:
    told, started = job(), threading.Event()
    result: list[Any] = []

    def send() -> None:
        started.set()
        result.append(post(client_of_service(app, "imports"), told, 1, frame(*PEOPLE[:5])).get_json())

    with app.app_context(), unit_of_work() as session:
        values = {"code": "R003", "code_key": "r003", "name": "First", "name_key": "first", "created_by": uuid.uuid4()}
        session.execute(insert(Account).values(**values, created_by_name="Ada"))
        thread = threading.Thread(target=send)
        thread.start()
        started.wait(LONG)
        wait_for_a_waiting_one(session)
    thread.join(LONG)
    assert counts(result[0]) == {"created": 4, "updated": 1}


def wait_for_a_waiting_one(session: Session) -> None:
    """Return when another transaction waits for this one."""
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
    for _ in range(100_000):
        if session.scalar(query):
            return
    pytest.fail("nobody waits")


def take_back(client: SignedClient, told: ImportJob, no: int) -> Any:
    """Ask for the undo of a chunk as the imports service does."""
    body = {"kind": "customers", "actor_id": str(uuid.uuid4()), "actor_name": "Uma Undoer"}
    return client.post(f"/internal/chunks/{told.id}/{no}/undo", json=body)


def test_undo_when_delivered_ten_times_at_once_happens_once(app: Flask, imports: SignedClient) -> None:
    told = job()
    post(imports, told, 1, frame(*PEOPLE))
    answers = at_once(app, [lambda client: take_back(client, told, 1).get_json()] * 10)
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 9
    assert {answer["removed"] for answer in answers} == {300}
    assert number_of(app, Account) == number_of(app, Contact) == 0
    assert number_of(app, Change) == 300


@pytest.mark.parametrize(("body", "code"), [({}, "invalid"), ({"kind": "ships"}, "unknown_kind")])
def test_undo_when_not_asked_rightly_is_refused_for_good(
    imports: SignedClient, body: dict[str, str], code: str
) -> None:
    told = body and {**body, "actor_id": str(uuid.uuid4()), "actor_name": "Uma"}
    answer = imports.post(f"/internal/chunks/{uuid.uuid4()}/1/undo", json=told)
    assert (answer.status_code, answer.get_json()["code"]) == (422 if code == "invalid" else 404, code)


def test_undo_when_an_import_brings_the_same_rows_at_once_is_before_or_after_it(
    app: Flask, imports: SignedClient
) -> None:
    """Whichever is first, each row has one outcome: untouched by the other, or kept, or brought anew."""
    for _ in range(3):
        with app.app_context(), unit_of_work() as session:
            session.execute(text("TRUNCATE account, contact, change, receipt, undo_receipt, job_fence, outbox"))
        first, later = job(), job()
        for no in range(3):
            post(imports, first, no, frame(*PEOPLE[no * 100 : no * 100 + 100]))
        rows = [{**row, "notes": "later"} for row in PEOPLE[::-1]]
        undos = [lambda client, no=no, told=first: take_back(client, told, no).get_json() for no in range(3)]
        posts = [
            lambda client, no=no, told=later, rows=rows: post(
                client, told, no, frame(*rows[no * 60 : no * 60 + 60])
            ).get_json()
            for no in range(5)
        ]
        answers = at_once(app, [*undos, *posts])
        removed = sum(answer["removed"] for answer in answers[:3])
        kept = sum(answer["kept"] for answer in answers[:3])
        updated = sum(answer["updated"] for answer in answers[3:])
        assert removed + kept == 300
        assert (updated, sum(answer["created"] for answer in answers[3:])) == (kept, removed)
        with app.app_context(), unit_of_work() as session:
            assert session.execute(select(func.count(), func.min(Account.notes), func.max(Account.notes))).one() == (
                300, "later", "later",
            )  # fmt: skip
            check_derived(session)


def test_undo_when_people_edit_the_same_customers_at_once_loses_no_edit(app: Flask, imports: SignedClient) -> None:
    rows = [{"code": row["code"], "name": row["name"]} for row in PEOPLE]
    post(imports, job(), 1, frame(*rows))
    changed = job()
    post(imports, changed, 1, frame(*({**row, "city": "Lyon", "notes": "imported"} for row in rows)))
    with app.app_context(), read_only() as session:
        ids = session.scalars(select(Account.id).order_by(Account.code_key)).all()

    def edit(_: SignedClient) -> None:
        ben = Actor(uuid.uuid4(), "Ben Baker")
        for one in ids[::10]:
            with app.app_context(), unit_of_work() as session:
                edit_account(session, ben, one, {"city": "Oslo"}, None)

    _, answer = at_once(app, [edit, lambda client: take_back(client, changed, 1).get_json()])
    with app.app_context(), unit_of_work() as session:
        cities = dict(session.execute(select(Account.id, Account.city)).all())
        assert {cities[one] for one in ids[::10]} == {"Oslo"}
        assert {city for one, city in cities.items() if one not in ids[::10]} == {None}
        assert session.scalars(select(Account.notes).distinct()).all() == [None]
        check_derived(session)
    assert answer["restored"] + answer["kept"] == 300
    assert answer["kept"] == len(answer["left"]) <= 30


def test_database_when_filled_by_one_chunk_or_by_many_is_the_same(app: Flask, imports: SignedClient) -> None:
    first = [*sample_rows(), *PEOPLE]
    then = [{**row, "notes": "n", "contact_phone": "12345"} for row in PEOPLE[::3]]
    digests = []
    for size in (1000, 7):
        with app.app_context(), unit_of_work() as session:
            session.execute(text("TRUNCATE account, contact, change, receipt, undo_receipt, job_fence, outbox"))
        for rows in (first, then):
            told = job()
            for no, start in enumerate(range(0, len(rows), size)):
                answer = post(imports, told, no, frame(*rows[start : start + size])).get_json()
                assert answer["failed"] == answer["skipped"] == 0
        digests.append(digest(app))
    assert digests[0] == digests[1]
    assert number_of(app, Account) == 303


def test_fence_when_closed_answers_what_was_applied_and_refuses_the_rest(app: Flask, imports: SignedClient) -> None:
    told = job()
    post(imports, told, 1, frame(*PEOPLE[:2]))
    assert imports.post(f"/internal/jobs/{told.id}/fence").get_json() == {"applied": [1]}
    assert imports.post(f"/internal/chunks/{told.id}/1/void").get_json()["answer"]["created"] == 2
    answer = post(imports, told, 2, frame(*PEOPLE[2:4]))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "fence_closed")
    assert post(imports, told, 1, frame(*PEOPLE[:2])).get_json()["repeated"] is True
    assert number_of(app, Account) == 2


def test_chunk_when_void_is_never_applied(app: Flask, imports: SignedClient) -> None:
    told = job()
    assert imports.post(f"/internal/chunks/{told.id}/1/void").get_json() == {"answer": None}
    answer = post(imports, told, 1, frame(*PEOPLE[:2]))
    assert (answer.status_code, answer.get_json()["code"]) == (409, "chunk_checksum_mismatch")
    post(imports, told, 2, frame(*PEOPLE[:2]))
    assert imports.post(f"/internal/chunks/{told.id}/2/void").get_json()["answer"]["created"] == 2
    assert number_of(app, Account) == 2


def test_job_when_finished_has_a_worker_tidy_up_if_it_changed_much(app: Flask, imports: SignedClient) -> None:
    celery = app.extensions["liaison.celery"]
    with celery.connection_for_write() as connection:
        connection.default_channel.queue_purge("customers.events")
    few, many = job(), job()
    rows = [{"code": f"F{number}", "name": f"Name {number}"} for number in range(1200)]
    with app.app_context(), unit_of_work() as session:  # else it may tidy up before
        session.execute(text("ALTER TABLE account SET (autovacuum_enabled = false)"))
    post(imports, few, 1, frame(*rows[:3]))
    post(imports, many, 1, frame(*rows))
    pages = text("SELECT pending_pages FROM pgstatginindex('account_search')")
    with app.app_context(), unit_of_work() as session:
        session.execute(text("CREATE EXTENSION IF NOT EXISTS pgstattuple"))
        assert session.scalar(pages) > 0
    for told, waiting in ((few, 0), (many, 1)):
        assert imports.post(f"/internal/jobs/{told.id}/finish", json={"kind": "customers"}).get_json() == {}
        assert waiting_tasks(celery, ["customers.events"]) == {"customers.events": waiting}
    with app.app_context():
        tidy_up()
    with app.app_context(), read_only() as session:
        assert session.scalar(pages) == 0


def test_chunk_when_it_has_no_rows_is_applied_as_nothing(imports: SignedClient) -> None:
    empty = frame(*PEOPLE[:1]).clear()
    assert isinstance(empty, pl.DataFrame)
    assert counts(post(imports, job(), 1, empty).get_json()) == {}
