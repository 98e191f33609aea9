"""The bulk protocol: a chunk is applied once, or never."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shared import bulk
from shared.bulk import ChecksumMismatch, ChunkResult, FenceClosed, FenceTable, ReceiptTable, Refusal
from shared.db import metadata

LONG = 20


class Base(DeclarativeBase):
    metadata = metadata()


class Fence(FenceTable, Base):
    pass


class Receipt(ReceiptTable, Base):
    pass


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID]


@pytest.fixture(scope="module")
def engine(scratch_url: str) -> Iterator[Engine]:
    engine = create_engine(scratch_url, pool_size=12)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def job() -> uuid.UUID:
    return uuid.uuid4()


def add_things(job: uuid.UUID, count: int = 3) -> Callable[[Session], ChunkResult]:
    def apply(session: Session) -> ChunkResult:
        session.add_all(Thing(job_id=job) for _ in range(count))
        session.flush()
        refusals = [Refusal(9, 10, "name", "invalid", "Name: Needed.")]
        return ChunkResult(created=count, failed=1, refusals=refusals, created_ids=b"x" * 16)

    return apply


def send(engine: Engine, job: uuid.UUID, no: int = 1, checksum: str = "a", count: int = 3) -> dict[str, object]:
    with Session(engine) as session, session.begin():
        return bulk.apply_chunk(session, Fence, Receipt, job, no, checksum, add_things(job, count))


def count_things(engine: Engine, job: uuid.UUID) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).where(Thing.job_id == job)) or 0


def test_chunk_when_it_comes_again_answers_what_became_of_it(engine: Engine, job: uuid.UUID) -> None:
    first, again = send(engine, job), send(engine, job)
    assert first == {**again, "repeated": False}
    assert again["repeated"] is True
    assert again["refusals"] == [
        {"row": 9, "line": 10, "column": "name", "code": "invalid", "message": "Name: Needed."}
    ]
    assert count_things(engine, job) == 3


def test_chunk_when_delivered_ten_times_at_once_is_applied_once(engine: Engine, job: uuid.UUID) -> None:
    start = threading.Barrier(10)

    def deliver(_: int) -> dict[str, object]:
        start.wait(LONG)
        return send(engine, job)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(deliver, range(10)))
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 9
    assert {answer["created"] for answer in answers} == {3}
    assert count_things(engine, job) == 3


def test_chunk_when_its_first_delivery_rolls_back_is_applied_by_the_next(engine: Engine, job: uuid.UUID) -> None:
    with Session(engine) as session:
        bulk.apply_chunk(session, Fence, Receipt, job, 1, "a", add_things(job))
        session.rollback()
    assert count_things(engine, job) == 0
    assert send(engine, job)["repeated"] is False


def test_chunk_when_another_content_has_its_number_is_refused(engine: Engine, job: uuid.UUID) -> None:
    send(engine, job, checksum="a")
    with pytest.raises(ChecksumMismatch):
        send(engine, job, checksum="b")
    assert count_things(engine, job) == 3


def test_fence_when_closed_lets_no_chunk_in_but_answers_for_applied_ones(engine: Engine, job: uuid.UUID) -> None:
    send(engine, job, 1)
    with Session(engine) as session, session.begin():
        applied = bulk.close_fence(session, Fence, Receipt, job)
    assert applied == [1]
    with pytest.raises(FenceClosed):
        send(engine, job, 2)
    assert send(engine, job, 1)["repeated"] is True
    assert count_things(engine, job) == 3


def test_fence_when_a_chunk_is_at_work_waits_for_it(engine: Engine, job: uuid.UUID) -> None:
    applying, finish, closed = threading.Event(), threading.Event(), threading.Event()

    def slow(session: Session) -> ChunkResult:
        result = add_things(job)(session)
        applying.set()
        assert finish.wait(LONG)
        return result

    def apply() -> None:
        with Session(engine) as session, session.begin():
            bulk.apply_chunk(session, Fence, Receipt, job, 1, "a", slow)

    def close() -> list[int]:
        with Session(engine) as session, session.begin():
            applied = bulk.close_fence(session, Fence, Receipt, job)
        closed.set()
        return applied

    with Session(engine) as session, session.begin():
        bulk.open_fence(session, Fence, job)
    with ThreadPoolExecutor(2) as pool:
        applied = pool.submit(apply)
        assert applying.wait(LONG)
        truth = pool.submit(close)
        waiting_for_lock(engine)
        assert not closed.is_set()
        finish.set()
        applied.result(LONG)
        assert truth.result(LONG) == [1]


def waiting_for_lock(engine: Engine) -> None:
    """Return when some transaction of this database waits for another."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for _ in range(100_000):
            if connection.exec_driver_sql(query).scalar():
                return
    pytest.fail("nobody waits")


def test_fence_when_opened_twice_is_one(engine: Engine, job: uuid.UUID) -> None:
    for _ in range(2):
        with Session(engine) as session, session.begin():
            bulk.open_fence(session, Fence, job)
    assert send(engine, job)["repeated"] is False


def test_void_when_the_chunk_was_not_applied_keeps_it_out_for_ever(engine: Engine, job: uuid.UUID) -> None:
    with Session(engine) as session, session.begin():
        assert bulk.void_chunk(session, Fence, Receipt, job, 1) is None
    with pytest.raises(ChecksumMismatch):
        send(engine, job, 1)
    assert count_things(engine, job) == 0


def test_fence_when_closed_does_not_name_a_chunk_that_was_voided(engine: Engine, job: uuid.UUID) -> None:
    send(engine, job, 1)
    with Session(engine) as session, session.begin():
        bulk.void_chunk(session, Fence, Receipt, job, 2)
        assert bulk.close_fence(session, Fence, Receipt, job) == [1]


def test_void_when_the_fence_is_closed_still_tells_what_became_of_an_applied_chunk(
    engine: Engine, job: uuid.UUID
) -> None:
    send(engine, job, 1)
    with Session(engine) as session, session.begin():
        bulk.close_fence(session, Fence, Receipt, job)
    with Session(engine) as session, session.begin():
        answer = bulk.void_chunk(session, Fence, Receipt, job, 1)
    assert answer is not None
    assert (answer["created"], len(answer["refusals"])) == (3, 1)


def test_void_when_the_chunk_was_applied_tells_what_became_of_it(engine: Engine, job: uuid.UUID) -> None:
    send(engine, job, 1)
    with Session(engine) as session, session.begin():
        answer = bulk.void_chunk(session, Fence, Receipt, job, 1)
    assert answer is not None
    assert answer["created"] == 3
    assert send(engine, job, 1)["repeated"] is True
