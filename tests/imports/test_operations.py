"""What operators see of the queues, and the one request id that goes through (product row X4)."""

import re
import uuid
from datetime import datetime, timedelta

import pytest
from celery import Celery
from sqlalchemy import func, update
from structlog.contextvars import clear_contextvars

from services.imports import tasks
from services.imports.domain import checks, chunks
from services.imports.domain.exports import Wish, create_export
from services.imports.domain.jobs import Viewer
from services.imports.domain.operations import queue_states
from services.imports.domain.undoing import request_undo
from services.imports.domain.unfinished import unfinished_work
from services.imports.domain.writing import begin_writing, rest_writing
from services.imports.models import Chunk, Export, Job
from shared.db import read_only, unit_of_work
from shared.testing import client_as, client_of_service
from shared.worker import waiting_tasks, workers_alive
from tests.imports.conftest import ADA, rows
from tests.imports.seeing import LONG

BEN = Viewer(uuid.UUID("018f0000-0000-7000-8000-00000000be40"), "Ben Baker", sees_all=True)


def measured(client, name, queue="short"):
    found = re.search(rf'imports_{name}\{{queue="{queue}"\}} (.*)', client.get("/internal/metrics").text)
    return float(found[1])


def make_older(seconds):
    with unit_of_work() as session:
        session.execute(update(Chunk).values(due_at=func.now() - timedelta(seconds=seconds)))


def test_metrics_tell_what_waits_and_for_how_long(client, make_job):
    tasks.read_file.run(str(make_job(rows(10), start=True).id))
    make_older(70)
    assert (measured(client, "due_chunks"), measured(client, "due_chunks", "long")) == (1, 0)
    assert 70 <= measured(client, "oldest_due_seconds") < 100
    assert measured(client, "oldest_due_seconds", "long") == 0


def test_leases_that_ran_out_are_counted(client, make_job):
    tasks.read_file.run(str(make_job(rows(10), start=True).id))
    for _ in range(2):
        with unit_of_work() as session:
            assert chunks.claim_chunk(session, "short", timedelta(seconds=-1))
        assert measured(client, "leased_chunks") == 1
        with unit_of_work() as session:
            assert chunks.end_leases(session) == 1
        make_older(1)
    assert measured(client, "expired_leases") == 2


def test_rows_a_second_count_what_was_just_done(client, make_job, run):
    run(make_job(rows(300), start=True))
    assert measured(client, "rows_per_second") == 10
    assert measured(client, "running_jobs") == measured(client, "waiting_jobs") == 0


def test_file_that_nobody_reads_is_what_waits_longest(make_job):
    job = make_job(rows(10), start=True)
    with unit_of_work() as session:
        session.execute(update(Job).where(Job.id == job.id).values(queued_at=func.now() - timedelta(minutes=5)))
    with read_only() as session:
        short, long = queue_states(session)
    assert (short.waiting_jobs, short.due_chunks, long.waiting_jobs) == (1, 0, 0)
    assert 300 <= short.oldest_due_seconds < 330


def make_export(queue="short", *, minutes=0, **values):
    """An export that was asked for so many minutes ago."""
    with unit_of_work() as session:
        export = create_export(session, ADA, Wish("customers"))
        asked = func.now() - timedelta(minutes=minutes)
        session.execute(update(Export).where(Export.id == export.id).values(queue=queue, created_at=asked, **values))
    return export.id


def test_exports_count_beside_imports(client, make_job):
    make_job(rows(10), start=True)
    make_export(minutes=5)
    make_export("long", minutes=2)
    make_export("long", state="completed", finished_at=func.now())
    assert (measured(client, "waiting_jobs"), measured(client, "running_jobs")) == (2, 0)
    assert (measured(client, "waiting_jobs", "long"), measured(client, "running_jobs", "long")) == (1, 0)
    assert 300 <= measured(client, "oldest_due_seconds") < 330
    assert 120 <= measured(client, "oldest_due_seconds", "long") < 150


def test_export_that_is_written_or_rests_waits_for_no_worker(client):
    export_id = make_export(minutes=5)
    with unit_of_work() as session:
        held = begin_writing(session, export_id, timedelta(seconds=30))
    assert (measured(client, "waiting_jobs"), measured(client, "running_jobs")) == (0, 1)
    assert measured(client, "oldest_due_seconds") == 0
    with unit_of_work() as session:
        rest_writing(session, held, "The owner is away.", counts=False)
        session.execute(update(Export).values(resume_at=Export.resume_at + LONG))
    assert (measured(client, "waiting_jobs"), measured(client, "running_jobs")) == (1, 0)
    assert measured(client, "oldest_due_seconds") == 0


def test_export_whose_worker_died_waits_since_its_lease_ended(client):
    make_export(minutes=60, state="running", lease_until=func.now() - timedelta(minutes=2))
    assert 120 <= measured(client, "oldest_due_seconds") < 150


def unfinished(idle=None):
    with read_only() as session:
        return unfinished_work(session, idle or {})


def test_unfinished_work_has_jobs_and_exports_of_everybody_the_oldest_first(make_job, run):
    newer, older = make_job(rows(10), start=True, viewer=BEN), make_job(rows(10))
    with unit_of_work() as session:
        checks.begin_check(session, ADA, older.id)
        session.execute(update(Job).where(Job.id == older.id).values(queued_at=func.now() - timedelta(hours=2)))
    export_id = make_export("long", minutes=60, state="running", rows=25, expected=100)
    make_job(rows(10))  # waits for its person, not for a worker
    run(make_job(rows(10), start=True))
    first, second, third = unfinished()
    assert (first.id, first.what, first.by, first.state) == (older.id, "check", "Ada Admin", "checking")
    assert (third.id, third.what, third.by, third.queue) == (newer.id, "import", "Ben Baker", "short")
    assert (second.id, second.what, second.kind, second.queue) == (export_id, "export", "customers", "long")
    assert (second.done, second.rows, second.percent) == (25, 100, 25.0)
    assert (second.url, third.url) == (f"/imports/exports/{export_id}", f"/imports/{newer.id}")


def test_unfinished_work_ends_with_the_20_that_were_asked_for_first(make_job):
    make_job(rows(10), start=True)
    exports = [make_export(minutes=minute) for minute in range(60, 38, -1)]
    assert [work.id for work in unfinished()] == exports[:20]


def test_undo_is_told_with_who_wants_it_since_when(make_job, run):
    job = run(make_job(rows(10), start=True))
    with unit_of_work() as session:
        request_undo(session, BEN, job.id)
    (work,) = unfinished()
    assert (work.what, work.by, work.state) == ("undo", "Ben Baker", "undoing")
    assert (work.done, work.expected) == (0, 10)


def test_why_work_waits_is_told_in_words(make_job):
    """What it waits for itself comes first, then that no worker takes work; what a worker holds does not wait."""
    (job,) = [make_job(rows(10), start=True)]
    assert [work.waiting for work in unfinished()] == ["Waits for a free worker."]
    assert [work.waiting for work in unfinished({"short": "Nobody is there."})] == ["Nobody is there."]
    assert [work.waiting for work in unfinished({"long": "Nobody is there."})] == ["Waits for a free worker."]
    tasks.read_file.run(str(job.id))
    with unit_of_work() as session:
        claim = chunks.claim_chunk(session, "short", timedelta(seconds=30))
    assert [work.waiting for work in unfinished({"short": "Nobody is there."})] == [None]
    with unit_of_work() as session:
        chunks.wait_for_owner(session, claim, "Waiting for the customers service.")
    assert [work.waiting for work in unfinished({"short": "Nobody is there."})] == [
        "Waiting for the customers service."
    ]


def test_work_of_which_a_worker_died_waits_for_another(make_job):
    make_export(minutes=1, state="running", lease_until=func.now() + timedelta(minutes=1))
    make_export(state="running", lease_until=func.now() - timedelta(seconds=1))
    assert [work.waiting for work in unfinished()] == [None, "Waits for a free worker."]


def test_all_that_is_done_for_a_job_goes_by_the_request_that_started_it(client, make_job, run, owner):
    job = make_job(rows(10))
    assert client.post(f"/api/imports/v1/jobs/{job.id}/start", headers={"X-Request-Id": "trace-me"}).status_code == 202
    clear_contextvars()
    run(job)
    assert set(owner.request_ids) == {"trace-me"}


def test_operations_are_told_to_services_only(app):
    assert client_as(app, "operations.view").get("/internal/operations").status_code == 404


def test_operations_when_no_worker_runs_tell_the_queues(app):
    told = client_of_service(app, "portal").get("/internal/operations").json
    assert [queue["name"] for queue in told["queues"]] == ["short", "long"]
    assert told["broker"]["waiting"].keys() == {"imports.short", "imports.long", "portal.events"}
    assert told["workers"] == []
    assert told["work"] == []


def test_operations_tell_what_waits_and_why_and_who_may_open_it(app, make_job):
    job = make_job(rows(10), start=True)
    with unit_of_work() as session:
        session.execute(update(Job).where(Job.id == job.id).values(kind="users"))
    make_export()
    told = client_of_service(app, "portal").get("/internal/operations").json["work"]
    assert [work["needs"] for work in told] == [["jobs.all", "users.manage"], ["jobs.all"]]
    assert {work["waiting"] for work in told} == {"No worker of the queue imports.short answers."}
    assert datetime.fromisoformat(told[0]["since"]).tzinfo


def test_operations_when_the_broker_is_away_say_that_work_waits_for_it(app, make_job, monkeypatch):
    make_job(rows(10), start=True)
    monkeypatch.setitem(app.extensions, "liaison.celery", Celery(broker="redis://127.0.0.1:1/0", set_as_current=False))
    told = client_of_service(app, "portal").get("/internal/operations").json
    assert told["broker"] == {"answers": False, "waiting": {}}
    assert [work["waiting"] for work in told["work"]] == [
        "Redis does not answer. It goes on by itself once it is back."
    ]


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0"])
def test_broker_that_is_away_is_told_as_such(address):
    celery = Celery(broker=address, set_as_current=False)
    assert waiting_tasks(celery, ["imports.short"]) is None
    assert workers_alive(celery) == []
