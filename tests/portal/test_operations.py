"""Settings, Operations: what does not answer costs its own line only (product row X4)."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from services.portal.models import FeedCursor
from shared.http import ServiceClient
from shared.settings import Settings
from tests.portal.conftest import Browser

SignedIn = Callable[..., Browser]


@pytest.fixture
def peers(app: Flask, portal_url: str, make_settings: Callable[..., Settings]) -> Iterator[None]:
    """Of the other services one answers (a portal stands in for customers), and imports is away."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    away = "http://127.0.0.1:1"
    settings = make_settings(
        "portal", portal_url, portal=f"http://127.0.0.1:{server.server_port}", imports=away, customers=away
    )
    app.extensions["portal.peers"] = {peer: ServiceClient(settings, peer) for peer in settings.urls}
    yield
    del app.extensions["portal.peers"]
    server.shutdown()
    thread.join()
    server.server_close()


def test_operations_when_services_are_away_tell_the_rest(signed_in: SignedIn, session: Session, peers: None) -> None:
    session.add_all([FeedCursor(owner="portal", pos=0), FeedCursor(owner="customers", pos=3)])
    session.flush()
    told = signed_in("Administrator").get("/api/portal/v1/operations").json
    ready = {service["name"]: service["milliseconds"] is not None for service in told["services"]}
    assert {name for name, answers in ready.items() if answers} == {"portal"}
    feeds: dict[str, Any] = {feed["owner"]: feed for feed in told["feeds"]}
    assert feeds["portal"]["events"] > 0
    assert feeds["customers"] == {"reader": "portal", "owner": "customers", "events": None, "seconds": None}
    assert told["jobs"] is None


def test_operations_screen_when_imports_is_away_says_what_that_means(signed_in: SignedIn, peers: None) -> None:
    browser = signed_in("Administrator")
    assert 'hx-get="/settings/operations/now"' in browser.get("/settings/operations").text
    now = browser.get("/settings/operations/now").text
    assert "Imports does not answer" in now
    assert "Does not answer" in now


@pytest.mark.parametrize("path", ["/settings/operations", "/settings/operations/now", "/api/portal/v1/operations"])
def test_operations_are_for_those_who_may_see_them(signed_in: SignedIn, path: str) -> None:
    assert signed_in("Manager").get(path).status_code == 403
