"""X2: each service describes its API, and no request that the description allows makes a server error."""

import importlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from services.associates.bulk.assignment_target import assignments_target
from services.associates.bulk.associate_target import associates_target
from services.associates.bulk.job import target as mass_change_target
from services.customers.bulk.contact_target import contacts_target
from services.customers.bulk.export_target import TARGETS as EXPORTS
from services.customers.bulk.target import customers_target
from services.customers.bulk.vendor_target import vendors_target
from services.portal.bulk.target import users_target
from shared.identity import HEADER, sign_identity
from shared.settings import Settings
from shared.testing import client_as, outer_transaction

TARGETS = {
    "customers": customers_target(),
    "vendors": vendors_target(),
    "contacts": contacts_target(),
    "associates": associates_target(),
    "assignments": assignments_target(),
    "users": users_target(),
    "mass_change": mass_change_target(),
}  # what imports would have asked their owners for
SERVICES = ("customers", "associates", "portal", "imports")
PERMISSIONS = (
    "customers.view", "customers.edit", "customers.delete", "set_status", "import", "export", "undo",
    "users.manage", "settings.manage", "audit.view", "jobs.all",
    "associates.view", "associates.edit", "associates.delete", "assign", "write_to_customers",
)  # fmt: skip
FEATURES = frozenset({"partner_management"})


class EveryAccount:
    """Answers associates as customers would that has every account."""

    def post(self, path: str, json: dict[str, Any]) -> dict[str, Any]:
        return {"accounts": [{"id": one, "code": "1", "name": "Cobalt Labs"} for one in json["ids"]]}


class AnySnapshot:
    """Answers imports as customers and associates would that have every snapshot and associate."""

    def snapshot(self, snapshot_id: uuid.UUID) -> dict[str, Any]:
        return {"selection_id": str(snapshot_id), "source": "codes", "active": 3, "inactive": 0}

    def associates(self, action: str, ids: Sequence[uuid.UUID]) -> list[dict[str, str]]:
        return [{"id": str(one), "name": "Dana Dealer"} for one in ids]


@pytest.fixture(scope="module", params=SERVICES)
def app(
    request: pytest.FixtureRequest, make_database: Callable[[str], str], make_settings: Callable[..., Settings]
) -> Iterator[Flask]:
    module = importlib.import_module(f"services.{request.param}.app")
    app: Flask = module.create_app(make_settings(request.param, make_database(request.param)))
    for kind, owner in getattr(app.extensions.get("imports.owners"), "by_kind", {}).items():
        owner.remember(TARGETS[kind])
    for kind, owner in getattr(app.extensions.get("imports.export_owners"), "by_kind", {}).items():
        owner.remember(EXPORTS[kind].to_json())
    app.extensions["associates.customers"] = EveryAccount()
    app.extensions["imports.mass_change_peers"] = AnySnapshot()
    yield app
    app.extensions["liaison.engine"].dispose()


def test_api_when_described_is_3_1_and_browsable(app: Flask) -> None:
    service = app.extensions["liaison.settings"].service
    client = client_as(app)
    spec = client.get(f"/api/{service}/v1/openapi.json")
    assert spec.status_code == 200
    assert spec.json["openapi"].startswith("3.1")
    page = client.get(f"/api/{service}/v1/docs")
    assert page.status_code == 200
    assert f"/api/{service}/v1/openapi.json" in page.text


def test_operation_when_described_has_words_and_its_errors(app: Flask) -> None:
    service = app.extensions["liaison.settings"].service
    spec = client_as(app).get(f"/api/{service}/v1/openapi.json").json
    silent = [
        f"{method} {path}"
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch", "delete") and not operation.get("summary")
    ]
    assert silent == []


def test_api_when_called_with_anything_it_allows_never_fails(app: Flask) -> None:
    service = app.extensions["liaison.settings"].service
    identity = client_as(app, *PERMISSIONS, features=FEATURES).identity
    assert identity is not None
    headers = {HEADER: sign_identity(app.extensions["liaison.settings"].keys_dir, identity)}
    client = client_as(app, *PERMISSIONS, features=FEATURES)
    spec: dict[str, Any] = client.get(f"/api/{service}/v1/openapi.json").json
    schema = schemathesis.openapi.from_dict(spec)
    schema.app = app
    calls = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/events"):
            continue  # a stream: it ends when its job does
        strategy = operation.as_strategy()

        @settings(max_examples=15, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(case=strategy)
        def call(case: Any) -> None:
            nonlocal calls
            calls += 1
            with outer_transaction(app):
                response = case.call(headers=headers)
            case.validate_response(response, checks=[not_a_server_error])

        call()
    assert calls > 10
