"""A file that is checked before its import (product row I5): the same engine, nothing applied, a promise kept."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from services.imports import tasks
from services.imports.domain import checks, chunks, jobs
from services.imports.domain.progress import job_progress
from services.imports.domain.promise import difference
from services.imports.errors import JobChecking, JobEnded, JobStarted, NotMapped
from services.imports.models import Chunk, Job, Outbox
from services.imports.tasks import reading, sending
from shared.db import read_only, unit_of_work
from shared.errors import Stale
from shared.forecast import MOST_ROWS
from tests.imports.checking import FILE, NOTHING, begin, drop, start, told
from tests.imports.conftest import ADA, rows
from tests.imports.seeing import chunk_states, counts, refusals


@pytest.fixture
def untouched(owner, run, make_job):
    """Three things are there; asserts at the end that the owner took nothing more."""
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    before = (owner.things(), owner.receipts(), list(owner.finished))
    yield
    assert (owner.things(), owner.receipts(), owner.finished) == before


def test_a_check_tells_what_would_be_and_applies_nothing(make_job, check, untouched, app):
    job = check(make_job(FILE))
    assert (job.state, counts(job)[1:]) == ("ready", NOTHING)
    assert told(job) == (6, 1, 1, 1, 0, 3)
    assert job.promise["fields"] == [{"field": "name", "rows": 1}]
    sample = job.promise["sample"]
    assert sample["updated"] == [
        {"row": 2, "line": 3, "record": "2", "changes": [{"field": "name", "old": "B", "new": "New"}], "more": 0}
    ]
    assert [(one["row"], one["values"]) for one in sample["created"]] == [
        (3, [{"field": "code", "value": "3"}, {"field": "name", "value": "C"}])
    ]
    assert [(one["row"], one["line"], one["code"]) for one in sample["refused"]] == refusals(job)[:MOST_ROWS]
    assert refusals(job) == [(4, 5, "invalid"), (5, 6, "too_few_cells"), (6, 7, "duplicate_in_file")]
    written = app.extensions["liaison.storage"].read(job.error_file).decode()
    assert written.count("\r\n") == 4
    with read_only() as session:
        assert session.execute(select(func.count()).select_from(Outbox)).scalar_one() == 1  # of the import before
        assert session.execute(select(Chunk).where(Chunk.forecast.is_not(None))).first() is None


def test_an_import_after_a_check_goes_on_from_what_was_read(make_job, check, run, owner, monkeypatch, app):
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    job = check(make_job(FILE))
    promised = (job.promise, refusals(job))
    with monkeypatch.context() as patch:
        patch.setattr(reading, "_stage", lambda *_: pytest.fail("it was read twice"))
        start(job)
        job = run(job)
    assert (job.state, counts(job)) == ("completed_with_errors", (6, 1, 1, 1, 0, 3))
    assert (job.promise, refusals(job)) == promised
    assert difference(job) is None
    assert owner.things() == {"1": ("A", 1), "2": ("New", 2), "3": ("C", 1)}
    assert job.started_at < job.finished_at
    names = app.extensions["liaison.storage"].names(f"imports/{job.id}")
    assert "work" not in names
    assert app.extensions["liaison.storage"].exists(job.error_file)


def test_what_changed_in_between_is_said(make_job, check, run):
    job = check(make_job("code,name\n1,A\n2,B\n3,bad\n"))
    run(make_job("code,name\n2,B\n", start=True))
    start(job)
    job = run(job)
    assert counts(job) == (3, 1, 0, 1, 0, 1)
    assert told(job) == (3, 2, 0, 0, 0, 1)
    assert difference(job) == (
        "The check had told 2 created and 0 unchanged; it became 1 created and 1 unchanged, "
        "probably because records were changed in between."
    )


def test_other_fields_are_said_where_the_counts_are_alike(make_job, check, run, owner):
    """Somebody changed a name back, and another away, in between: as many updates, of other fields."""
    run(make_job("code,name\n1,A\n2,B\n", start=True))
    job = check(make_job("code,name\n1,New\n2,B\n"))
    assert job.promise["fields"] == [{"field": "name", "rows": 1}]
    owner.fields = {"email": 1}
    start(job)
    job = run(job)
    assert counts(job) == told(job)
    assert difference(job) == (
        "The check had told name changed in 1 row and email changed in 0 rows; it became name changed in 0 rows and "
        "email changed in 1 row, probably because records were changed in between."
    )


def test_many_chunks_are_told_together(make_job, check, run, owner):
    run(make_job(rows(300), start=True))
    content = rows(1_000).replace("Thing 2", "Other 2")
    job = check(make_job(content + "X,bad one\n", chunk_rows=100))
    assert len(owner.checked) == 11
    assert told(job) == (1_001, 700, 111, 189, 0, 1)
    assert job.promise["fields"] == [{"field": "name", "rows": 111}]
    assert [one["row"] for one in job.promise["sample"]["created"]] == [301, 302, 303, 304, 305]
    assert [one["row"] for one in job.promise["sample"]["updated"]] == [2, 20, 21, 22, 23]
    start(job)
    assert chunk_states(job) == ["due"] * 11
    assert counts(run(job)) == told(job)


def test_a_file_all_refused_by_the_reader_is_checked_and_ended(make_job, check, run):
    job = check(make_job("code,name\n1\n2\n"))
    assert told(job) == (2, 0, 0, 0, 0, 2)
    start(job)
    assert counts(run(job)) == (2, 0, 0, 0, 0, 2)


def test_a_check_counts_as_nothing_done_until_the_import(make_job, see):
    job = make_job(rows(600), chunk_rows=200)
    begin(job)
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run("short")
    with read_only() as session:
        progress = job_progress(session, see(job))
    assert (progress.step, progress.done, progress.created, progress.final) == ("checking", 600, 600, False)
    tasks.end_job.run(str(job.id))
    with read_only() as session:
        ready = job_progress(session, see(job))
    assert (ready.step, ready.done, ready.created, ready.percent) == ("ready", 600, 0, 100)
    start(job)
    with read_only() as session:
        progress = job_progress(session, see(job))
    assert (progress.step, progress.done, progress.percent) == ("writing", 0, 0)


def test_a_job_that_is_checked_cannot_be_changed_or_started(make_job, see):
    job = make_job(rows(3))
    begin(job)
    with unit_of_work() as session:
        for call in (
            lambda: jobs.change_mapping(session, ADA, job.id, None, options=jobs.Options()),
            lambda: jobs.start_job(session, ADA, job.id),
        ):
            with pytest.raises(JobChecking):
                call()
    assert see(job).state == "checking"


def test_checking_twice_is_one_check_and_a_ready_job_is_checked_anew(make_job, check, run, owner, see):
    job = make_job("code,name\n1,A\n2,bad\n")
    first = begin(job)
    assert begin(job).version == first.version
    assert told(check(job)) == (2, 1, 0, 0, 0, 1)
    run(make_job("code,name\n1,A\n", start=True))
    begin(job)
    assert (see(job).promise, see(job).error_file, refusals(job)) == (None, None, [])
    again = check(job)
    assert told(again) == (2, 0, 0, 1, 0, 1)
    assert refusals(again) == [(2, 3, "invalid")]


def test_starting_twice_is_one_import(make_job, check, run, owner):
    job = check(make_job(rows(3)))
    first = start(job)
    assert start(job).version == first.version
    job = run(job)
    assert counts(job) == (3, 3, 0, 0, 0, 0)
    assert {version for _, version in owner.things().values()} == {1}


def test_what_cannot_be_checked_is_refused(make_job, run, app):
    unmapped = make_job(rows(1))
    with unit_of_work() as session:
        session.execute(update(Job).where(Job.id == unmapped.id).values(state="uploaded", mapping=None))
    with pytest.raises(NotMapped):
        begin(unmapped)
    with pytest.raises(JobStarted):
        begin(make_job(rows(1), start=True))
    with pytest.raises(JobEnded):
        begin(run(make_job(rows(1), start=True)))
    with pytest.raises(Stale), unit_of_work() as session:
        checks.begin_check(session, ADA, make_job(rows(1)).id, 99)


def test_changing_the_matching_throws_the_check_away(make_job, check, run, see, app):
    """Guard: each reading of a file has a folder of its own."""
    job = check(
        make_job("code,name,email\n1,A,x@b.example\n2,bad,y@b.example\n", columns={"code": "code", "name": "name"})
    )
    with unit_of_work() as session:
        mapping = {"columns": {"email": "email", "code": "name"}}
        jobs.change_mapping(session, ADA, job.id, job.version, mapping=mapping, options=jobs.Options(match="email"))
    now = see(job)
    assert (now.state, now.promise, now.error_file, now.rows, now.read_at) == ("mapped", None, None, None, None)
    assert (chunk_states(job), refusals(job)) == ([], [])
    now = check(now)
    assert told(now) == (2, 2, 0, 0, 0, 0)
    storage = app.extensions["liaison.storage"]
    assert storage.names(f"imports/{job.id}/work") == ["0", "1"]
    tasks.sweep_files.run()
    assert storage.names(f"imports/{job.id}/work") == ["1"]
    start(now)
    assert counts(run(now)) == (2, 2, 0, 0, 0, 0)


def test_a_check_that_is_stopped_leaves_a_job_that_can_be_matched(make_job, check, see, monkeypatch):
    job = make_job(rows(1_000) + "X\n", chunk_rows=200)
    real, calls = reading.add_stage, []

    def stop_at_third(*given):
        calls.append(1)
        if len(calls) == 3:
            drop(job)
        real(*given)

    begin(job)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "add_stage", stop_at_third)
        tasks.read_file.run(str(job.id))
    now = see(job)
    assert (now.state, now.lease_token, chunk_states(job)) == ("mapped", None, [])
    assert told(check(now)) == (1_001, 1_000, 0, 0, 0, 1)


def test_an_answer_that_comes_after_the_check_was_stopped_is_lost(make_job, see, owner, check):
    job = make_job("code,name\n1,A\n2,bad\n")
    begin(job)
    tasks.read_file.run(str(job.id))
    owner.after = lambda _: None
    with unit_of_work() as session:
        late = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    drop(job)
    begin(job)
    tasks.read_file.run(str(job.id))
    sending._send(late, "short")
    assert (chunk_states(job), refusals(job)) == (["due"], [])
    assert told(check(job)) == (2, 1, 0, 0, 0, 1)


@pytest.mark.parametrize("when", ["checking", "ready"])
def test_a_cancelled_check_ends_the_job_without_a_trace(make_job, check, see, owner, when):
    job = make_job("code,name\n1,A\n2,bad\n3\n")
    if when == "ready":
        check(job)
    else:
        begin(job)
        tasks.read_file.run(str(job.id))
        tasks.send_chunks.run("short")
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, job.rows, counts(job)[1:], refusals(job)) == ("cancelled", None, NOTHING, [])
    assert (owner.things(), owner.receipts()) == ({}, 0)


def test_cancelling_the_import_after_a_check_takes_the_truth_from_the_owner(make_job, check, see, owner):
    job = check(make_job(rows(600), chunk_rows=200))
    start(job)
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    assert not claim.checks
    sending._send(claim, "short")
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, counts(job)) == ("cancelled", (600, 200, 0, 0, 400, 0))
    assert difference(job) is None
    assert len(owner.things()) == 200
