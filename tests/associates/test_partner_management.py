"""A1: while partner management is off, every screen and route of associates says so."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from services.associates.models import Base
from shared.testing import client_as
from shared.web import unmarked_routes

PREFIX = "/api/associates/v1"


def test_api_when_partner_management_is_off_answers_409_on_every_route(app: Any) -> None:
    client = client_as(app, "customers.view")
    own = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("associates.")]
    assert [rule.rule for rule in own] == [f"{PREFIX}/associates"]
    for rule in own:
        answer = client.get(rule.rule)
        assert (answer.status_code, answer.json["code"]) == (409, "partner_management_off")
        assert answer.content_type == "application/problem+json"


def test_api_when_partner_management_is_on_answers(app: Any) -> None:
    with app.extensions["liaison.sessions"]() as session:
        session.execute(text("UPDATE setting SET value = 'true' WHERE name = 'partner_management'"))
        session.commit()
    assert client_as(app, "customers.view").get(f"{PREFIX}/associates").json == {"items": [], "next": None}


def test_screen_when_partner_management_is_off_says_so(app: Any) -> None:
    page = client_as(app, "customers.view").get("/associates")
    assert (page.status_code, "Partner management is switched off" in page.text) == (200, True)


@pytest.mark.parametrize("url", ["/associates", f"{PREFIX}/associates"])
def test_route_when_the_permission_is_missing_is_refused(app: Any, url: str) -> None:
    assert client_as(app).get(url).status_code == 403
    assert app.test_client().get(url).status_code == 401


def test_service_when_looked_at_is_described_and_healthy(app: Any) -> None:
    assert unmarked_routes(app) == []
    assert client_as(app).get(f"{PREFIX}/openapi.json").json["openapi"] == "3.1.0"
    assert app.test_client().get("/readyz").status_code == 200


def test_models_when_compared_with_the_migrated_database_are_the_same(app: Any) -> None:
    with app.extensions["liaison.engine"].connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
