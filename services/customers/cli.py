"""`python -m services.customers.cli check` and `... rebuild`: are our copies right, and make them anew."""

import sys

from services.customers.config import load_settings
from services.customers.consumers import FEEDS
from services.customers.domain import copies
from services.customers.models import FeedCursor, Inbox
from shared.copies import Copy, lasting_differences, rebuild
from shared.copies_cli import run
from shared.feed import pull
from shared.http import ServiceClient

OWNER = "associates"
COPIES = (Copy("associates", 1, copies.some_names), Copy("links", 3, copies.some_links))
LOADS = {"associates": copies.load_names, "links": copies.load_links}


def check(client: ServiceClient) -> list[str]:
    """Return a line for each difference between the copies and associates."""
    found = lasting_differences(client, COPIES, lambda: pull(client, OWNER, Inbox, FeedCursor, FEEDS[OWNER]))
    return [str(one) for one in found]


def make_anew(client: ServiceClient) -> list[str]:
    """Make the copies from zero; return a line for each."""
    counts = rebuild(client, FeedCursor, OWNER, LOADS, copies.clear_copies)
    return [f"{name}: {count:,} rows" for name, count in counts.items()]


if __name__ == "__main__":
    sys.exit(run(load_settings(), OWNER, check=check, rebuild=make_anew))
