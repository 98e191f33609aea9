"""An import is taken back by the engine, step by step, on real databases (product row I10)."""

from datetime import timedelta

import pytest
from flask import abort
from sqlalchemy import select, text

from services.imports import tasks
from services.imports.domain import chunks, jobs, undoing
from services.imports.domain.progress import job_progress
from services.imports.models import Chunk, Outbox
from services.imports.tasks.surroundings import owners
from shared.db import read_only, unit_of_work
from tests.imports.conftest import ADA, rows
from tests.imports.seeing import chunk_states, counts, now_due
from tests.imports.undoing import ask, kept, touch, undone, work


def test_an_import_is_taken_back_whole(make_job, run, see, owner):
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    job = run(make_job(rows(600) + "1,New\nX,bad\n", start=True, chunk_rows=200))
    assert ask(job).state == "undoing"
    ended = work(job, see)
    assert (ended.state, undone(ended)) == ("undone", (600, 1, 0, 0))
    assert counts(ended) == counts(job)
    assert ended.finished_at == job.finished_at
    assert owner.things() == {"1": ("A", 3), "2": ("B", 1)}
    assert {name for _, name in owner.undone} == {"Uma Undoer"}
    assert owner.finished[-1] == str(job.id)


def test_what_was_touched_since_stays_and_is_listed(make_job, run, see, owner):
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    job = run(make_job("code,name\n1,New\n2,New\n3,C\n4,D\n", start=True))
    touch(owner, "2", "3")
    ask(job)
    ended = work(job, see)
    assert (ended.state, undone(ended)) == ("partly_undone", (1, 1, 2, 0))
    assert kept(job) == [("2", "name"), ("3", None)]
    assert set(owner.things()) == {"1", "2", "3"}


def test_the_end_is_told_with_who_and_from_where(make_job, run, see):
    job = run(make_job(rows(3), start=True))
    ask(job)
    work(job, see)
    with read_only() as session:
        event = session.execute(select(Outbox).order_by(Outbox.event_id.desc()).limit(1)).scalar_one().payload
    assert (event["what"], event["state"], event["actor_name"], event["ip"]) == (
        "undo", "undone", "Uma Undoer", "203.0.113.9",
    )  # fmt: skip
    assert event["counts"] == {"removed": 3, "restored": 0, "kept": 0, "gone": 0}


def test_chunks_that_did_nothing_are_not_asked_for(make_job, run, see, owner):
    run(make_job(rows(400), start=True))
    job = run(make_job(rows(400) + "Z9,New\n", start=True, chunk_rows=200))
    ask(job)
    work(job, see)
    assert len(owner.undone) == 1


def test_cancelled_and_failed_imports_are_taken_back_too(make_job, see, app, owner):
    job = make_job(rows(600), start=True, chunk_rows=200)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    body = app.extensions["liaison.storage"].read(claim.path)
    owners().of("customers").apply(claim, body)
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
    tasks.end_job.run(str(job.id))
    assert counts(see(job)) == (600, 200, 0, 0, 400, 0)
    ask(job)
    ended = work(job, see)
    assert (ended.state, undone(ended)) == ("undone", (200, 0, 0, 0))
    assert owner.things() == {}


def test_an_owner_that_was_given_up_is_asked_for_all_chunks(make_job, see, app, owner, monkeypatch):
    """A chunk of which nobody heard may have been applied, and one that comes late is refused."""
    job = make_job(rows(400), start=True, chunk_rows=200)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        lost, late = (chunks.claim_chunk(session, "short", timedelta(seconds=30)) for _ in range(2))
    storage = app.extensions["liaison.storage"]
    bodies = [storage.read(one.path) for one in (lost, late)]
    owners().of("customers").apply(lost, bodies[0])
    with unit_of_work() as session:
        session.execute(text("UPDATE job SET deadline_at = now() - interval '25 h'"))
    tasks.reconcile.run()
    client = owners().of("customers").client
    with monkeypatch.context() as patch:
        patch.setattr(client.http, "_base_url", client.http.base_url.copy_with(port=1))
        tasks.end_job.run(str(job.id))
    assert (see(job).failure_code, see(job).created) == ("owner_gone", 0)
    ask(job)
    with unit_of_work() as session:  # the owner is away once more, for longer than is waited
        undoing.stop_undo(session, job.id, "It does not answer.")
    tasks.end_job.run(str(job.id))
    assert (see(job).state, see(job).undo_failure) == ("partly_undone", "It does not answer.")
    ask(job)
    ended = work(job, see)
    assert (ended.state, undone(ended)) == ("undone", (200, 0, 0, 0))
    with pytest.raises(Exception, match="another content"):
        owners().of("customers").apply(late, bodies[1])
    assert owner.things() == {}


# Faults


def test_an_answer_that_was_lost_does_not_undo_twice(make_job, run, see, owner):
    """Guard: the receipt of the undo."""
    run(make_job("code,name\n1,A\n", start=True))
    job = run(make_job("code,name\n1,New\n2,B\n", start=True))
    ask(job)
    owner.after_undo = lambda: abort(500)
    tasks.send_chunks.run("short")
    assert chunk_states(job) == ["due"]
    assert see(job).waiting
    touch(owner, "1")
    owner.after_undo = lambda: None
    ended = work(job, see)
    assert (ended.state, undone(ended)) == ("undone", (1, 1, 0, 0))
    assert owner.things() == {"1": ("By hand", 4)}


def test_an_owner_that_is_away_or_fails_is_waited_for(make_job, run, see, owner):
    job = run(make_job(rows(10), start=True))
    ask(job)
    for status in (503, 500, 500, 500, 500, 500):
        owner.undoing = lambda status=status: abort(status)
        now_due()
        tasks.send_chunks.run("short")
        tasks.reconcile.run()
    assert (see(job).state, chunk_states(job)) == ("undoing", ["due"])
    owner.undoing = lambda: None
    assert work(job, see).state == "undone"


def test_a_worker_that_dies_again_and_again_costs_time_only(make_job, run, see):
    job = run(make_job(rows(10), start=True))
    ask(job)
    for _ in range(chunks.MOST_ATTEMPTS + 2):
        with unit_of_work() as session:
            assert chunks.claim_chunk(session, "short", timedelta(seconds=-1)).undoes
        tasks.reconcile.run()
    with read_only() as session:
        assert chunks.poisoned_chunks(session) == []
        assert session.execute(select(Chunk.expired_leases)).scalar_one() == chunks.MOST_ATTEMPTS + 2
    assert undone(work(job, see)) == (10, 0, 0, 0)


def test_a_worker_that_lost_its_lease_copies_nothing(make_job, run, see, owner):
    job = run(make_job("code,name\n1,A\n2,B\n", start=True))
    touch(owner, "1")
    ask(job)
    with unit_of_work() as session:
        late = chunks.claim_chunk(session, "short", timedelta(seconds=-1))
    answer = owners().of("customers").undo(late)
    tasks.reconcile.run()
    ended = work(job, see)
    with unit_of_work() as session:
        assert undoing.complete_undo(session, late, answer) is False
    assert (undone(ended), kept(job)) == ((1, 0, 1, 0), [("1", None)])


def test_what_was_left_lying_is_picked_up(make_job, run, see, app):
    """Guard: the reconciler. No message arrives at all; only what it says is done."""
    job = run(make_job(rows(600), start=True, chunk_rows=200))
    ask(job)
    sent = app.extensions["liaison.celery"].sent
    work_of = {"imports.send_chunks": tasks.send_chunks, "imports.end_job": tasks.end_job}
    steps = []
    while see(job).state == "undoing":
        assert len(steps) < 10
        sent.clear()
        tasks.reconcile.run()
        name, args = sent[0]
        steps.append(name)
        work_of[name].run(*args)
    assert steps == ["imports.send_chunks", "imports.end_job"]


def test_an_undo_that_is_not_done_within_a_day_ends_and_can_go_on(make_job, run, see, owner):
    job = run(make_job(rows(400), start=True, chunk_rows=200))
    ask(job)
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    with unit_of_work() as session:
        session.execute(text("UPDATE job SET deadline_at = now() - interval '1 s'"))
    tasks.reconcile.run()
    tasks.end_job.run(str(job.id))
    assert see(job).state == "undoing", "it ends when nobody is at work for it any more"
    answer = owners().of("customers").undo(claim)
    with unit_of_work() as session:
        undoing.complete_undo(session, claim, answer)
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, undone(job), job.undo_failure) == (
        "partly_undone", (200, 0, 0, 0), "Not all of it could be taken back within a day.",
    )  # fmt: skip
    assert chunk_states(job) == ["done", "done"]
    ask(job)
    ended = work(job, see)
    assert (ended.state, undone(ended), ended.undo_failure) == ("undone", (400, 0, 0, 0), None)
    assert owner.things() == {}


def test_an_owner_that_refuses_for_good_ends_it(make_job, run, see, owner):
    job = run(make_job(rows(10), start=True))
    ask(job)
    owner.undoing = lambda: abort(404)
    ended = work(job, see)
    assert (ended.state, undone(ended)) == ("partly_undone", (0, 0, 0, 0))
    assert ended.undo_failure


def test_progress_goes_on_the_same_bar(make_job, run, see):
    job = run(make_job(rows(600) + "X,bad\n", start=True, chunk_rows=200))
    ask(job)
    with read_only() as session:
        begun = job_progress(session, see(job))
    assert (begun.step, begun.done, begun.expected, begun.final) == ("undoing", 0, 600, False)
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    answer = owners().of("customers").undo(claim)
    with unit_of_work() as session:
        undoing.complete_undo(session, claim, answer)
    with read_only() as session:
        now = job_progress(session, see(job))
    assert (now.done, now.removed, now.created) == (claim.rows, claim.rows, 600)
    assert 0 < now.percent < 100
    with read_only() as session:
        ended = job_progress(session, work(job, see))
    assert (ended.final, ended.percent, ended.removed) == (True, 100.0, 600)


# When it may not be
