"""The worker of a service that reads the feeds of others: `celery -A services.<name>.worker worker -Q <name>.events`.

Its one task, `<name>.pull_events`, is nudged by the owners after a commit, and by beat every few seconds. One process
per reader, since a service opens its own database only; a `solo` pool, since a feed is read by one at a time, or a few
threads where the worker has more to do.
"""

from collections.abc import Mapping, Sequence
from functools import cache

from celery import Celery
from flask import Flask

from shared.feed import Handler, pull
from shared.http import ServiceClient
from shared.outbox import CursorTable, InboxTable
from shared.settings import Settings
from shared.web import create_app
from shared.worker import make_celery, nudge

Feeds = Mapping[str, Mapping[str, Handler]]  # owner -> event name -> handler


def make_feed_worker(
    settings: Settings,
    inbox: type[InboxTable],
    cursor: type[CursorTable],
    feeds: Feeds,
    readers: Sequence[str] = (),
) -> Celery:
    """Return the Celery app that reads `feeds` into the database of its service.

    `readers` are nudged for what its handlers record in turn. Its Flask app is `.flask`.
    """
    flask_app = create_app(settings, database={"pool_size": 2})
    celery = make_celery(flask_app)
    nudge_after_commit(flask_app, readers)

    @cache
    def client(owner: str) -> ServiceClient:
        return ServiceClient(settings, owner)

    @celery.task(name=f"{settings.service}.pull_events", expires=30)  # type: ignore[untyped-decorator]
    def pull_events(owner: str | None = None) -> None:
        for one, handlers in feeds.items():
            if owner in (None, one):
                pull(client(one), one, inbox, cursor, dict(handlers))

    return celery


def nudge_after_commit(app: Flask, readers: Sequence[str]) -> None:
    """Let `app`, after a commit that recorded an event, nudge the services that read its feed."""
    service = app.extensions["liaison.settings"].service
    celery = app.extensions.get("liaison.celery") or make_celery(app)

    def nudge_all() -> None:
        for reader in readers:
            nudge(celery, f"{reader}.pull_events", service, queue=f"{reader}.events", expires=30)

    app.extensions["liaison.nudge_readers"] = nudge_all
