"""`python -m services.associates.cli check` and `... rebuild`: do links lead to accounts that exist."""

import sys
import uuid

from services.associates.config import load
from services.associates.consumers import FEEDS
from services.associates.domain.copies import linked_accounts
from services.associates.domain.link_ends import end_links_of_accounts
from services.associates.models import FeedCursor, Inbox
from shared.copies_cli import run
from shared.db import read_only, unit_of_work
from shared.feed import pull
from shared.history import Actor
from shared.http import ServiceClient

OWNER = "customers"
AT_ONCE = 5000  # links begin and end only between the pieces
OPERATOR = Actor(uuid.UUID(int=0), "Command line")


def gone_accounts(client: ServiceClient) -> list[uuid.UUID]:
    """Return the accounts that are linked here, and that customers does not have, once its feed was read."""
    pull(client, OWNER, Inbox, FeedCursor, FEEDS[OWNER])
    gone: list[uuid.UUID] = []
    with read_only() as session:
        for ids in linked_accounts(session):
            answer = client.post("/internal/accounts/known", json={"ids": [str(one) for one in ids]})
            known = {uuid.UUID(one["id"]) for one in answer["accounts"]}
            gone += [one for one in ids if one not in known]
    return gone


def check(client: ServiceClient) -> list[str]:
    """Return a line for each account that is gone, asked twice, as it may just be on its way."""
    if not (gone := gone_accounts(client)):
        return []
    still = set(gone) & set(gone_accounts(client))
    return [f"links: account {one} is linked here, and not at its owner" for one in sorted(still)]


def end_wrong_links(client: ServiceClient) -> list[str]:
    """End the links of accounts that are gone; return a line that tells how many accounts these were."""
    gone = gone_accounts(client)
    for start in range(0, len(gone), AT_ONCE):
        with unit_of_work() as session:
            end_links_of_accounts(session, OPERATOR, gone[start : start + AT_ONCE])
    return [f"links: {len(gone):,} accounts were gone"]


if __name__ == "__main__":
    sys.exit(run(load(), OWNER, check=check, rebuild=end_wrong_links))
