"""The web side of imports."""

from flask import Flask

from services.imports import internal, metrics
from services.imports.api import blueprints as apis
from services.imports.config import (
    EXPORT_SECONDS,
    EXPORTS,
    FEATURES,
    FIELDS,
    MASS_CHANGES,
    NEEDS,
    SNAPSHOTS,
    TARGETS,
    imports_config,
    imports_settings,
)
from services.imports.domain.export_owners import ExportOwners
from services.imports.domain.owners import Owners
from services.imports.models import IdempotencyKey, Outbox
from services.imports.pages import blueprint as pages
from services.imports.peers import MassChangePeers
from shared.feed import feed_blueprint
from shared.http import ServiceClient
from shared.settings import Settings
from shared.web import create_app as create_base
from shared.worker import make_celery


def create_app(settings: Settings | None = None) -> Flask:
    """Return the app of imports: screens, API, streams, and what its workers need."""
    settings = settings or imports_settings()
    app = create_base(
        settings,
        title="Imports",
        pages=[pages],
        apis=apis,
        internals=[internal.blueprint, feed_blueprint(Outbox)],
        idempotency=IdempotencyKey,
    )
    config = imports_config()
    app.extensions["imports.config"] = config
    imported, changed = (
        {kind: ServiceClient(settings, peer, seconds=config.owner_seconds) for kind, peer in peers.items()}
        for peers in (TARGETS, MASS_CHANGES)
    )
    app.extensions["imports.owners"] = Owners(imported, changed, FEATURES, NEEDS, FIELDS)
    app.extensions["imports.mass_change_peers"] = MassChangePeers(
        ServiceClient(settings, SNAPSHOTS, seconds=EXPORT_SECONDS),
        ServiceClient(settings, MASS_CHANGES["mass_change"], seconds=config.owner_seconds),
    )
    app.extensions["imports.export_owners"] = ExportOwners(
        {kind: ServiceClient(settings, peer, seconds=EXPORT_SECONDS) for kind, peer in EXPORTS.items()}
    )
    make_celery(app)
    metrics.measure(app)
    return app
