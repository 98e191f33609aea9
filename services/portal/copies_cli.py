"""`python -m services.portal.copies_cli check` and `... rebuild`: do we know right whose users may sign in."""

import sys

from services.portal.config import load
from services.portal.consumers import FEEDS
from services.portal.domain import ties
from services.portal.models import FeedCursor, Inbox
from shared.copies import Copy, lasting_differences, rebuild
from shared.copies_cli import run
from shared.db import unit_of_work
from shared.feed import pull
from shared.http import ServiceClient

OWNER = "associates"
COPIES = (Copy("sign-ins", 1, ties.some_sign_ins),)


def check(client: ServiceClient) -> list[str]:
    """Return a line for each associate that is otherwise here than at its owner."""
    found = lasting_differences(client, COPIES, lambda: pull(client, OWNER, Inbox, FeedCursor, FEEDS[OWNER]))
    return [str(one) for one in found]


def make_anew(client: ServiceClient) -> list[str]:
    """Make the copy from zero; whose associate is gone is signed out. Return a line that counts it.

    The feed is read on from where it was: what it has not told yet belongs into the audit trail, too.
    """
    counts = rebuild(client, FeedCursor, OWNER, {"sign-ins": ties.load_sign_ins}, ties.doubt_all, skip=False)
    with unit_of_work() as session:
        ties.lock_out_of_gone(session)
    return [f"{name}: {count:,} rows" for name, count in counts.items()]


if __name__ == "__main__":
    sys.exit(run(load(), OWNER, check=check, rebuild=make_anew))
