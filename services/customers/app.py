"""The web processes of customers: one for people and programs, one for the chunks of jobs."""

from functools import partial

from flask import Flask

from services.customers.answers import blueprint as answers
from services.customers.api import blueprints as apis
from services.customers.config import BULK_DATABASE, READERS, SERVICE, WEB_DATABASE, load_settings
from services.customers.consumers import FEEDS
from services.customers.domain.scope import limit_session
from services.customers.models import FeedCursor, IdempotencyKey, Inbox, Outbox
from services.customers.pages import blueprints as pages
from shared import web
from shared.feed import feed_blueprint, pull
from shared.feed_worker import nudge_after_commit
from shared.mail import MailServer
from shared.mail_queue import wake_after_commit
from shared.settings import Settings
from shared.worker import make_celery


def create_app(settings: Settings | None = None) -> Flask:
    """Return the app with screens, API and feed."""
    app = web.create_app(
        settings or load_settings(),
        title="Customers",
        pages=pages,
        apis=apis,
        internals=[feed_blueprint(Outbox, FeedCursor), answers],
        database=WEB_DATABASE,
        idempotency=IdempotencyKey,
        limit=limit_session,
    )
    app.extensions["liaison.mail"] = MailServer.from_environment(SERVICE)
    nudge_after_commit(app, READERS)
    wake_after_commit(app)
    return app


def create_bulk_app(settings: Settings | None = None) -> Flask:
    """Return the app that applies chunks of jobs, so that their work never sits in the process that draws screens."""
    from services.customers.internal import blueprint as bulk

    app = web.create_app(settings or load_settings(), internals=[bulk], database=BULK_DATABASE)
    app.extensions["customers.read_associates"] = partial(
        pull, owner="associates", inbox=Inbox, cursor=FeedCursor, handlers=FEEDS["associates"], must=True
    )
    make_celery(app)
    return app
