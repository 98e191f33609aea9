"""What operators see of the queues, and the one request id that goes through (product row X4)."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, update
from structlog.contextvars import clear_contextvars

from services.imports import tasks
from services.imports.domain import chunks
from services.imports.domain.operations import queue_states
from services.imports.models import Chunk, Job
from shared.db import read_only, unit_of_work
from shared.testing import client_as, client_of_service
from shared.worker import waiting_tasks, workers_alive
from tests.imports.conftest import rows


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


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/0"])
def test_broker_that_is_away_is_told_as_such(address):
    from celery import Celery

    celery = Celery(broker=address, set_as_current=False)
    assert waiting_tasks(celery, ["imports.short"]) is None
    assert workers_alive(celery) == []
