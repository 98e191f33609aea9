"""A1: while partner management is off, every screen and route of associates says so."""

import uuid
from typing import Any

import pytest

from shared.testing import client_as
from shared.web import unmarked_routes
from tests.associates.conftest import EVERYTHING, ON

PREFIX = "/api/associates/v1"
IDS = {name: uuid.uuid4() for name in ("associate_id", "account_id", "link_id", "record_id")}


def own_routes(app: Any) -> list[tuple[str, str]]:
    """Every method and address of associates that people and programs use."""
    with app.test_request_context():
        adapter = app.create_url_adapter(None) or app.url_map.bind("localhost")
        return sorted(
            (method, adapter.build(rule.endpoint, {name: IDS[name] for name in rule.arguments}, method=method))
            for rule in app.url_map.iter_rules()
            for method in rule.methods - {"HEAD", "OPTIONS"}
            if rule.endpoint.startswith(("pages.", "associates.", "links."))
        )


def test_every_route_when_partner_management_is_off_answers_409(app: Any) -> None:
    client = client_as(app, *EVERYTHING)
    routes = own_routes(app)
    assert len(routes) > 30
    for method, url in routes:
        answer = client.open(url, method=method)
        assert answer.status_code == 409, (method, url)
        if url.startswith("/api/"):
            assert (answer.json["code"], answer.content_type) == ("partner_management_off", "application/problem+json")
        else:
            assert "Partner management is switched off" in answer.text


def test_route_when_the_permission_is_missing_is_refused(app: Any) -> None:
    for method, url in own_routes(app):
        assert client_as(app, features=ON).open(url, method=method).status_code == 403, (method, url)
        assert app.test_client().open(url, method=method).status_code == 401, (method, url)


@pytest.mark.parametrize("may", [True, False])
def test_screen_when_off_shows_the_way_to_the_settings_to_who_may(app: Any, may: bool) -> None:
    permissions = ["associates.view", *(["settings.manage"] if may else [])]
    page = client_as(app, *permissions).get("/associates")
    assert ('href="/settings/sales"' in page.text) is may
    assert ("Ask an administrator to switch it on." in page.text) is not may


def test_menu_has_associates_only_while_it_is_on(app: Any) -> None:
    on = client_as(app, *EVERYTHING, features=ON).get("/associates")
    off = client_as(app, *EVERYTHING).get("/associates")
    assert ('nav-link" href="/associates"' in on.text, 'nav-link" href="/associates"' in off.text) == (True, False)


def test_service_when_looked_at_is_described_and_healthy(app: Any) -> None:
    assert unmarked_routes(app) == []
    assert client_as(app).get(f"{PREFIX}/openapi.json").json["openapi"] == "3.1.0"
    assert app.test_client().get("/readyz").status_code == 200
