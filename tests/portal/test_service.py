"""Portal as one of the services: rules on every route, schema, pages, description."""

from collections.abc import Callable
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from services.portal.domain.permissions import ALL
from services.portal.models import Base
from shared.testing import client_of_service
from shared.web import unmarked_routes


def test_routes_when_listed_all_have_a_rule(portal_app: Any) -> None:
    assert unmarked_routes(portal_app) == []


def test_public_routes_when_listed_are_only_these(portal_app: Any) -> None:
    views = portal_app.view_functions
    public = {rule.rule for rule in portal_app.url_map.iter_rules() if views[rule.endpoint].access.kind == "public"}
    assert public == {
        "/sign-in",
        "/api/portal/v1/sign-in",
        "/internal/identity",
        "/internal/metrics",
        "/healthz",
        "/readyz",
    }


def test_permissions_that_routes_ask_for_all_exist(portal_app: Any) -> None:
    asked = {name for view in portal_app.view_functions.values() for name in view.access.permissions}
    assert asked <= ALL


def test_models_when_compared_with_the_migrated_database_are_the_same(portal_app: Any) -> None:
    with portal_app.extensions["liaison.engine"].connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/settings/users",
        "/settings/users/new",
        "/settings/roles",
        "/settings/roles/new",
        "/settings/audit",
        "/account/password",
        "/account/tokens",
        "/api/portal/v1/openapi.json",
        "/api/portal/v1/docs",
    ],
)
def test_page_when_opened_by_an_administrator_is_there(signed_in: Callable[..., Any], url: str) -> None:
    assert signed_in("Administrator").get(url).status_code == 200


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        ("Viewer", ["/customers/fragments/recent"], ["/imports/fragments/running", "New customer", 'href="/imports"']),
        ("Staff", ["/customers/fragments/recent", "/imports/fragments/running", "New customer"], ["/settings/users"]),
        ("", ["There is nothing here for you yet"], ["/customers/fragments/recent", "/imports/fragments/running"]),
    ],
)
def test_home_when_opened_offers_what_one_may_do(
    signed_in: Callable[..., Any], role: str, seen: list[str], unseen: list[str]
) -> None:
    page = signed_in(*([role] if role else [])).get("/").text
    assert [words for words in seen if words not in page] == []
    assert [words for words in unseen if words in page] == []


def test_feed_when_asked_by_a_service_tells_changed_users(app: Any, make_user: Callable[..., Any]) -> None:
    user = make_user("Viewer")
    events = client_of_service(app, "customers").get("/internal/events").json["events"]
    assert events[-1]["name"] == "portal.user_changed.v1"
    assert events[-1]["payload"]["user_id"] == str(user.id)
