"""The worker of associates: `celery -A services.associates.worker worker -Q associates.events`. It reads feeds."""

from services.associates.config import READERS, load
from services.associates.consumers import FEEDS
from services.associates.models import FeedCursor, Inbox
from shared.feed_worker import make_feed_worker

app = make_feed_worker(load(), Inbox, FeedCursor, FEEDS, READERS)
