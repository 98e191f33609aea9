"""Settings, Operations: what does not answer costs its own line only (product row X4)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from services import portal
from services.portal.domain.operations import FEEDS
from services.portal.models import FeedCursor, Role
from services.portal.pages.operations import work_name
from shared.feed_metrics import CLIENTS
from shared.http import ServiceClient
from shared.settings import Settings
from tests.portal.conftest import Browser

SignedIn = Callable[..., Browser]


QUEUE = {
    "running_jobs": 1, "waiting_jobs": 11, "due_chunks": 3, "leased_chunks": 1, "oldest_due_seconds": 90.0,
    "rows_per_second": 0.0, "expired_leases": 0,
}  # fmt: skip
WORK = {
    "id": "018f0000-0000-7000-8000-0000000000a1", "what": "import", "kind": "customers", "file_name": "dealers.csv",
    "by": "Ben Baker", "queue": "short", "state": "running", "since": "2026-05-04T10:00:00+00:00", "done": 40,
    "rows": None, "expected": 200, "percent": 20.0, "waiting": "Waiting for the customers service.",
    "url": "/imports/018f0000-0000-7000-8000-0000000000a1", "needs": ["jobs.all"],
}  # fmt: skip
USERS = {**WORK, "id": "018f0000-0000-7000-8000-0000000000a2", "kind": "users", "needs": ["jobs.all", "users.manage"]}
EXPORT = {
    **WORK, "id": "018f0000-0000-7000-8000-0000000000e1", "what": "export", "file_name": "all.csv", "state": "queued",
    "done": 4, "rows": 9, "expected": 9, "waiting": "Waits for a free worker.", "url": "/imports/exports/018f",
}  # fmt: skip


@pytest.fixture
def imports_tells(app: Flask, portal_url: str, make_settings: Callable[..., Settings]) -> Iterator[list[Any]]:
    """imports_tells[:] = [...] -> what imports answers as its work; it is the only other service that is there."""
    work: list[Any] = []
    told = Flask("imports")

    @told.get("/internal/operations")
    def operations() -> dict[str, Any]:
        queues = [{"name": name, **QUEUE} for name in ("short", "long")]
        worker = {"name": "short@here", "queues": ["imports.short"], "slots": 1}
        return {"queues": queues, "work": work, "broker": {"answers": True, "waiting": {}}, "workers": [worker]}

    with served(told) as url:
        settings = make_settings("portal", portal_url, imports=url)
        app.extensions["portal.peers"] = {peer: ServiceClient(settings, peer) for peer in settings.urls}
        yield work
    del app.extensions["portal.peers"]


@contextmanager
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def peers(app: Flask, portal_url: str, make_settings: Callable[..., Settings]) -> Iterator[None]:
    """Of the other services one answers (a portal stands in for customers), and imports is away."""
    with served(app) as url:
        settings = make_settings("portal", portal_url, portal=url)
        app.extensions["portal.peers"] = {peer: ServiceClient(settings, peer) for peer in settings.urls}
        yield
    del app.extensions["portal.peers"]


def test_operations_when_services_are_away_tell_the_rest(signed_in: SignedIn, session: Session, peers: None) -> None:
    session.add_all([FeedCursor(owner="portal", pos=0), FeedCursor(owner="customers", pos=3)])
    session.flush()
    told = signed_in("Administrator").get("/api/portal/v1/operations").json
    ready = {service["name"]: service["milliseconds"] is not None for service in told["services"]}
    assert {name for name, answers in ready.items() if answers} == {"portal"}
    feeds: dict[tuple[str, str], Any] = {(feed["reader"], feed["owner"]): feed for feed in told["feeds"]}
    assert feeds["portal", "portal"]["events"] > 0
    assert feeds["portal", "portal"]["away"] is None
    nothing = {"events": None, "seconds": None}
    assert feeds["portal", "customers"] == {"reader": "portal", "owner": "customers", "away": "customers", **nothing}
    away = {"reader": "customers", "owner": "associates", "away": "customers", **nothing}
    assert feeds["customers", "associates"] == away
    assert feeds["associates", "customers"]["away"] == "associates"
    assert told["jobs"] is None


def test_operations_screen_when_imports_is_away_says_what_that_means(signed_in: SignedIn, peers: None) -> None:
    browser = signed_in("Administrator")
    assert 'hx-get="/settings/operations/now"' in browser.get("/settings/operations").text
    now = browser.get("/settings/operations/now").text
    assert "Imports does not answer" in now
    assert "Does not answer" in now
    assert '<td colspan="2" class="text-secondary">Associates does not answer</td>' in now


def test_feeds_are_those_that_the_consumers_of_the_services_read() -> None:
    read = {reader: import_module(f"services.{reader}.consumers").FEEDS for reader in FEEDS}
    assert {reader: set(feeds) for reader, feeds in read.items()} == {one: set(owners) for one, owners in FEEDS.items()}
    consuming = {path.parent.name for path in Path(portal.__file__).parents[1].glob("*/consumers.py")}
    assert consuming == FEEDS.keys()


def test_unfinished_work_is_told_by_api_and_shown_with_why_it_waits(
    signed_in: SignedIn, imports_tells: list[Any]
) -> None:
    imports_tells[:] = [WORK, EXPORT]
    browser = signed_in("Administrator")
    told = browser.get("/api/portal/v1/operations").json["jobs"]["work"]
    assert told == [{name: value for name, value in one.items() if name != "needs"} for one in (WORK, EXPORT)]
    now = " ".join(browser.get("/settings/operations/now").text.split())
    assert f'<a class="fw-medium" href="{WORK["url"]}" dir="auto">dealers.csv</a>' in now
    assert 'Import of customers · <span dir="auto">Ben Baker</span>' in now
    assert "Waiting for the customers service." in now
    assert "40 of about 200 rows" in now
    assert "4 of 9 rows" in now
    assert f'href="{EXPORT["url"]}" dir="auto">all.csv</a>' in now
    assert "Export of customers" in now
    assert "The 2 that were asked for first, of 24." in now


def test_work_is_no_link_for_who_may_not_open_it(
    signed_in: SignedIn, imports_tells: list[Any], session: Session
) -> None:
    imports_tells[:] = [WORK, USERS]
    role = Role(name="Operator", name_key="operator", permissions=["operations.view", "jobs.all"])
    session.add(role)
    session.flush()
    now = signed_in("Operator").get("/settings/operations/now").text
    assert now.count(f'href="{WORK["url"]}"') == 1
    assert now.count("dealers.csv</span>") == 1


def test_work_when_there_is_none_is_said(signed_in: SignedIn, imports_tells: list[Any]) -> None:
    assert "Nothing runs and nothing waits." in signed_in("Administrator").get("/settings/operations/now").text


@pytest.mark.parametrize(
    ("what", "kind", "words"),
    [
        ("check", "users", "Check of users"),
        ("mass_change", "mass_change", "Mass change"),
        ("undo", "mass_change", "Undo of a mass change"),
    ],
)
def test_work_is_named_in_words(what: str, kind: str, words: str) -> None:
    assert work_name({"what": what, "kind": kind}) == words


def test_metrics_tell_how_far_each_feed_was_read(
    app: Flask, session: Session, portal_url: str, make_settings: Callable[..., Settings]
) -> None:
    """An owner that does not answer costs its own line only."""
    owner = Flask("customers")
    asked: list[str] = []

    @owner.get("/internal/events/behind")
    def behind() -> dict[str, Any]:
        asked.append(request.args["after"])
        return {"events": 7, "seconds": 12.5}

    session.add_all([FeedCursor(owner="customers", pos=3), FeedCursor(owner="associates", pos=4)])
    session.flush()
    with served(owner) as url:
        settings = make_settings("portal", portal_url, customers=url)
        app.extensions[CLIENTS] = {peer: ServiceClient(settings, peer) for peer in ("customers", "associates")}
        told = app.test_client().get("/internal/metrics").text
    del app.extensions[CLIENTS]
    assert 'feed_lag_events{owner="customers",reader="portal"} 7.0' in told
    assert 'feed_lag_seconds{owner="customers",reader="portal"} 12.5' in told
    assert 'owner="associates"' not in told
    assert asked == ["3"]
    assert "http_request_seconds" in told


@pytest.mark.parametrize("path", ["/settings/operations", "/settings/operations/now", "/api/portal/v1/operations"])
def test_operations_are_for_those_who_may_see_them(signed_in: SignedIn, path: str) -> None:
    assert signed_in("Manager").get(path).status_code == 403
