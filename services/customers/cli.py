"""`python -m services.customers.cli check` and `... rebuild`: are our copies right, and make them anew."""

import argparse
import sys

from services.customers.config import load_settings
from services.customers.consumers import FEEDS
from services.customers.domain import copies
from services.customers.models import FeedCursor, Inbox
from shared.copies import Copy, lasting_differences, rebuild
from shared.feed import pull
from shared.http import ServiceClient, ServiceUnavailable
from shared.web import create_app

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


def main() -> int:
    """Do what the argument says; 1 when something differs."""
    parser = argparse.ArgumentParser(prog="python -m services.customers.cli", description=(__doc__ or "").strip())
    parser.add_argument("action", choices=("check", "rebuild"))
    action = parser.parse_args().action
    settings = load_settings()
    client = ServiceClient(settings, OWNER, seconds=60)
    with create_app(settings, database={"pool_size": 1}).app_context():
        try:
            lines = check(client) if action == "check" else make_anew(client)
        except ServiceUnavailable as error:
            sys.exit(f"customers: {error.sentence}")
    for line in lines:
        print(f"customers: {line}")
    return 1 if action == "check" and lines else 0


if __name__ == "__main__":
    sys.exit(main())
