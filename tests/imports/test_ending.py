"""How jobs end: done, cancelled, or given up (product rows I8, I9, I10)."""

from datetime import timedelta

import pytest
from flask import abort
from sqlalchemy import select, text

from services.imports import tasks
from services.imports.domain import chunks, ending, file_reader, jobs, leases, undoing
from services.imports.domain.progress import FINAL
from services.imports.models import Outbox
from services.imports.tasks import reading
from services.imports.tasks.surroundings import owners, storage
from shared.db import read_only, unit_of_work
from tests.imports.conftest import ADA, rows
from tests.imports.seeing import chunk_states, counts, now_due, refusals


def test_the_end_is_told_once(make_job, run):
    job = run(make_job(rows(3), start=True))
    tasks.end_job.run(str(job.id))
    with read_only() as session:
        events = session.execute(select(Outbox)).scalars().all()
    assert [event.name for event in events] == ["imports.job_finished.v1"]
    assert events[0].payload["counts"]["created"] == 3


def test_the_error_file_can_be_corrected_and_imported(make_job, run, app, owner):
    job = run(make_job("code;name\r\n1;A\r\n2;bad\r\n3;C\r\n", start=True))
    assert counts(job) == (3, 2, 0, 0, 0, 1)
    written = app.extensions["liaison.storage"].read(job.error_file).decode()
    assert written.splitlines()[0] == "code;name;_line;_column;_code;_message"
    assert written.splitlines()[1].startswith("2;bad;3;name;invalid;")
    again = run(make_job(written.replace("2;bad;", "2;Good;"), start=True))
    assert counts(again) == (1, 1, 0, 0, 0, 0)
    assert set(owner.things()) == {"1", "2", "3"}


def test_chunk_files_go_and_the_source_stays(make_job, run, app):
    job = run(make_job(rows(3), start=True))
    storage = app.extensions["liaison.storage"]
    assert storage.names(f"imports/{job.id}") == ["source"]


def test_cancelling_takes_the_truth_from_the_owner(make_job, see, owner):
    """Guard: the fence. A chunk whose answer was lost counts as applied; one that comes late is refused."""
    job = make_job(rows(600), start=True, chunk_rows=200)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        lost, late = (chunks.claim_chunk(session, "short", timedelta(seconds=30)) for _ in range(2))
    owners().of("customers").apply(lost, storage().read(lost.path))
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
    late_body = storage().read(late.path)
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, counts(job)) == ("cancelled", (600, 200, 0, 0, 400, 0))
    with pytest.raises(Exception, match="cancelled"):
        owners().of("customers").apply(late, late_body)
    assert len(owner.things()) == 200


def test_cancelling_asks_only_about_chunks_whose_answers_were_lost(make_job, see, owner):
    """Guard: all refusals of a long job at once do not fit into a worker's memory."""
    job = make_job(rows(400) + "".join(f"B{at},bad\n" for at in range(400)), start=True, chunk_rows=200)
    tasks.read_file.run(str(job.id))
    claims = []
    for _ in range(3):
        with unit_of_work() as session:
            claims.append(chunks.claim_chunk(session, "short", timedelta(seconds=30)))
        answer = owners().of("customers").apply(claims[-1], storage().read(claims[-1].path))
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
        chunks.settle_applied(session, job.id, claims[2].no, answer)
    tasks.end_job.run(str(job.id))
    assert owner.asked == [("fence", None), *(("void", one.no) for one in claims[:2]), ("finish", None)]
    job = see(job)
    assert (job.state, counts(job)) == ("cancelled", (800, 400, 0, 0, 200, 200))
    assert len(refusals(job)) == 200


def stop_at_stage(number, job, monkeypatch):
    """Have somebody stop the job just before so many stages of its file are kept."""
    real, calls = reading.add_stage, []

    def stop(*given):
        calls.append(1)
        if len(calls) == number:
            with unit_of_work() as session:
                jobs.request_cancel(session, ADA, job.id)
        real(*given)

    monkeypatch.setattr(reading, "add_stage", stop)


def test_cancelling_while_the_file_is_read_counts_the_rest_as_skipped(make_job, see, monkeypatch):
    job = make_job(rows(1_000) + "X,too,many\n", start=True, chunk_rows=200)
    stop_at_stage(3, job, monkeypatch)
    tasks.read_file.run(str(job.id))
    assert chunk_states(job) == ["due", "due"]
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, counts(job)) == ("cancelled", (1_001, 0, 0, 0, 1_000, 1))


def test_cancelling_waits_for_an_owner_that_is_away(make_job, see, app, owner, monkeypatch):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
    client = app.extensions["imports.owners"].of("customers").client
    with monkeypatch.context() as patch:
        patch.setattr(client.http, "_base_url", client.http.base_url.copy_with(port=1))
        tasks.end_job.run(str(job.id))
    assert see(job).state == "running"
    assert see(job).waiting
    now_due()
    tasks.end_job.run(str(job.id))
    assert see(job).state == "cancelled"


def test_a_cancel_that_comes_when_all_is_done_completes(make_job, see):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run("short")
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
    tasks.end_job.run(str(job.id))
    assert (see(job).state, counts(see(job))) == ("completed", (10, 10, 0, 0, 0, 0))


def test_a_deadline_ends_every_job(make_job, see):
    job = make_job(rows(10), start=True)
    with unit_of_work() as session:
        session.execute(text("UPDATE job SET deadline_at = now() - interval '1 s'"))
    tasks.reconcile.run()
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, job.failure_code, counts(job)) == ("cancelled", "deadline_passed", (10, 0, 0, 0, 10, 0))


def test_an_owner_that_never_comes_back_does_not_keep_a_job_for_ever(make_job, see, app, monkeypatch):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        session.execute(text("UPDATE job SET deadline_at = now() - interval '25 h'"))
    tasks.reconcile.run()
    client = app.extensions["imports.owners"].of("customers").client
    monkeypatch.setattr(client.http, "_base_url", client.http.base_url.copy_with(port=1))
    tasks.end_job.run(str(job.id))
    assert (see(job).state, see(job).failure_code, counts(see(job))) == ("failed", "owner_gone", (10, 0, 0, 0, 10, 0))


def test_a_stop_ends_although_its_file_cannot_be_counted_nor_its_refused_rows_be_written(make_job, see, monkeypatch):
    """Guard: whoever looks for readers that died leaves a job that is stopped to those who end it."""
    job = make_job("code,name\nX,too,many\n" + rows(600).partition("\n")[2], start=True, chunk_rows=200)
    stop_at_stage(2, job, monkeypatch)
    tasks.read_file.run(str(job.id))

    def breaks(*_):
        raise MemoryError

    monkeypatch.setattr(file_reader, "count_rows", breaks)
    monkeypatch.setattr(file_reader, "write_error_file", breaks)
    for _ in range(leases.MOST_ATTEMPTS):
        with pytest.raises(MemoryError):
            tasks.end_job.run(str(job.id))
        assert see(job).waiting == "Bringing it to its end was interrupted. It is tried again by itself."
        now_due()
        tasks.reconcile.run()
    tasks.end_job.run(str(job.id))
    job = see(job)
    assert (job.state, job.failure_code, counts(job)) == ("cancelled", None, (201, 0, 0, 0, 200, 1))


def end_again_and_again(job, see):
    """Try to end a job until it has a final state; return how it waited."""
    waits = []
    while see(job).state not in FINAL:
        assert len(waits) <= ending.MOST_WAITS, "it waits for ever"
        now_due()
        tasks.end_job.run(str(job.id))
        waits.append(see(job).waiting)
    return waits[:-1]


def test_an_owner_that_refuses_to_close_the_fence_does_not_keep_a_job_for_ever(make_job, see, app, owner):
    """Guard: the job says so while it waits, and in the end; what nobody heard of can be taken back."""
    job = make_job("code,name\n1,A\n2,too,many\n3,C\n", start=True)
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        lost = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    owners().of("customers").apply(lost, storage().read(lost.path))
    with unit_of_work() as session:
        jobs.request_cancel(session, ADA, job.id)
    owner.answering = lambda what: abort(403)
    waits = end_again_and_again(job, see)
    assert len(waits) == ending.MOST_WAITS
    assert set(waits) == {
        "Bringing it to its end was refused and is tried again: The customers service refused this (403)."
    }
    job = see(job)
    assert (job.state, job.failure_code, counts(job)) == ("failed", "owner_refused", (3, 0, 0, 0, 2, 1))
    assert job.failure == (
        "Bringing it to its end was refused again and again: The customers service refused this (403)."
        " What was applied last may not be counted here."
    )
    assert b"2;too;many" in storage().read(job.error_file).replace(b",", b";")
    owner.answering = lambda what: None
    with unit_of_work() as session:
        undoing.request_undo(session, ADA, job.id)
    tasks.send_chunks.run("short")
    tasks.end_job.run(str(job.id))
    assert (see(job).state, see(job).removed, owner.things()) == ("undone", 2, {})


def test_an_owner_that_refuses_the_end_leaves_the_counts_and_the_first_reason(make_job, see, owner):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run("short")
    with unit_of_work() as session:
        jobs.fail_job(session, job.id, "chunk_file_lost", "A part of it was lost.")
    owner.answering = lambda what: abort(404) if what == "finish" else None
    end_again_and_again(job, see)
    job = see(job)
    assert (job.state, job.failure_code, counts(job)) == ("failed", "chunk_file_lost", (10, 10, 0, 0, 0, 0))
    assert job.failure == "A part of it was lost."


def test_a_job_that_is_all_done_is_completed_even_if_its_owner_refuses_to_finish(make_job, see, owner):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run("short")
    owner.answering = lambda what: abort(403)
    assert len(end_again_and_again(job, see)) == ending.MOST_WAITS
    assert (see(job).state, see(job).failure_code, counts(see(job))) == ("completed", None, (10, 10, 0, 0, 0, 0))


def test_refusals_are_counted_apart_from_what_a_job_waited_for_before(make_job, see, owner):
    job = make_job(rows(10), start=True)
    tasks.read_file.run(str(job.id))
    tasks.send_chunks.run("short")

    def rest(sentence):
        now_due()
        with unit_of_work() as session:
            held = leases.begin_ending(session, job.id, timedelta(seconds=30))
            leases.rest(session, held, sentence, counts=False)
        return see(job).waits

    for _ in range(ending.MOST_WAITS):
        waits = rest("Waiting for the customers service.")
    assert waits == ending.MOST_WAITS
    assert rest("Bringing it to its end was refused.") == 1


def test_an_undo_whose_end_is_refused_ends_and_can_be_asked_for_again(make_job, run, see, owner):
    job = run(make_job(rows(10), start=True))
    with unit_of_work() as session:
        undoing.request_undo(session, ADA, job.id)
    tasks.send_chunks.run("short")
    owner.answering = lambda what: abort(403)
    assert len(end_again_and_again(job, see)) == ending.MOST_WAITS
    assert (see(job).state, see(job).removed) == ("undone", 10)
    assert see(job).undo_failure.startswith("Bringing it to its end was refused again and again: ")
    owner.answering = lambda what: None
    with unit_of_work() as session:
        undoing.request_undo(session, ADA, job.id)
    tasks.end_job.run(str(job.id))
    assert (see(job).state, see(job).removed, see(job).undo_failure) == ("undone", 10, None)
