"""The worker of portal: `celery -A services.portal.worker worker -Q portal.events`.

Beat sends `portal.pull_events` every few seconds to the queue `portal.events`.
"""

from functools import cache

from services.portal import config
from services.portal.models import FeedCursor, Inbox
from services.portal.tasks import PULL_EVENTS, pull_events
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


@app.task(name=PULL_EVENTS, expires=30)
def pull_all() -> None:
    """Read what is new into the audit trail."""
    pull_events(client, Inbox, FeedCursor)
