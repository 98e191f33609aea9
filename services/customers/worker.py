"""The worker of customers: `celery -A services.customers.worker worker -Q customers.events`. It reads feeds."""

from services.customers.config import load_settings
from services.customers.consumers import FEEDS
from services.customers.models import FeedCursor, Inbox
from shared.feed_worker import make_feed_worker

app = make_feed_worker(load_settings(), Inbox, FeedCursor, FEEDS)
