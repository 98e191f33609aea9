"""A1: Settings, Sales, Partner management: one switch, known to everybody with the next request, and audited."""

from collections.abc import Callable
from typing import Any

from services.portal.models import AuditEntry
from shared.identity import HEADER, verify_identity
from tests.portal.conftest import Browser

SignedIn = Callable[..., Browser]
API = "/api/portal/v1/settings/partner-management"


def features_of(browser: Browser, app: Any) -> frozenset[str]:
    keys = app.extensions["liaison.settings"].keys_dir
    return verify_identity(keys, browser.ask("GET", "/").headers[HEADER]).features


def test_switch_when_turned_is_in_everybodys_next_identity(signed_in: SignedIn, app: Any, session: Any) -> None:
    admin, viewer = signed_in("Administrator"), signed_in("Viewer")
    assert features_of(viewer, app) == frozenset()
    assert admin.post("/settings/sales/partner-management", {"on": "true"}).status_code == 303
    assert features_of(viewer, app) == {"partner_management"}
    assert 'href="/associates"' in viewer.get("/").text
    assert admin.get(API).json == {"on": True}
    assert admin.open("PUT", API, json={"on": False}).json == {"on": False}
    assert features_of(viewer, app) == frozenset()
    assert 'href="/associates"' not in viewer.get("/").text
    noted = [entry.action for entry in session.query(AuditEntry).filter(AuditEntry.action.like("switched%"))]
    assert noted == ["switched_on", "switched_off"]


def test_switch_is_for_those_who_may_change_settings(signed_in: SignedIn) -> None:
    manager = signed_in("Manager")
    for method, url in (("GET", "/settings/sales"), ("POST", "/settings/sales/partner-management"), ("PUT", API)):
        assert manager.open(method, url, json={"on": True} if url == API else None).status_code == 403
