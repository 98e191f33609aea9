"""The base app of every service."""

import time
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import flask_smorest
import marshmallow as ma
import structlog
from flask import Blueprint, Flask, Response, current_app, g, render_template, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from structlog.contextvars import bind_contextvars, clear_contextvars

from shared.db import init_database
from shared.idempotency import IdempotencyTable
from shared.observe import REQUEST_ID, REQUESTS, set_up_logs
from shared.settings import Settings
from shared.storage import Storage
from shared.ui import init_ui
from shared.web import problems
from shared.web.access import check_access, identity_or_none, public, signed_in

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("/healthz", "/readyz", "/internal/metrics", "/internal/identity")
MAX_BODY = 8_000_000  # bytes, from outside; as in gateway/Caddyfile. Other services may send larger chunks.
log = structlog.get_logger("http")


class Problem(ma.Schema):
    """An error as RFC 9457 has it, with a stable `code`; some codes bring members of their own."""

    class Meta:
        """Extension members are allowed."""

        unknown = ma.INCLUDE

    type = ma.fields.String()
    title = ma.fields.String()
    status = ma.fields.Integer()
    code = ma.fields.String()
    detail = ma.fields.String()
    instance = ma.fields.String()
    request_id = ma.fields.String(allow_none=True)
    errors = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.List(ma.fields.String()))


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest, with our one shape of errors."""

    ERROR_SCHEMA = Problem

    def _register_responses(self) -> None:
        plain = flask_smorest.Api.DEFAULT_RESPONSE_CONTENT_TYPE
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = plain

    def _register_error_handlers(self) -> None:
        """Leave errors to `shared.web.problems`, which knows pages too."""


def create_app(
    settings: Settings,
    *,
    title: str = "",
    pages: Sequence[Blueprint] = (),
    apis: Sequence[flask_smorest.Blueprint] = (),
    internals: Sequence[Blueprint] = (),
    database: dict[str, Any] | None = None,
    idempotency: type[IdempotencyTable] | None = None,
    limit: Callable[..., None] | None = None,
) -> Flask:
    """Return the Flask app of a service: its screens, its API, and what all services have.

    `database` goes to `shared.db.make_engine`; `idempotency` is the service's table of idempotency keys.
    `limit(session, associate_id=...)` narrows a session to what a person who is no employee may see (`shared.scope`).
    API blueprints live under /api/<service>/v1.
    """
    set_up_logs(settings.log_format)
    app = Flask(
        f"services.{settings.service}",
        root_path=str(ROOT / "services" / settings.service),
        template_folder="templates",
        static_folder=None,
    )
    app.config.update(MAX_FORM_MEMORY_SIZE=MAX_BODY, MAX_CONTENT_LENGTH=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.extensions["liaison.settings"] = settings
    app.extensions["liaison.storage"] = Storage(settings.files_url)
    app.extensions["liaison.idempotency"] = idempotency
    app.extensions["liaison.limit"] = limit
    init_database(app, settings, **(database or {}))
    _register_hooks(app, settings.service)
    _register_operations(app)
    problems.register(app)
    init_ui(app)
    app.context_processor(lambda: {"identity": identity_or_none()})
    for blueprint in (*pages, *internals):
        app.register_blueprint(blueprint)
    if apis:
        _register_api(app, settings.service, title, apis)
    return app


def _register_api(app: Flask, service: str, title: str, apis: Sequence[flask_smorest.Blueprint]) -> None:
    prefix = f"/api/{service}/v1"
    app.config.update(
        API_TITLE=f"Liaison {title or service.capitalize()}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=prefix,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
            "security": [{"token": []}],
        },
    )
    api = Api(app)
    for blueprint in apis:
        api.register_blueprint(blueprint, url_prefix=prefix)
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith("api-docs."):
            app.view_functions[endpoint] = signed_in()(partial(view))

    @app.get(f"{prefix}/docs")
    @signed_in()
    def api_docs() -> str:
        return render_template("api_docs.html", title=app.config["API_TITLE"], spec_url=f"{prefix}/openapi.json")


def _register_hooks(app: Flask, service: str) -> None:
    @app.before_request
    def start() -> None:
        clear_contextvars()
        g.started = time.perf_counter()
        g.request_id = (request.headers.get(REQUEST_ID) or uuid.uuid4().hex)[:80]
        bind_contextvars(service=service, request_id=g.request_id)
        if not request.path.startswith("/internal/"):
            request.max_content_length = MAX_BODY

    app.before_request(check_access)

    @app.teardown_request
    def forget_limit(_: BaseException | None) -> None:
        g.pop("limit", None)

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("started", time.perf_counter())
        response.headers[REQUEST_ID] = g.get("request_id", "")
        response.headers["Server-Timing"] = f"app;dur={seconds * 1000:.1f}"
        response.vary.add("HX-Request")
        if response.cache_control.max_age is None:
            response.headers.setdefault("Cache-Control", "no-store")
        route = request.url_rule.rule if request.url_rule else "none"
        if route not in QUIET:
            REQUESTS.labels(service, request.method, route, response.status_code).observe(seconds)
            log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                ms=round(seconds * 1e3, 1),
            )
        return response


def _register_operations(app: Flask) -> None:
    @app.get("/healthz")
    @public()
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    @public()
    def readyz() -> dict[str, str]:
        with current_app.extensions["liaison.engine"].connect() as connection:
            connection.execute(text("SELECT 1"))
        return {"status": "ready"}

    @app.get("/internal/metrics")
    @public()
    def metrics() -> Response:
        return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
