"""What goes wrong while a file is checked is told, waited for, or ends the check; nothing is applied (I5, I11)."""

import threading
from datetime import timedelta

import pytest
from flask import abort
from sqlalchemy import func, select, text, update

from services.imports import tasks
from services.imports.domain import chunks, leases
from services.imports.models import Chunk, Job, Refusal
from services.imports.tasks import reading, sending
from shared.db import read_only, unit_of_work
from tests.imports.checking import begin, drop, start, told
from tests.imports.conftest import rows
from tests.imports.seeing import chunk_states, counts, now_due, refusals


def test_an_owner_that_is_away_is_waited_for_while_checking(make_job, see, check, owner):
    job = make_job(rows(10))
    begin(job)
    tasks.read_file.run(str(job.id))
    owner.before = lambda _: abort(503)
    tasks.send_chunks.run("short")
    now = see(job)
    assert (now.state, now.waiting.partition(",")[0]) == ("checking", "Waiting for the customers service")
    owner.before = lambda _: None
    now_due()
    assert told(check(job)) == (10, 10, 0, 0, 0, 0)
    assert see(job).waiting is None


def test_a_worker_that_died_while_checking_is_found(make_job, see, check):
    """Guard: the lease and the reconciler."""
    job = make_job(rows(10))
    begin(job)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        assert chunks.claim_chunk(session, "short", timedelta(seconds=-1)).checks
    tasks.reconcile.run()
    assert chunk_states(job) == ["due"]
    assert told(check(job)) == (10, 10, 0, 0, 0, 0)


def test_a_check_is_picked_up_when_no_message_arrives(make_job, see, app):
    job = make_job(rows(600), chunk_rows=200)
    begin(job)
    work = {
        "imports.read_file": tasks.read_file,
        "imports.send_chunks": tasks.send_chunks,
        "imports.end_job": tasks.end_job,
    }
    sent, steps = app.extensions["liaison.celery"].sent, []
    while see(job).state == "checking":
        assert len(steps) < 10
        sent.clear()
        tasks.reconcile.run()
        name, args = sent[0]
        steps.append(name)
        work[name].run(*args)
    assert (see(job).state, steps) == ("ready", ["imports.read_file", "imports.send_chunks", "imports.end_job"])


def test_a_row_that_stops_the_owner_is_told_and_tried_again_by_the_import(make_job, see, owner, run):
    """The chunk is split without a word to its owner, and nothing of it is void there."""

    def stumble(frame):
        if "T000013" in frame["code"].to_list():
            abort(500)

    job = make_job(rows(40))
    owner.before = stumble
    begin(job)
    tasks.read_file.run(str(job.id))
    for _ in range(60):
        now_due()
        tasks.send_chunks.run("short")
        with read_only() as session:
            poisoned = chunks.poisoned_chunks(session)
        for job_id, no in poisoned:
            tasks.split_chunk.run(str(job_id), no)
        tasks.end_job.run(str(job.id))
        if see(job).state != "checking":
            break
    assert told(see(job)) == (40, 39, 0, 0, 0, 1)
    assert refusals(job) == [(13, 14, chunks.KILLS_WORKER)]
    assert owner.receipts() == 0
    owner.before = lambda _: None
    start(job)
    assert counts(run(job)) == (40, 40, 0, 0, 0, 0)
    assert refusals(job) == []


def test_a_check_that_cannot_be_done_fails_the_job_and_says_that_nothing_was_applied(make_job, see, app, owner):
    job = make_job(rows(600) + "X\n", chunk_rows=200)
    begin(job)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    sending._send(claim, "short")
    with read_only() as session:
        path = session.execute(select(Chunk.path).where(Chunk.no == 1)).scalar_one()
    app.extensions["liaison.storage"].write(path, b"damaged")
    tasks.send_chunks.run("short")
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, job.failure_code) == ("failed", "chunk_file_lost")
    assert counts(job) == (601, 0, 0, 0, 600, 1)
    assert (owner.things(), owner.receipts(), owner.finished) == ({}, 0, [])
    assert app.extensions["liaison.storage"].names(f"imports/{job.id}") == ["source"]


def test_a_check_does_not_go_on_for_ever(make_job, see):
    job = make_job(rows(10))
    begin(job)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        session.execute(text("UPDATE job SET deadline_at = now() - interval '1 s'"))
    tasks.reconcile.run()
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, job.failure_code, counts(job)) == ("cancelled", "deadline_passed", (10, 0, 0, 0, 10, 0))


def test_a_reader_that_dies_again_and_again_fails_the_check(make_job, see, monkeypatch):
    job = make_job(rows(10))
    begin(job)

    def dies(*_):
        raise MemoryError

    monkeypatch.setattr(reading, "add_stage", dies)
    for _ in range(leases.MOST_ATTEMPTS):
        with pytest.raises(MemoryError):
            tasks.read_file.run(str(job.id))
        now_due()
    tasks.reconcile.run()
    tasks.end_job.run(str(job.id))
    assert (see(job).state, see(job).failure_code) == ("failed", "reading_failed")


def test_a_check_that_nobody_goes_on_with_is_swept(make_job, check, see, app):
    job = check(make_job("code,name\n1,A\n2,bad\n"))
    storage = app.extensions["liaison.storage"]
    tasks.sweep_files.run()
    assert (see(job).state, storage.names(f"imports/{job.id}/work")) == ("ready", ["0"])
    with unit_of_work() as session:
        session.execute(update(Job).values(created_at=func.now() - timedelta(days=31)))
    tasks.sweep_files.run()
    assert (see(job).state, refusals(job)) == ("cancelled", [])
    assert "work" not in storage.names(f"imports/{job.id}")


def test_stopping_and_finishing_at_once_leave_one_of_both(make_job, see, app):
    """Whoever holds the job's row first decides; the other finds nothing to do."""
    for _ in range(8):
        job = make_job("code,name\n1,A\n2,bad\n")
        begin(job)
        tasks.read_file.run(str(job.id))
        tasks.send_chunks.run("short")
        together = threading.Barrier(2)

        def work(act, together=together):
            with app.app_context():
                together.wait()
                act()

        acts = (lambda job=job: tasks.end_job.run(str(job.id)), lambda job=job: drop(job))
        threads = [threading.Thread(target=work, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = see(job)
        assert (now.state, now.promise, chunk_states(job), refusals(job)) == ("mapped", None, [], [])


def test_refusals_of_the_reader_stay_when_those_of_the_check_go(make_job, check):
    job = check(make_job("code,name\n1,bad\n2\n"))
    with read_only() as session:
        found = session.execute(select(Refusal.row, Refusal.foretold).order_by(Refusal.row)).all()
    assert found == [(1, True), (2, False)]
    start(job)
    assert [one[0] for one in refusals(job)] == [2]
