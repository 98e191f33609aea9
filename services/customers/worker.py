"""The worker of customers: `celery -A services.customers.worker worker -Q customers.events,customers.mail`.

It reads feeds and sends mails, in two threads of one process. A mail takes one of them at most (see `tasks`), so a slow
mail server holds up no feed.
"""

from services.customers import tasks  # noqa: F401 - registers them
from services.customers.config import SERVICE, load_settings
from services.customers.consumers import FEEDS
from services.customers.models import FeedCursor, Inbox
from shared.feed_worker import make_feed_worker
from shared.mail import MailServer
from shared.mail_queue import wake_after_commit

app = make_feed_worker(load_settings(), Inbox, FeedCursor, FEEDS)
app.flask.extensions["liaison.mail"] = MailServer.from_environment(SERVICE)
wake_after_commit(app.flask)
