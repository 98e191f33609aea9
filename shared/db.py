"""The database of a service: engine, unit of work, identifiers.

The edge (a view or a task) opens one `unit_of_work()`, calls one domain function and leaves the block, which
commits; the domain never commits. Both need the application context of the service's Flask app.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from typing import Annotated, Any

from flask import Flask, current_app, g
from sqlalchemy import DateTime, Engine, MetaData, create_engine, func, text
from sqlalchemy.orm import Session, mapped_column, sessionmaker

from shared.settings import Settings

NAMES = {
    "ix": "%(table_name)s_%(column_0_N_name)s_ix",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}

UuidPk = Annotated[uuid.UUID, mapped_column(primary_key=True, server_default=text("uuidv7()"))]
Timestamp = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


def metadata() -> MetaData:
    """Return fresh metadata whose constraints have stable names; each service has its own."""
    return MetaData(naming_convention=NAMES)


def make_engine(url: str, *, statement_timeout: int = 30, pool_size: int = 8, **settings: str) -> Engine:
    """Return an engine; `settings` are PostgreSQL settings of every connection, timeout in seconds."""
    options = {"statement_timeout": f"{statement_timeout}s", "timezone": "UTC", **settings}
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_pre_ping=True,
        connect_args={"options": " ".join(f"-c {name}={value}" for name, value in options.items())},
    )


def init_database(app: Flask, settings: Settings, **connection: Any) -> None:
    """Give `app` its database; `connection` goes to `make_engine`."""
    engine = make_engine(settings.database_url, **connection)
    app.extensions["liaison.engine"] = engine
    app.extensions["liaison.sessions"] = sessionmaker(engine, expire_on_commit=False)


def after_commit(session: Session, call: Callable[[], object]) -> None:
    """Run `call` once the unit of work has committed; asked for twice, it runs once.

    It must be a mere nudge: its loss may cost time, nothing else.
    """
    calls = session.info.setdefault("after_commit", [])
    if call not in calls:
        calls.append(call)


def _open_session(*, one_moment: bool = False) -> Session:
    """Return a session that sees no more than who asks may see; `shared.web.access` says whether there is a limit."""
    session: Session = current_app.extensions["liaison.sessions"]()
    if one_moment:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    if limit := g.get("limit"):
        limit(session)
    return session


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """Yield a session; commit when the block ends well, else roll back; then run what `after_commit` collected.

    Inside another unit of work that asked for it (`joined_by_inner`), the block joins that one instead.
    """
    outer: Session | None = g.get("unit_of_work")
    if outer is not None:
        yield outer
        outer.flush()
        return
    session = _open_session()
    try:
        yield session
        session.commit()
        calls: list[Callable[[], object]] = session.info.pop("after_commit", [])
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()
    for call in calls:
        call()


@contextmanager
def joined_by_inner(session: Session) -> Iterator[None]:
    """Let every `unit_of_work()` inside the block join `session`, so that all of it commits as one."""
    g.unit_of_work = session
    try:
        yield
    finally:
        del g.unit_of_work


@contextmanager
def read_only(*, one_moment: bool = False) -> Iterator[Session]:
    """Yield a session that is rolled back at the end of the block; what was loaded stays readable after it.

    With `one_moment` all of its queries see the database as it is at the first one.
    """
    session = _open_session(one_moment=one_moment)
    try:
        yield session
    finally:
        session.close()  # rolls back; rollback() itself would also expire what was loaded


class _Sequence:
    """Where the next UUIDs of this process stand: a millisecond, random bits drawn in it, and a running number."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._millisecond = self._random = self._number = 0

    def take(self, count: int) -> tuple[str, int]:
        """Return the head and the first number of `count` UUIDs. A clock that goes back is not followed."""
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._millisecond:
                self._millisecond, self._random, self._number = now, int.from_bytes(os.urandom(2)) & 0xFFF, 0
            first, self._number = self._number, self._number + count
            millisecond = f"{self._millisecond:012x}"
            return f"{millisecond[:8]}-{millisecond[8:]}-7{self._random:03x}-", first


_sequence = _Sequence()


def uuid7_texts(count: int) -> list[str]:
    """Return `count` version 7 UUIDs (RFC 9562) as text, in ascending order, above all that this process made before.

    After the 48-bit time come 12 random bits of that millisecond, then a running number in 32 bits above 30 random
    ones.
    """
    head, first = _sequence.take(count)
    tails = memoryview(os.urandom(4 * count)).cast("I")
    numbers = (f"{0b10 << 62 | number << 30 | tail >> 2:016x}" for number, tail in enumerate(tails, first))
    return [f"{head}{number[:4]}-{number[4:]}" for number in numbers]


def uuid7s(count: int) -> list[uuid.UUID]:
    """Return `count` version 7 UUIDs in ascending order."""
    return [uuid.UUID(one) for one in uuid7_texts(count)]


def uuid7() -> uuid.UUID:
    """Return one version 7 UUID."""
    return uuid7s(1)[0]
