"""The worker of portal: `celery -A services.portal.worker worker -Q portal.events`.

Beat sends `portal.pull_events` every few seconds to the queue `portal.events`.
"""

from functools import cache

from services.portal import config
from services.portal.consumers import HANDLERS, OWNERS
from services.portal.models import FeedCursor, Inbox
from shared.feed import pull
from shared.http import ServiceClient
from shared.web import create_app
from shared.worker import make_celery

settings = config.load()
flask_app = create_app(settings, database={"pool_size": 2})
app = make_celery(flask_app)


@cache
def client(owner: str) -> ServiceClient:
    """Return the one client for `owner`."""
    return ServiceClient(settings, owner)


@app.task(name="portal.pull_events", expires=30)
def pull_events() -> None:
    """Read what is new in the feeds into the audit trail."""
    for owner in OWNERS:
        pull(client(owner), owner, Inbox, FeedCursor, HANDLERS)
