"""A7: real workers on real queues send each mail once, together, after a kill, and without holding up the feed."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify
from sqlalchemy import func, select, update
from werkzeug.serving import make_server

from services.customers.app import create_app
from services.customers.domain import accounts
from services.customers.domain.writing import write_message
from services.customers.models import Message
from shared.db import read_only, unit_of_work
from shared.history import Actor
from shared.settings import Settings
from shared.worker import nudge
from tests.smtp import SmtpServer

ROOT = Path(__file__).resolve().parents[2]
INES = Actor(uuid.UUID(int=9), "Ines Moreau")


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    server = SmtpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def associates() -> Iterator[tuple[str, list[str]]]:
    """A feed without events, and when it was asked for."""
    asked: list[str] = []
    owner = Flask("owner")

    @owner.get("/internal/events")
    def events() -> Any:
        asked.append("events")
        return jsonify(events=[])

    server = make_server("127.0.0.1", 0, owner, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def app(make_database: Callable[[str], str], make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    app = create_app(make_settings("customers", make_database("customers")))
    with app.app_context():
        yield app
    app.extensions["liaison.engine"].dispose()


@pytest.fixture
def start_worker(
    app: Flask, smtp: SmtpServer, associates: tuple[str, list[str]], tmp_path: Path
) -> Iterator[Callable[[str], "subprocess.Popen[bytes]"]]:
    settings: Settings = app.extensions["liaison.settings"]
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "KEYS_DIR": str(settings.keys_dir),
        "FILES_URL": settings.files_url,
        "PUBLIC_URL": settings.public_url,
        "ASSOCIATES_URL": associates[0],
        "SMTP_URL": smtp.url,
        "MAIL_FROM": "office@trading.example",
    }
    workers: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> "subprocess.Popen[bytes]":
        words = [
            "-A",
            "services.customers.worker",
            "worker",
            "-n",
            f"{name}@%h",
            "-Q",
            "customers.events,customers.mail",
        ]
        pool = ["--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"]
        with (tmp_path / f"{name}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "celery", *words, *pool], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


def write(count: int) -> None:
    with unit_of_work() as session:
        account = accounts.create_account(session, INES, {"name": "Cobalt Labs", "email": "office@cobalt.example"})
    values = {"template": "reminder", "subject": "Invoice", "text": "Please pay.", "to_account": True}
    for _ in range(count):
        with unit_of_work() as session:
            write_message(session, INES, account.id, values, with_copies=False)


def wait_until(holds: Callable[[], bool], wake: Callable[[], object], seconds: float = 140.0) -> None:
    """Wait until it holds; `wake` does meanwhile what beat does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        wake()
        time.sleep(0.1)


def sent() -> int:
    with read_only() as session:
        return session.scalar(select(func.count()).select_from(Message).where(Message.state == "sent")) or 0


def test_mails_when_two_workers_send_and_one_is_killed_go_once_and_the_feed_goes_on(
    app: Flask, smtp: SmtpServer, associates: tuple[str, list[str]], start_worker: Callable[[str], Any]
) -> None:
    celery = app.extensions["liaison.celery"]
    wake = app.extensions["liaison.wake_mail"]
    start_worker("one")
    start_worker("two")
    write(30)
    wait_until(lambda: sent() == 30, lambda: [wake(), wake()])
    assert len(smtp.mails) == len({str(mail["Message-ID"]) for _, mail in smtp.mails}) == 30

    smtp.hangs = True
    write(2)
    wait_until(lambda: len(smtp.tries) == 32, lambda: [wake(), wake()])  # both workers are at a mail that hangs
    associates[1].clear()
    for _ in range(4):
        nudge(celery, "customers.pull_events", queue="customers.events")
    wait_until(lambda: len(associates[1]) >= 4, lambda: None, seconds=20)


def test_mail_when_its_worker_is_killed_is_sent_by_the_next(
    app: Flask, smtp: SmtpServer, start_worker: Callable[[str], Any]
) -> None:
    wake = app.extensions["liaison.wake_mail"]
    smtp.hangs = True
    first = start_worker("first")
    write(1)
    wait_until(lambda: len(smtp.tries) == 1, wake)
    first.send_signal(signal.SIGKILL)
    first.wait()
    smtp.hangs = False
    start_worker("second")
    for _ in range(20):
        wake()
        time.sleep(0.1)
    taken = len(smtp.mails)  # the server may still have taken what the dead worker sent: then there are two, alike
    assert len(smtp.tries) == 1, "the lease holds"
    with unit_of_work() as session:
        session.execute(update(Message).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC)))
    wait_until(lambda: sent() == 1, wake)
    assert len(smtp.tries) == 2
    assert len(smtp.mails) == taken + 1
    assert len(set(smtp.tries)) == 1
    with read_only() as session:
        assert session.scalar(select(Message.attempts)) == 2
