"""The worker of portal: `celery -A services.portal.worker worker -Q portal.events`. It fills the audit trail."""

from services.portal import config
from services.portal.consumers import FEEDS
from services.portal.models import FeedCursor, Inbox
from shared.feed_worker import make_feed_worker

app = make_feed_worker(config.load(), Inbox, FeedCursor, FEEDS)
