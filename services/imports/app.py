"""The web side of imports."""

from functools import partial

from flask import Flask
from prometheus_client import Gauge

from services.imports.api import blueprints as apis
from services.imports.config import TARGETS, imports_config, imports_settings
from services.imports.domain.chunks import due_chunks
from services.imports.domain.owners import Owners
from services.imports.models import IdempotencyKey, Outbox
from services.imports.pages import blueprint as pages
from shared.db import read_only
from shared.feed import feed_blueprint
from shared.http import ServiceClient
from shared.settings import Settings
from shared.web import create_app as create_base
from shared.worker import make_celery

DUE_CHUNKS = Gauge(
    "imports_due_chunks", "Chunks that could be sent now; scale the workers of the queue on it", ["queue"]
)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the app of imports: screens, API, streams, and what its workers need."""
    settings = settings or imports_settings()
    app = create_base(
        settings,
        title="Imports",
        pages=[pages],
        apis=apis,
        internals=[feed_blueprint(Outbox)],
        idempotency=IdempotencyKey,
    )
    config = imports_config()
    app.extensions["imports.config"] = config
    app.extensions["imports.owners"] = Owners(
        {kind: ServiceClient(settings, peer, seconds=config.owner_seconds) for kind, peer in TARGETS.items()}
    )
    make_celery(app)
    _measure(app)
    return app


def _measure(app: Flask) -> None:
    def count(queue: str) -> float:
        with app.app_context(), read_only() as session:
            return due_chunks(session, queue)

    for queue in ("short", "long"):
        DUE_CHUNKS.labels(queue).set_function(partial(count, queue))
