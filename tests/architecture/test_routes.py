"""Every route of every service says who may call it, and the API describes itself."""

import importlib
from collections.abc import Callable

import pytest
from flask import Flask

from shared.settings import Settings
from shared.web import unmarked_routes

SERVICES = ("customers", "associates", "portal", "imports")
NO_DATABASE = "postgresql+psycopg://nobody@127.0.0.1:1/none"


def app_of(service: str, make_settings: Callable[..., Settings], factory: str = "create_app") -> Flask:
    module = importlib.import_module(f"services.{service}.app")
    app: Flask = getattr(module, factory)(make_settings(service, NO_DATABASE))
    return app


@pytest.mark.parametrize("service", SERVICES)
def test_route_when_registered_declares_its_access(service: str, make_settings: Callable[..., Settings]) -> None:
    assert unmarked_routes(app_of(service, make_settings)) == []


def test_bulk_app_when_built_serves_internal_routes_only(make_settings: Callable[..., Settings]) -> None:
    app = app_of("customers", make_settings, "create_bulk_app")
    assert unmarked_routes(app) == []
    outside = [rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/internal/")]
    assert sorted(outside) == ["/healthz", "/readyz"]


@pytest.mark.parametrize("service", SERVICES)
def test_internal_routes_when_registered_are_signed_or_harmless(
    service: str, make_settings: Callable[..., Settings]
) -> None:
    app = app_of(service, make_settings)
    public = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/internal/") and app.view_functions[rule.endpoint].access.kind != "internal"  # type: ignore[attr-defined]
    ]
    allowed = {"/internal/metrics"} | ({"/internal/identity"} if service == "portal" else set())
    assert set(public) == allowed


@pytest.mark.parametrize("service", SERVICES)
def test_change_routes_when_public_are_only_the_known_ones(
    service: str, make_settings: Callable[..., Settings]
) -> None:
    app = app_of(service, make_settings)
    changing = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].access.kind == "public"  # type: ignore[attr-defined]
        and rule.methods & {"POST", "PUT", "PATCH", "DELETE"}
    }
    assert changing <= (
        {"/sign-in", "/api/portal/v1/sign-in", "/sign-out", "/internal/identity"} if service == "portal" else set()
    )
