"""The imports service with an owner of its own, both on the real PostgreSQL."""

import io
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from celery import Celery
from flask import Flask
from sqlalchemy import text

from services.imports import tasks
from services.imports.app import create_app
from services.imports.domain import checks, jobs, uploads
from services.imports.domain.jobs import Viewer
from services.imports.domain.mapping import Mapping
from services.imports.domain.progress import FINAL
from services.imports.domain.sniffing import sniff_file
from services.imports.models import Base, Job
from shared.db import read_only, unit_of_work
from shared.testing import SignedClient, client_as, server_url
from tests.imports.owner import Owner

ADA = Viewer(uuid.UUID("018f0000-0000-7000-8000-00000000ada0"), "Ada Admin")
COLUMNS = {"code": "code", "name": "name", "email": "email"}


class Messages(Celery):  # type: ignore[misc]
    """A Celery that keeps what would be sent, so that tests do the work themselves, in their order."""

    def __init__(self, broker: str) -> None:
        super().__init__(broker=broker, set_as_current=False)
        self.sent: list[tuple[str, tuple[Any, ...]]] = []

    def send_task(self, name: str, args: tuple[Any, ...], **_: Any) -> None:
        self.sent.append((name, args))


@pytest.fixture(scope="session")
def owner_server() -> Iterator[Owner]:
    name = f"test_owner_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    server = server_url().rpartition("/")[0].replace("postgresql:", "postgresql+psycopg:", 1)
    owner = Owner(f"{server}/{name}")
    yield owner
    owner.close()
    with psycopg.connect(server_url(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def imports_app(make_database: Any, make_settings: Any, owner_server: Owner) -> Iterator[Flask]:
    settings = make_settings("imports", make_database("imports"), customers_bulk=owner_server.url)
    app = create_app(settings)
    app.extensions["liaison.celery"] = Messages(settings.redis_url)
    yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def owner(owner_server: Owner) -> Owner:
    owner_server.reset()
    return owner_server


@pytest.fixture
def app(imports_app: Flask, owner: Owner) -> Iterator[Flask]:
    """The app of imports in its context; its tables are empty."""
    tables = ", ".join(f'"{table}"' for table in Base.metadata.tables)
    with imports_app.app_context():
        with unit_of_work() as session:
            session.execute(text(f"TRUNCATE {tables}"))
        imports_app.extensions["liaison.celery"].sent.clear()
        imports_app.extensions["liaison.storage"].delete("imports")
        imports_app.extensions["liaison.storage"].delete("exports")
        yield imports_app


@pytest.fixture
def client(app: Flask) -> SignedClient:
    """Somebody who may import."""
    return client_as(app, "import", name=ADA.name, user_id=ADA.user_id)


@pytest.fixture
def make_job(app: Flask) -> Callable[..., Job]:
    """make_job("code,name\\n1,A\\n") -> a job that is mapped; `start=True` queues it too."""

    def make(
        content: str | bytes,
        *,
        columns: dict[str, str] | None = None,
        start: bool = False,
        chunk_rows: int | None = None,
        viewer: Viewer = ADA,
        **options: str,
    ) -> Job:
        data = content.encode() if isinstance(content, str) else content
        storage = app.extensions["liaison.storage"]
        received = uploads.receive_file(storage, io.BytesIO(data), len(data))
        with storage.open(received.path) as file:
            form = sniff_file(file)
        mapping = Mapping({name: name for name in form.header if name in COLUMNS} if columns is None else columns)
        with unit_of_work() as session:
            job = jobs.create_job(session, viewer, "customers", "things.csv", received, form)
            if chunk_rows:
                job.chunk_rows = chunk_rows
            jobs.change_mapping(
                session, viewer, job.id, None, mapping=mapping.to_json(), options=jobs.Options(**options)
            )
            if start:
                job = jobs.start_job(session, viewer, job.id)
        return job

    return make


@pytest.fixture
def see(app: Flask) -> Callable[[Job], Job]:
    """see(job) -> the job as it is now."""

    def look(job: Job) -> Job:
        with read_only() as session:
            return session.get_one(Job, job.id)

    return look


@pytest.fixture
def run(app: Flask, see: Callable[[Job], Job]) -> Callable[[Job], Job]:
    """run(job) -> the job at its end: does what workers do, one thing after the other."""

    def drive(job: Job) -> Job:
        for _ in range(50):
            tasks.read_file.run(str(job.id))
            tasks.send_chunks.run(job.queue)
            tasks.end_job.run(str(job.id))
            now = see(job)
            if now.state in FINAL:
                return now
            tasks.reconcile.run()
        raise AssertionError(f"the job hangs: {now.state}, {now.waiting}")

    return drive


@pytest.fixture
def check(app: Flask, see: Callable[[Job], Job]) -> Callable[[Job], Job]:
    """check(job) -> the job when it was checked, or has ended over it: does what workers do."""

    def drive(job: Job) -> Job:
        with unit_of_work() as session:
            checks.begin_check(session, ADA, job.id)
        for _ in range(50):
            tasks.read_file.run(str(job.id))
            tasks.send_chunks.run(job.queue)
            tasks.end_job.run(str(job.id))
            now = see(job)
            if now.state in ("ready", *FINAL):
                return now
            tasks.reconcile.run()
        raise AssertionError(f"the check hangs: {now.state}, {now.waiting}")

    return drive


def rows(count: int, start: int = 1) -> str:
    """Return a file of that many things."""
    return "code,name\n" + "".join(f"T{at:06d},Thing {at}\n" for at in range(start, start + count))
