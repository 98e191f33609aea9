"""Leases, counts and splits of chunks: the promises of the engine, one by one (design 6)."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, update

from services.imports.domain import chunks
from services.imports.models import Chunk, Job, Refusal
from shared.db import read_only, unit_of_work
from tests.imports.seeing import LONG

LEASE = timedelta(seconds=30)
ANSWER = {"created": 7, "updated": 1, "unchanged": 1, "skipped": 0, "failed": 1}
REFUSED = [{"row": 3, "line": 4, "column": "name", "code": "invalid", "message": "Not a name."}]


@pytest.fixture
def make_running(make_job):
    """make_running(chunks=3) -> a job whose file is read, with chunks of ten rows that are due."""

    def make(chunk_count=3, **job):
        made = make_job("code,name\n1,A\n", start=True)
        with unit_of_work() as session:
            session.execute(update(Job).where(Job.id == made.id).values(state="running", **job))
            session.add_all(
                Chunk(job_id=made.id, no=no, rows=10, path=f"{no}", checksum="x") for no in range(chunk_count)
            )
        return made

    return make


def claim(queue="short", lease=LEASE):
    with unit_of_work() as session:
        return chunks.claim_chunk(session, queue, lease)


def chunk_of(job, no):
    with read_only() as session:
        return session.get_one(Chunk, (job.id, no))


def test_chunks_are_claimed_in_order_until_the_window_is_full(make_running):
    make_running(chunks.WINDOW + 2)
    taken = [claim() for _ in range(chunks.WINDOW)]
    assert [one.no for one in taken] == list(range(chunks.WINDOW))
    assert claim() is None


def test_only_chunks_of_the_queue_are_claimed(make_running):
    make_running(1, queue="long")
    assert claim("short") is None
    assert claim("long") is not None


def test_a_new_job_is_not_stuck_behind_one_with_many_chunks(make_running):
    first = make_running(4)
    claim()
    second = make_running(2)
    assert [claim().job_id for _ in range(3)] == [second.id, first.id, second.id]


@pytest.mark.parametrize(
    "hindrance",
    ["cancel_requested_at = now()", "resume_at = now() + interval '5 s'", "state = 'queued'"],
)
def test_a_job_that_must_rest_gives_no_chunks(make_running, hindrance):
    make_running(1)
    with unit_of_work() as session:
        session.execute(text(f"UPDATE job SET {hindrance}"))
    assert claim() is None


def test_counts_are_copied_and_refusals_kept_once(make_running):
    job = make_running(1)
    one = claim()
    for expected in (True, False):
        with unit_of_work() as session:
            assert chunks.complete_chunk(session, one, {**ANSWER, "refusals": REFUSED}) is expected
    done = chunk_of(job, 0)
    assert (done.state, done.created, done.updated, done.failed) == ("done", 7, 1, 1)
    with read_only() as session:
        assert len(session.execute(select(Refusal)).all()) == 1


def test_a_worker_whose_lease_passed_on_writes_nothing(make_running):
    """Guard: the lease token."""
    job = make_running(1)
    late = claim(lease=timedelta(seconds=-1))
    with unit_of_work() as session:
        assert chunks.end_leases(session) == 1
    now = claim()
    assert now.no == late.no
    with unit_of_work() as session:
        assert chunks.complete_chunk(session, late, {**ANSWER, "refusals": REFUSED}) is False
        chunks.give_back(session, late, "late")
        assert not chunks.holds(session, late)
    assert chunk_of(job, 0).state == "leased"
    with unit_of_work() as session:
        assert chunks.complete_chunk(session, now, {**ANSWER, "refusals": []})


def test_a_lease_that_holds_is_left_alone(make_running):
    make_running(1)
    claim()
    with unit_of_work() as session:
        assert chunks.end_leases(session) == 0


def test_an_owner_that_miscounts_does_not_hang_the_job(make_running):
    job = make_running(2)
    for answer in ({**ANSWER, "created": 2}, {**ANSWER, "created": 99}):
        one = claim()
        with unit_of_work() as session:
            chunks.complete_chunk(session, one, {**answer, "refusals": []})
    few, many = chunk_of(job, 0), chunk_of(job, 1)
    assert (few.created, few.skipped) == (2, 5)
    assert (many.created, many.failed) == (10, 0)


def test_a_chunk_given_back_waits_longer_each_time(make_running):
    job, before = make_running(1), datetime.now(UTC)
    with unit_of_work() as session:
        chunks.give_back(session, chunks.claim_chunk(session, "short", LEASE), "500")
    assert chunk_of(job, 0).due_at >= before + timedelta(seconds=1)
    with unit_of_work() as session:
        session.execute(update(Chunk).values(due_at=Chunk.due_at + LONG))
    assert claim() is None
    chunk = chunk_of(job, 0)
    assert (chunk.state, chunk.attempts, chunk.last_error) == ("due", 1, "500")


def test_an_owner_that_is_away_costs_no_attempt(make_running, see):
    job = make_running(2)
    one = claim()
    with unit_of_work() as session:
        chunks.wait_for_owner(session, one, "Waiting for things.")
    assert chunk_of(job, 0).attempts == 0
    assert see(job).waiting == "Waiting for things."
    with unit_of_work() as session:
        session.execute(update(Job).values(resume_at=Job.resume_at + LONG))
    assert claim() is None
    with unit_of_work() as session:
        session.execute(update(Job).values(resume_at=None))
    one = claim()
    with unit_of_work() as session:
        chunks.complete_chunk(session, one, {**ANSWER, "refusals": []})
    assert see(job).waiting is None


def test_who_lost_a_chunk_lets_no_job_wait(make_running, see):
    job = make_running(1)
    late = claim()
    with unit_of_work() as session:
        session.execute(update(Chunk).values(lease_until=func.now() - timedelta(seconds=1)))
        chunks.end_leases(session)
    assert claim() is not None
    with unit_of_work() as session:
        chunks.wait_for_owner(session, late, "Waiting for things.")
    assert (see(job).waiting, see(job).resume_at, chunk_of(job, 0).state) == (None, None, "leased")


def test_pauses_grow_but_not_beyond_half_a_minute(make_running, see):
    job = make_running(1)
    pauses = []
    for _ in range(7):
        one = claim()
        with unit_of_work() as session:
            chunks.wait_for_owner(session, one, "Waiting.")
            pauses.append(session.execute(select(Job.resume_at - text("now()")).where(Job.id == job.id)).scalar_one())
            session.execute(update(Job).values(resume_at=None))
    assert [pause.seconds for pause in pauses] == [1, 2, 4, 8, 16, 30, 30]


def poison(job, no):
    with unit_of_work() as session:
        session.execute(
            update(Chunk).where(Chunk.job_id == job.id, Chunk.no == no).values(attempts=chunks.MOST_ATTEMPTS)
        )
    with read_only() as session:
        return chunks.get_poisoned(session, job.id, no)


def test_a_poisoned_chunk_is_not_claimed_but_split_once(make_running):
    job = make_running(1)
    one = poison(job, 0)
    assert claim() is None
    with read_only() as session:
        assert chunks.poisoned_chunks(session) == [(job.id, 0)]
    halves = [chunks.Half(5, "a", "y"), chunks.Half(5, "b", "z")]
    for _ in range(2):
        with unit_of_work() as session:
            chunks.split_chunk(session, one, halves)
    with read_only() as session:
        found = session.execute(select(Chunk.no, Chunk.parent_no, Chunk.rows, Chunk.state).order_by(Chunk.no)).all()
    first = chunks.FIRST_HALF
    assert found == [(0, None, 10, "void"), (first, 0, 5, "due"), (first + 1, 0, 5, "due")]
    assert claim().no == first


def test_a_row_that_stands_alone_is_tried_again_before_it_is_refused(make_running):
    job = make_running(1)
    with unit_of_work() as session:
        chunks.split_chunk(session, poison(job, 0), [chunks.Half(1, "a", "y"), chunks.Half(9, "b", "z")])
    assert chunk_of(job, chunks.FIRST_HALF).attempts == 0
    assert chunk_of(job, chunks.FIRST_HALF + 1).attempts == chunks.MOST_ATTEMPTS - 1


def test_the_last_row_of_a_split_chunk_is_refused_by_name(make_running):
    job = make_running(1)
    with unit_of_work() as session:
        session.execute(update(Chunk).values(rows=1))
    with unit_of_work() as session:
        chunks.refuse_rest(session, poison(job, 0), [(4, 5)])
    with read_only() as session:
        refusal = session.execute(select(Refusal)).scalar_one()
    assert (refusal.row, refusal.line, refusal.code) == (4, 5, chunks.KILLS_WORKER)
    assert chunk_of(job, 0).state == "failed"


def test_no_chunk_is_claimed_twice_by_ten_at_once(make_running, app):
    from concurrent.futures import ThreadPoolExecutor

    make_running(4)

    def grab(_):
        with app.app_context():
            return claim()

    with ThreadPoolExecutor(8) as pool:
        found = [one for one in pool.map(grab, range(10)) if one]
    assert len(found) == len({one.no for one in found}) == chunks.WINDOW
    assert len({one.token for one in found}) == chunks.WINDOW


def test_due_chunks_are_those_that_a_worker_could_send(make_running):
    job = make_running(3)
    poison(job, 2)
    claim()
    with read_only() as session:
        assert chunks.due_chunks(session, "short") == 1
        assert chunks.due_chunks(session, "long") == 0


def test_an_unknown_chunk_is_not_poisoned(app):
    with read_only() as session:
        assert chunks.get_poisoned(session, uuid.uuid4(), 0) is None


def test_a_job_that_was_stopped_since_it_was_chosen_gives_no_chunk(make_running, monkeypatch):
    """Guard: what is to be done is read again under the lock."""
    job = make_running()
    with unit_of_work() as session:
        session.execute(update(Job).where(Job.id == job.id).values(cancel_requested_at=func.now()))
    monkeypatch.setattr(chunks, "_next_job", lambda queue: select(Job.id).where(Job.id == job.id))
    assert claim() is None
