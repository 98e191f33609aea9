"""The web app of associates.

It applies chunks of mass changes and imports too: most of their work is PostgreSQL's, and associates are some
thousands, so they need no process of their own.
"""

from flask import Flask

from services.associates import config
from services.associates.answers import blueprint as answers
from services.associates.api import blueprints as apis
from services.associates.domain.scope import limit_session
from services.associates.internal import blueprint as bulk
from services.associates.models import FeedCursor, IdempotencyKey, Outbox
from services.associates.pages import blueprint as pages
from shared.feed import feed_blueprint
from shared.feed_worker import nudge_after_commit
from shared.settings import Settings
from shared.web import create_app as create_base


def create_app(settings: Settings | None = None) -> Flask:
    """Return the Flask app; without `settings`, from the environment."""
    app = create_base(
        settings or config.load(),
        title="Associates",
        pages=[pages],
        apis=apis,
        internals=[feed_blueprint(Outbox, FeedCursor), answers, bulk],
        idempotency=IdempotencyKey,
        limit=limit_session,
    )
    nudge_after_commit(app, config.READERS)
    return app
