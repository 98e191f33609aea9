"""A job from its file to its end, step by step, on real databases (product rows I6, I8, I9, I10, I11)."""

import errno
import hashlib
import io
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import polars as pl
import pytest
from flask import abort
from sqlalchemy import func, select, update

from services.imports import tasks
from services.imports.domain import chunks, leases
from services.imports.domain.reconciling import reconcile
from services.imports.domain.staging import chunk_file
from services.imports.errors import FileRefused
from services.imports.models import Chunk, Job
from services.imports.tasks import reading
from shared.db import read_only, unit_of_work
from shared.http import ServiceUnavailable
from tests.imports.conftest import rows
from tests.imports.seeing import LONG, chunk_states, counts, now_due, refusals


def test_every_row_is_accounted_for(make_job, run, owner):
    job = run(make_job(rows(1_000) + "T000001,Again\nX,bad one\nY\n", start=True, chunk_rows=200))
    assert job.state == "completed_with_errors"
    assert counts(job) == (1_003, 1_000, 0, 0, 0, 3)
    assert len(owner.things()) == 1_000
    assert refusals(job) == [
        (1_001, 1_002, "duplicate_in_file"),
        (1_002, 1_003, "invalid"),
        (1_003, 1_004, "too_few_cells"),
    ]
    assert owner.finished == [str(job.id)]


def test_a_key_that_comes_again_is_found_among_cells_of_several_lines(make_job, run):
    job = run(make_job(rows(3_000).replace("Thing 1\n", '"Thing\n1"\n') + "T000002,B\nT000003,C\n", start=True))
    assert counts(job) == (3_002, 3_000, 0, 0, 0, 2)
    assert refusals(job) == [(3_001, 3_003, "duplicate_in_file"), (3_002, 3_004, "duplicate_in_file")]


def test_the_same_file_again_changes_nothing(make_job, run):
    run(make_job(rows(50), start=True))
    again = run(make_job(rows(50), start=True))
    assert again.state == "completed"
    assert counts(again) == (50, 0, 0, 50, 0, 0)


@pytest.mark.parametrize(("mode", "expected"), [("create", (3, 1, 0, 0, 2, 0)), ("update", (3, 0, 1, 1, 1, 0))])
def test_modes_reach_the_owner(make_job, run, mode, expected):
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    job = run(make_job("code,name\n1,A\n2,New\n3,C\n", start=True, mode=mode))
    assert counts(job) == expected


def test_a_reader_that_died_leaves_the_same_chunks(make_job, run, see, app, monkeypatch, owner):
    """Guard: deterministic staging, and chunks that are there already stay."""
    content = rows(900) + "".join(f"T{at:06d},Twice\n" for at in range(1, 900, 7)) + rows(300, 2_000).partition("\n")[2]
    whole = run(make_job(content, start=True, chunk_rows=100))
    expected = (counts(whole), refusals(whole), owner.things())
    owner.reset()

    job = make_job(content, start=True, chunk_rows=100)
    real, calls = reading.add_stage, []

    def dies(*given):
        calls.append(1)
        if len(calls) == 5:
            raise MemoryError
        real(*given)

    monkeypatch.setattr(reading, "add_stage", dies)
    with pytest.raises(MemoryError):
        tasks.read_file.run(str(job.id))
    assert see(job).waiting
    assert len(chunk_states(job)) == 4
    tasks.send_chunks.run("short")
    now_due()
    again = run(job)
    assert (counts(again), refusals(again), owner.things()) == expected


def test_two_readers_never_read_at_once(make_job, see):
    job = make_job(rows(10), start=True)
    with unit_of_work() as session:
        held = leases.begin_reading(session, job.id, timedelta(seconds=30))
        assert leases.begin_reading(session, job.id, timedelta(seconds=30)) is None
    tasks.read_file.run(str(job.id))
    assert chunk_states(job) == []
    with unit_of_work() as session:
        session.execute(update(Job).values(lease_until=func.now() - timedelta(seconds=1)))
        assert leases.begin_reading(session, job.id, timedelta(seconds=30)).token != held.token
        with pytest.raises(leases.LeaseLost):
            leases.hold_lease(session, held)


def test_a_reader_that_dies_again_and_again_fails_the_job(make_job, see, monkeypatch):
    job = make_job(rows(10), start=True)

    def dies(*_):
        raise MemoryError

    monkeypatch.setattr("services.imports.tasks.reading.add_stage", dies)
    for _ in range(leases.MOST_ATTEMPTS):
        with pytest.raises(MemoryError):
            tasks.read_file.run(str(job.id))
        now_due()
    tasks.reconcile.run()
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, job.failure_code, counts(job)) == ("failed", "reading_failed", (10, 0, 0, 0, 10, 0))


@pytest.mark.parametrize("trouble", [FileRefused("file_empty", "It is gone."), MemoryError()])
def test_a_reader_that_lost_its_lease_neither_fails_the_job_nor_lets_it_wait(make_job, see, monkeypatch, trouble):
    job = make_job(rows(10), start=True)
    other = uuid.uuid4()

    def is_late(*_):
        with unit_of_work() as session:
            session.execute(update(Job).values(lease_token=other))
        raise trouble

    monkeypatch.setattr(reading, "add_stage", is_late)
    with suppress(MemoryError):
        tasks.read_file.run(str(job.id))
    job = see(job)
    assert (job.state, job.failure_code, job.cancel_requested_at, job.waiting) == ("running", None, None, None)
    assert (job.lease_token, job.attempts) == (other, 1)


def test_an_owner_that_is_away_is_waited_for(make_job, run, see, owner):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    owner.before = lambda frame: abort(503)
    tasks.send_chunks.run("short")
    now = see(job)
    assert now.state == "running"
    assert now.waiting.startswith("Waiting for the customers service")
    owner.before = lambda frame: None
    now_due()
    assert counts(run(job)) == (10, 10, 0, 0, 0, 0)


def test_who_is_away_behind_the_owner_is_told_by_name(make_job, see, owner):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))

    def asks_in_vain(_):
        raise ServiceUnavailable("associates", "ConnectError")

    owner.before = asks_in_vain
    tasks.send_chunks.run("short")
    assert see(job).waiting.startswith("Waiting for the associates service, which does not answer just now.")


def test_an_owner_that_is_away_for_long_costs_neither_the_job_nor_its_error_file(make_job, run, see, app, monkeypatch):
    job = make_job("code,name\n1,A\n2,bad\n", start=True)
    client = app.extensions["imports.owners"].of("customers")
    away = client.client.http.base_url.copy_with(port=1)
    with monkeypatch.context() as patch:
        patch.setattr(client.client.http, "_base_url", away)
        patch.setattr(client, "_target", None)
        for _ in range(leases.MOST_ATTEMPTS + 2):
            tasks.read_file.run(str(job.id))
            now_due()
            tasks.reconcile.run()
    assert see(job).waiting
    tasks.read_file.run(str(job.id))
    assert see(job).waiting is None
    tasks.send_chunks.run("short")
    with monkeypatch.context() as patch:
        patch.setattr(client.client.http, "_base_url", away)
        for _ in range(leases.MOST_ATTEMPTS + 2):
            tasks.end_job.run(str(job.id))
            now_due()
    ended = run(job)
    assert (ended.state, counts(ended)) == ("completed_with_errors", (2, 1, 0, 0, 0, 1))
    assert ended.error_file
    assert len(app.extensions["liaison.storage"].names(f"imports/{job.id}")) == 2


def test_an_answer_that_was_lost_does_not_apply_twice(make_job, run, owner):
    """Guard: the receipt."""
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    job = make_job("code,name\n1,New\n2,B\n3,C\n", start=True)
    owner.after = lambda frame: abort(500)
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run("short")
    assert chunk_states(job) == ["due"]
    owner.after = lambda frame: None
    now_due()
    assert counts(run(job)) == (3, 1, 1, 1, 0, 0)
    assert owner.things()["1"] == ("New", 2)


def test_the_same_chunk_ten_times_at_once_is_applied_once(make_job, run, owner, app):
    """Guard: the receipt, under a race."""
    job = make_job(rows(50), start=True)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    body = app.extensions["liaison.storage"].read(claim.path)
    the_owner = app.extensions["imports.owners"].of("customers")
    start = threading.Barrier(10)

    def post(_):
        start.wait()
        with app.app_context():
            return the_owner.apply(claim, body)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(post, range(10)))
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 9
    assert {answer["created"] for answer in answers} == {50}
    assert {version for _, version in owner.things().values()} == {1}


def test_a_damaged_chunk_is_never_sent(make_job, run, app, owner):
    """Guard: the checksum, here."""
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    with read_only() as session:
        path = session.execute(select(Chunk.path)).scalar_one()
    app.extensions["liaison.storage"].write(path, b"something else")
    job = run(job)
    assert (job.state, job.failure_code, counts(job)) == ("failed", "chunk_file_lost", (10, 0, 0, 0, 10, 0))
    assert owner.things() == {}


def test_another_content_under_a_number_is_refused_by_the_owner(make_job, run, app, owner):
    """Guard: the checksum, there."""
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    app.extensions["imports.owners"].of("customers").apply(claim, app.extensions["liaison.storage"].read(claim.path))
    with unit_of_work() as session:
        session.execute(update(Chunk).values(state="due", lease_token=None, lease_until=None))
    frame = pl.read_ipc(io.BytesIO(app.extensions["liaison.storage"].read(claim.path)))
    body = chunk_file(frame.reverse())
    with unit_of_work() as session:
        session.execute(update(Chunk).values(checksum=hashlib.sha256(body).hexdigest()))
    app.extensions["liaison.storage"].write(claim.path, body)
    job = run(job)
    assert (job.state, job.failure_code) == ("failed", "chunk_checksum_mismatch")
    assert counts(job) == (10, 10, 0, 0, 0, 0)


def test_a_row_that_stops_the_owner_is_found_and_refused_alone(make_job, see, owner):
    """A chunk that fails again and again is split until the row stands alone; all other rows go in."""

    def stumble(frame):
        if "T000013" in frame["code"].to_list():
            abort(500)

    job = make_job(rows(40), start=True)
    owner.before = stumble
    tasks.read_file.run(str(job.id))
    for _ in range(60):
        now_due()
        tasks.send_chunks.run("short")
        with read_only() as session:
            poisoned = chunks.poisoned_chunks(session)
        for job_id, no in poisoned:
            tasks.split_chunk.run(str(job_id), no)
        tasks.end_job.run(str(job.id))
        if see(job).state not in ("queued", "running"):
            break
    job = see(job)
    assert (job.state, counts(job)) == ("completed_with_errors", (40, 39, 0, 0, 0, 1))
    assert refusals(job) == [(13, 14, chunks.KILLS_WORKER)]


def test_a_chunk_that_was_applied_after_all_is_not_split(make_job, see, owner):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    owner.after = lambda frame: abort(500)
    for _ in range(chunks.MOST_ATTEMPTS):
        now_due()
        tasks.send_chunks.run("short")
    tasks.split_chunk.run(str(job.id), 0)
    assert chunk_states(job) == ["done"]
    tasks.end_job.run(str(job.id))
    assert counts(see(job)) == (10, 10, 0, 0, 0, 0)


@pytest.fixture
def poisoned(make_job):
    """A job with one chunk, which must be split."""
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        session.execute(update(Chunk).values(attempts=chunks.MOST_ATTEMPTS))
    return job


@pytest.mark.parametrize(
    "harm", [lambda storage, path: storage.delete(path), lambda storage, path: storage.write(path, b"?")]
)
def test_a_chunk_to_split_whose_file_was_lost_stops_the_job(poisoned, run, app, harm):
    with read_only() as session:
        harm(app.extensions["liaison.storage"], session.get_one(Chunk, (poisoned.id, 0)).path)
    tasks.split_chunk.run(str(poisoned.id), 0)
    job = run(poisoned)
    assert (job.state, job.failure_code, counts(job)) == ("failed", "chunk_file_lost", (10, 0, 0, 0, 10, 0))
    assert "Import the file again." in job.failure


def test_a_chunk_to_split_waits_for_room_in_the_store_and_says_so(poisoned, see, app, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(app.extensions["liaison.storage"], "write", lambda *_: _no_room())
        tasks.split_chunk.run(str(poisoned.id), 0)
    assert see(poisoned).waiting.startswith("There is no room left in the file store.")
    with unit_of_work() as session:
        session.execute(update(Job).values(resume_at=Job.resume_at + LONG))
        assert chunks.poisoned_chunks(session) == []  # not before the job has rested
    now_due()
    tasks.split_chunk.run(str(poisoned.id), 0)
    assert chunk_states(poisoned) == ["void", "due", "due"]


def _no_room():
    raise OSError(errno.ENOSPC, "no room")


def test_a_chunk_to_split_whose_owner_refuses_that_stops_the_job(poisoned, run, owner):
    owner.answering = lambda what: abort(403) if what == "void" else None
    tasks.split_chunk.run(str(poisoned.id), 0)
    job = run(poisoned)
    assert (job.state, job.failure, counts(job)) == (
        "failed",
        "The customers service refused this (403).",
        (10, 0, 0, 0, 10, 0),
    )


def test_a_chunk_to_split_whose_owner_fails_is_waited_for(poisoned, see, owner):
    owner.answering = lambda what: abort(500)
    tasks.split_chunk.run(str(poisoned.id), 0)
    assert "customers service, which does not answer" in see(poisoned).waiting
    assert chunk_states(poisoned) == ["due"]


def test_what_was_left_lying_is_picked_up(make_job, see, app):
    """Guard: the reconciler. No message arrives at all; only what it says is done."""
    job = make_job(rows(600), start=True, chunk_rows=200)
    sent = app.extensions["liaison.celery"].sent
    work = {
        "imports.read_file": tasks.read_file,
        "imports.send_chunks": tasks.send_chunks,
        "imports.end_job": tasks.end_job,
    }
    steps = []
    while see(job).state in ("queued", "running"):
        assert len(steps) < 10
        sent.clear()
        tasks.reconcile.run()
        name, args = sent[0]
        steps.append(name)
        work[name].run(*args)
    assert steps == ["imports.read_file", "imports.send_chunks", "imports.end_job"]
    assert see(job).state == "completed"


def test_a_worker_that_died_with_a_chunk_is_found(make_job, run, see):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        chunks.claim_chunk(session, "short", timedelta(seconds=-1))
    tasks.send_chunks.run("short")
    assert chunk_states(job) == ["leased"]
    tasks.reconcile.run()
    assert chunk_states(job) == ["due"]
    assert counts(run(job)) == (10, 10, 0, 0, 0, 0)


def test_two_reconcilers_never_work_at_once(app):
    with unit_of_work() as one, unit_of_work() as other:
        assert reconcile(one) is not None
        assert reconcile(other) is None
